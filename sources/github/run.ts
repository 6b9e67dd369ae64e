import { quoted, words } from "../kit/line.ts";
import { first, line } from "../kit/json_path.ts";
import { type GitHubEvent, shortId } from "./github_event.ts";

/** `Workflow "CI" completed: failure on main in octo/repo`, and the like for jobs and checks. */
export function runTitle(kind: string, key: string): (event: GitHubEvent) => string {
  return ({ payload, did, where }) => {
    const branch = first(
      line(payload, key, "head_branch"),
      line(payload, key, "check_suite", "head_branch"),
    );
    const name = first(
      line(payload, key, "name"),
      line(payload, key, "app", "name"),
    );
    const outcome = line(payload, key, "conclusion")?.replaceAll("_", " ");
    const ended = outcome ? `${did}: ${outcome}` : did;
    return words(kind, quoted(name), ended, ["on", branch], where);
  };
}

/** `Status ci/build is failure for 1234567 in octo/repo "2 tests failed"`. */
export function statusTitle({ payload, where }: GitHubEvent): string {
  return words(
    "Status",
    line(payload, "context"),
    ["is", line(payload, "state")],
    ["for", shortId(line(payload, "sha"))],
    where,
    quoted(line(payload, "description")),
  );
}

/** `ada asked to deploy main to production in octo/repo`. */
export function deploymentTitle({ payload, who, where }: GitHubEvent): string {
  const environment = line(payload, "deployment", "environment");
  return words(who, "asked to deploy", line(payload, "deployment", "ref"), [
    "to",
    environment,
  ], where);
}

/** `Deployment to production is success in octo/repo`. */
export function deploymentStatusTitle({ payload, where }: GitHubEvent): string {
  const environment = first(
    line(payload, "deployment_status", "environment"),
    line(payload, "deployment", "environment"),
  );
  const state = line(payload, "deployment_status", "state")?.replaceAll(
    "_",
    " ",
  );
  return words("Deployment", ["to", environment], ["is", state], where);
}

/** `Deployment review requested for production in octo/repo`. */
export function deploymentReviewTitle({ payload, did, where }: GitHubEvent): string {
  return words(
    "Deployment review",
    did,
    ["for", line(payload, "environment")],
    where,
  );
}

/** `Dependabot alert created in octo/repo: lodash "Prototype pollution"`. */
export function alertTitle(kind: string): (event: GitHubEvent) => string {
  return ({ payload, did, where }) => {
    const alert = words(
      first(
        line(payload, "alert", "dependency", "package", "name"),
        line(payload, "alert", "affected_package_name"),
        line(payload, "alert", "secret_type_display_name"),
        line(payload, "alert", "secret_type"),
      ),
      quoted(first(
        line(payload, "alert", "security_advisory", "summary"),
        line(payload, "alert", "rule", "description"),
      )),
    );
    const happened = words(kind, "alert", did, where);
    return alert ? `${happened}: ${alert}` : happened;
  };
}

/** `Security advisory GHSA-… published "Prototype pollution in lodash"`. */
export function advisoryTitle({ payload, did }: GitHubEvent): string {
  return words(
    "Security advisory",
    line(payload, "security_advisory", "ghsa_id"),
    did,
    quoted(line(payload, "security_advisory", "summary")),
  );
}
