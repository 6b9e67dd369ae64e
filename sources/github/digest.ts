import { wholeText, words } from "../kit/line.ts";
import { httpLink } from "../kit/link.ts";
import { at, facts, first, isObject, line, list, whole } from "../kit/json_path.ts";
import { refName, shortId } from "./github_event.ts";

/** What an event can be about, the most telling first: a comment says more than its issue. */
const SUBJECTS = [
  "comment",
  "review",
  "pull_request",
  "issue",
  "discussion",
  "release",
  "workflow_job",
  "workflow_run",
  "check_run",
  "check_suite",
  "alert",
  "security_advisory",
  "package",
  "milestone",
  "forkee",
  "commit",
  "installation",
  "team",
  "sub_issue",
  "blocked_issue",
  "repository_advisory",
  "registry_package",
  "repository",
];

/** Where the event can be looked at. */
export function linkOf(payload: unknown): string | undefined {
  return first(
    httpLink(at(payload, "compare")),
    httpLink(at(payload, "pages", 0, "html_url")),
    httpLink(at(payload, "deployment_status", "log_url")),
    ...SUBJECTS.map((key) => httpLink(at(payload, key, "html_url"))),
    httpLink(at(payload, "security_advisory", "references", 0, "url")),
  );
}

/** What a person wrote: the comment, the body, or the messages of all commits. */
export function textOf(
  payload: unknown,
  event: string | undefined,
): string | undefined {
  if (event === "push") return messages(list(payload, "commits"));
  return first(
    ...SUBJECTS.slice(0, SUBJECTS.indexOf("workflow_job")).map((key) =>
      whole(payload, key, "body")
    ),
    whole(payload, "security_advisory", "description"),
    whole(payload, "alert", "security_advisory", "description"),
  );
}

/** A handful of notable facts. */
export function factsOf(
  payload: unknown,
  event: string | undefined,
): Record<string, string> {
  const subject = SUBJECTS.find((key) =>
    isObject(payload, key) && key !== "comment" && key !== "review"
  );
  const about = subject === "repository" ? undefined : at(payload, subject ?? "");
  const ref = line(payload, "ref");
  const tag = ref?.startsWith("refs/tags/") ? refName(ref) : undefined;
  return facts({
    event,
    repository: line(payload, "repository", "full_name"),
    organization: at(payload, "repository") ? undefined : line(payload, "organization", "login"),
    number: line(about, "number"),
    branch: first(
      words(line(about, "head", "ref"), ["into", line(about, "base", "ref")]) ||
        undefined,
      line(about, "head_branch"),
      tag ? undefined : refName(ref),
    ),
    tag: first(line(about, "tag_name"), tag),
    commits: Array.isArray(at(payload, "commits"))
      ? String(list(payload, "commits").length)
      : undefined,
    author: line(about, "user", "login"),
    labels: names(list(about, "labels"), "name"),
    assignees: names(list(about, "assignees"), "login"),
    milestone: line(about, "milestone", "title"),
    changes: changes(about),
    state: first(
      line(payload, "review", "state"),
      line(payload, "deployment_status", "state"),
      line(about, "conclusion"),
      line(about, "state"),
      line(payload, "state"),
    ),
    environment: first(
      line(payload, "deployment_status", "environment"),
      line(payload, "deployment", "environment"),
    ),
    file: line(payload, "comment", "path"),
    severity: first(
      line(about, "security_advisory", "severity"),
      line(about, "rule", "severity"),
      line(about, "severity"),
    ),
  });
}

function messages(commits: unknown[]): string | undefined {
  const lines = commits.map((commit) => {
    const author = first(
      line(commit, "author", "username"),
      line(commit, "author", "name"),
    );
    return words(
      shortId(line(commit, "id")),
      whole(commit, "message"),
      author && `(${author})`,
    );
  });
  return wholeText(lines.filter((line) => line).join("\n")) || undefined;
}

function names(things: unknown[], key: string): string | undefined {
  return things.map((thing) => line(thing, key)).filter((name) => name).join(
    ", ",
  ) || undefined;
}

function changes(about: unknown): string | undefined {
  const files = line(about, "changed_files");
  const added = line(about, "additions");
  const removed = line(about, "deletions");
  return added && removed &&
    words(`+${added} −${removed}`, ["in", files && `${files} files`]);
}
