import { changed, firstFew, quoted, words } from "../kit/line.ts";
import { at, first, isObject, line, list } from "../kit/json_path.ts";

/** What a comment's event says was done, on Cloud and by Server's `issue_event_type_name`. */
const COMMENTED: Record<string, string> = {
  comment_created: "commented",
  comment_updated: "edited a comment",
  comment_deleted: "deleted a comment",
  issue_commented: "commented",
  issue_comment_edited: "edited a comment",
  issue_comment_deleted: "deleted a comment",
};

/** What Server's `issue_event_type_name` says, where no change is listed. */
const DONE: Record<string, string> = {
  issue_assigned: "assigned",
  issue_resolved: "resolved",
  issue_closed: "closed",
  issue_reopened: "reopened",
  issue_moved: "moved",
  issue_work_started: "started work on",
  issue_work_stopped: "stopped work on",
  issue_work_logged: "logged work on",
  issue_worklog_updated: "edited a worklog of",
  issue_worklog_deleted: "deleted a worklog of",
};

/** The issue: at `issue`, or the whole body where an automation sends the issue alone. */
export function issueOf(payload: unknown): unknown {
  const isIssue = line(payload, "key") && isObject(payload, "fields");
  return at(payload, "issue") ?? (isIssue ? payload : undefined);
}

/** Who did it. The `user` of `user_created` is the one who was made. */
export function actorOf(payload: unknown): string | undefined {
  const isSubject = line(payload, "webhookEvent")?.startsWith("user_");
  return first(
    isSubject ? undefined : nameOf(at(payload, "user")),
    nameOf(at(payload, "comment", "updateAuthor")),
    nameOf(at(payload, "comment", "author")),
    nameOf(at(payload, "worklog", "updateAuthor")),
    nameOf(at(payload, "worklog", "author")),
    nameOf(at(payload, "attachment", "author")),
    nameOf(at(payload, "initiator")),
  );
}

function nameOf(user: unknown): string | undefined {
  return first(line(user, "displayName"), line(user, "name"));
}

/** What changed: `status To Do → Done`; a value that was taken away is `none`. */
export function changesOf(payload: unknown): string[] {
  return list(payload, "changelog", "items").slice(0, 10).map((item) =>
    changed(
      line(item, "field"),
      line(item, "fromString") ?? line(item, "from"),
      // `toString` must be the item's own: `line` never finds the inherited one.
      line(item, "toString") ?? line(item, "to"),
    )
  ).filter((change) => change !== undefined);
}

/** `Ada updated OTT-12 "Title": status To Do → Done`, `Ada commented on OTT-12 "Title": Still`. */
export function titleOf(payload: unknown): string | undefined {
  const event = line(payload, "webhookEvent");
  const issue = issueOf(payload);
  const kind = line(payload, "issue_event_type_name");
  const summary = quoted(line(issue, "fields", "summary"));
  const key = line(issue, "key");
  const actor = actorOf(payload);
  const changes = firstFew(changesOf(payload), 5);
  const commented = [event, kind].map((name) =>
    name !== undefined && Object.hasOwn(COMMENTED, name) ? COMMENTED[name] : undefined
  ).find((did) => did);
  if (commented && (event?.startsWith("comment_") || isObject(payload, "comment"))) {
    const title = words(actor ?? "Somebody", commented, ["on", words(key, summary) || undefined]);
    const said = commented.startsWith("deleted") ? undefined : commentOf(payload);
    return said ? `${title}: ${said}` : title;
  }
  const [, thing, past] = /^(?:jira:)?([^\W_]+)_(\w+)$/.exec(event ?? "") ?? [];
  if (event === undefined || thing === undefined || thing === "issue") {
    const name = words(key, summary);
    if (!name) return event && words("Jira", event);
    const done = !changes && kind && Object.hasOwn(DONE, kind) ? DONE[kind] : past;
    const title = actor && done
      ? words(actor, done.replaceAll("_", " "), name)
      : event
      ? words(name, done?.replaceAll("_", " "))
      // An automation says what an issue is, not what happened to it.
      : words(name, line(issue, "fields", "status", "name") && `(${statusOf(issue)})`);
    return changes ? `${title}: ${changes}` : title;
  }
  return thingTitle(payload, { thing, did: past.replaceAll("_", " "), key, actor });
}

/** Of a sprint, a version, a worklog and what else has a name of its own. */
function thingTitle(
  payload: unknown,
  { thing, did, key, actor }: {
    thing: string;
    did: string;
    key: string | undefined;
    actor: string | undefined;
  },
): string {
  const about = at(payload, thing);
  const name = quoted(first(
    line(about, "name"),
    line(about, "displayName"),
    line(about, "filename"),
    line(payload, "user", "displayName") && thing === "user"
      ? line(payload, "user", "displayName")
      : undefined,
  ));
  const link = line(payload, "issueLink", "issueLinkType", "name");
  const what = words(
    thing === "issuelink" ? "issue link" : thing,
    name,
    thing === "issuelink" ? link && `(${link})` : undefined,
    ["on", key],
  );
  const spent = line(about, "timeSpent");
  const value = first(line(payload, "property", "key"), spent);
  const title = actor
    ? words(actor, did, what)
    : words(what.replace(/^[a-z]/, (letter) => letter.toUpperCase()), did);
  return value ? `${title}: ${value}` : title;
}

function statusOf(issue: unknown): string | undefined {
  return line(issue, "fields", "status", "name");
}

/** A comment's words; newer ones are a document of blocks (Atlassian Document Format). */
function commentOf(payload: unknown): string | undefined {
  return line(payload, "comment", "body") ?? line([plainText(at(payload, "comment", "body"))], 0);
}

/** The deepest and the most blocks that are read of a document. */
const MAX_DEPTH = 12;
const MAX_BLOCKS = 500;

/** The text of a document of blocks, a line each. */
export function plainText(document: unknown): string | undefined {
  if (!isObject(document)) return undefined;
  const found: string[] = [];
  let left = MAX_BLOCKS;
  const read = (node: unknown, depth: number) => {
    if (depth > MAX_DEPTH || left-- <= 0) return;
    const own = at(node, "text");
    if (typeof own === "string") found.push(own);
    for (const child of list(node, "content").slice(0, MAX_BLOCKS)) read(child, depth + 1);
    if (line(node, "type") === "paragraph") found.push("\n");
  };
  read(document, 0);
  return found.join("").trim() || undefined;
}
