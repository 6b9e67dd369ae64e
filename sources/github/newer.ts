import { changed, firstFew, quoted, words } from "../kit/line.ts";
import { at, first, isObject, line, list } from "../kit/json_path.ts";
import type { GitHubEvent } from "./github_event.ts";

/** `#7 "Answer the phone"` of any object that has a number and a title. */
function numbered(thing: unknown): string {
  const number = line(thing, "number");
  return words(number && `#${number}`, quoted(line(thing, "title")));
}

/** Events whose words lie elsewhere than in a name: the younger ones of GitHub's. */
export const NEWER: Record<string, (event: GitHubEvent) => string> = {
  sub_issues: ({ payload, action, who, where }) => {
    const isParent = action?.startsWith("parent_issue") ?? false;
    const did = action?.endsWith("removed") ? "removed" : "added";
    const [one, other] = isParent ? ["parent_issue", "sub_issue"] : ["sub_issue", "parent_issue"];
    return words(
      who,
      did,
      isParent ? "parent issue" : "sub-issue",
      numbered(at(payload, one)),
      did === "removed" ? "from" : "to",
      "issue",
      numbered(at(payload, other)),
      where,
    );
  },
  issue_dependencies: ({ payload, action, who, where }) =>
    words(
      who,
      action?.endsWith("removed") ? "no longer has" : "marked",
      "issue",
      numbered(at(payload, "blocked_issue")),
      "as blocked by",
      numbered(at(payload, "blocking_issue")),
      where,
    ),
  custom_property: ({ payload, who, did, where }) =>
    words(who, did, "custom property", quoted(line(payload, "definition", "property_name")), where),
  custom_property_values: ({ payload, who, where }) => {
    const old = list(payload, "old_property_values");
    const changes = firstFew(
      list(payload, "new_property_values").slice(0, 20).map((each) => {
        const name = line(each, "property_name");
        const was = old.find((other) => line(other, "property_name") === name);
        return changed(name, valueOf(was), valueOf(each));
      }),
    );
    const said = words(who, "changed custom properties", where);
    return changes ? `${said}: ${changes}` : said;
  },
  projects_v2_item: ({ payload, who, did, where }) => {
    const kind = line(payload, "projects_v2_item", "content_type")?.replace(
      /(?<=[a-z])[A-Z]/g,
      (letter) => ` ${letter.toLowerCase()}`,
    );
    const field = at(payload, "changes", "field_value");
    const change = changed(
      line(field, "field_name"),
      first(line(field, "from", "name"), line(field, "from", "title"), line(field, "from")),
      first(line(field, "to", "name"), line(field, "to", "title"), line(field, "to")),
    );
    const said = words(who, did, "project item", kind && `(${kind})`, where);
    return change ? `${said}: ${change}` : said;
  },
  projects_v2_status_update: ({ payload, who, did, where }) => {
    const status = line(payload, "projects_v2_status_update", "status")?.toLowerCase()
      .replaceAll("_", " ");
    const body = line(payload, "projects_v2_status_update", "body");
    const said = words(who, did, "project status", status, where);
    return body ? `${said}: ${body}` : said;
  },
  personal_access_token_request: ({ payload, who, did, where }) =>
    words(
      who,
      did,
      "the token request",
      quoted(line(payload, "personal_access_token_request", "token_name")),
      ["of", line(payload, "personal_access_token_request", "owner", "login")],
      where,
    ),
  deployment_protection_rule: ({ payload, where }) =>
    words("Deployment", ["to", line(payload, "environment")], "waits for a protection rule", where),
  repository_dispatch: ({ payload, action, who, where }) =>
    words(who, "dispatched", quoted(action), ["on", line(payload, "branch")], where),
  repository_advisory: ({ payload, who, did, where }) =>
    words(
      who,
      did,
      "security advisory",
      line(payload, "repository_advisory", "ghsa_id"),
      quoted(line(payload, "repository_advisory", "summary")),
      where,
    ),
  installation_target: ({ payload, who }) =>
    words(
      who,
      "renamed the account",
      line(payload, "changes", "login", "from"),
      ["to", first(line(payload, "account", "login"), line(payload, "account", "slug"))],
    ),
  secret_scanning_alert_location: ({ payload, where }) =>
    words(
      "Secret",
      first(
        line(payload, "alert", "secret_type_display_name"),
        line(payload, "alert", "secret_type"),
      ),
      ["found in", first(line(payload, "location", "details", "path"), placeOf(payload))],
      where,
    ),
  secret_scanning_scan: ({ payload, did, where }) =>
    words("Secret scan", ["of", line(payload, "source")], did, where),
  security_and_analysis: ({ payload, who, where }) => {
    const was = at(payload, "changes", "from", "security_and_analysis");
    const now = at(payload, "repository", "security_and_analysis");
    const keys = isObject(was) ? Object.keys(was as object).slice(0, 20) : [];
    const changes = firstFew(
      keys.map((key) => ({
        key,
        was: line(was, key, "status"),
        now: line(now, key, "status"),
      })).filter((each) => each.was !== each.now)
        .map((each) => changed(each.key.replaceAll("_", " "), each.was, each.now)),
    );
    const said = words(who, "changed the security settings", where);
    return changes ? `${said}: ${changes}` : said;
  },
  github_app_authorization: ({ who }) => words(who, "revoked the app's authorization"),
  installation_repositories: ({ payload, who, action, where }) => {
    const removed = action === "removed";
    const names = list(payload, removed ? "repositories_removed" : "repositories_added")
      .map((each) => line(each, "full_name"));
    return words(
      who,
      removed ? "took the app off" : "added the app to",
      firstFew(names) ?? "repositories",
      where ?? ["of", line(payload, "installation", "account", "login")],
    );
  },
  repository: ({ payload, who, action, did }) => {
    const name = line(payload, "repository", "full_name") ?? "a repository";
    const was = line(payload, "changes", "repository", "name", "from");
    const owner = first(
      line(payload, "changes", "owner", "from", "user", "login"),
      line(payload, "changes", "owner", "from", "organization", "login"),
    );
    if (action === "renamed" && was) return words(who, "renamed repository", was, "to", name);
    if (action === "transferred" && owner) {
      return words(who, "transferred repository", name, "from", owner);
    }
    if (action === "publicized" || action === "privatized") {
      return words(who, "made repository", name, action === "publicized" ? "public" : "private");
    }
    return words(who, did, "repository", name);
  },
};

function valueOf(property: unknown): string | undefined {
  const value = at(property, "value");
  return Array.isArray(value) ? firstFew(value.map((_, i) => line(value, i))) : line([value], 0);
}

/** Where a secret stands that is in no file: `issue_body` and the like. */
function placeOf(payload: unknown): string | undefined {
  return line(payload, "location", "type")?.replaceAll("_", " ");
}
