import { at, isObject, line, list, text } from "../kit/json_path.ts";
import { capital, quoted, words } from "../kit/line.ts";
import { idAt, keyOf, timeAt, toSubject } from "../kit/subject/subject_key.ts";
import type { Subject, SubjectRole } from "../subject.ts";
import { issueOf } from "./title.ts";

/** What has events of its own besides issues. */
const OTHERS = ["sprint", "version", "project"] as const;

/** What an event is about: an issue, or else a sprint, a version or a project; each of one Jira. */
export function subjectOf(payload: unknown, link: string | undefined): Subject | undefined {
  const rest = { role: roleOf(payload), at: timeAt(payload, "timestamp") };
  const issue = issueOf(payload);
  if (issue !== undefined) {
    const title = line(issue, "fields", "summary");
    return toSubject(keyOf`${hostOf(issue)}:${idAt(issue, "id")}`, {
      ...rest,
      name: title && words(line(issue, "key"), quoted(title)),
      link,
    });
  }
  const worklog = at(payload, "worklog");
  if (worklog !== undefined) {
    return toSubject(keyOf`${hostOf(worklog)}:${idAt(worklog, "issueId")}`, rest);
  }
  const kind = OTHERS.find((each) => at(payload, each) !== undefined);
  if (kind === undefined) return undefined;
  const thing = at(payload, kind);
  return toSubject(keyOf`${hostOf(thing)}:${kind}/${idAt(thing, "id")}`, {
    ...rest,
    name: words(capital(kind), quoted(line(thing, "name"))),
  });
}

function roleOf(payload: unknown): SubjectRole {
  switch (line(payload, "webhookEvent")) {
    case "jira:issue_created":
      return "opens";
    case "comment_created":
      return "continues";
    case "jira:issue_deleted":
      return "closes";
    case "jira:issue_updated":
      if (isDone(payload)) return "closes";
      if (isReopened(payload)) return "opens";
      return isServersComment(payload) ? "continues" : "notes";
    // A rule of Jira's automation sends the issue alone, and to us only if somebody wants it so.
    case undefined:
      return "continues";
    default:
      return "notes";
  }
}

/** Whether this very change has ended the issue: one that is done may be edited later. */
function isDone(payload: unknown): boolean {
  return line(payload, "issue", "fields", "status", "statusCategory", "key") === "done" &&
    list(payload, "changelog", "items").some((item) => line(item, "field") === "status");
}

/** Whether this very change has taken the issue's resolution away: what is resolved is over. */
function isReopened(payload: unknown): boolean {
  return list(payload, "changelog", "items").some((item) =>
    line(item, "field") === "resolution" && line(item, "from") !== undefined &&
    line(item, "to") === undefined
  );
}

/**
 * On Server and Data Center a comment's own event does not say on which issue it is: there it is heard
 * by the issue's update. Cloud's `comment_created` names the issue.
 */
function isServersComment(payload: unknown): boolean {
  return line(payload, "issue_event_type_name") === "issue_commented" &&
    isObject(payload, "comment") &&
    !hostOf(at(payload, "issue"))?.endsWith(".atlassian.net");
}

/** Issues of two Jiras have the same numbers: `self` is the API's address of a thing. */
function hostOf(thing: unknown): string | undefined {
  return URL.parse(text(thing, "self") ?? "")?.host || undefined;
}
