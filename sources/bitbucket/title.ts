import { changed, counted, firstFew, quoted, words } from "../kit/line.ts";
import { at, first, isObject, line, list } from "../kit/json_path.ts";

/** What was done to a pull request or an issue, by the part of the event's key behind the colon. */
const DID: Record<string, string> = {
  opened: "opened",
  fulfilled: "merged",
  rejected: "declined",
  unapproved: "withdrew approval of",
  push: "pushed to",
  from_ref_updated: "pushed to",
  modified: "edited",
  comment_created: "commented on",
  comment_added: "commented on",
  comment_updated: "edited a comment on",
  comment_edited: "edited a comment on",
  comment_deleted: "deleted a comment on",
  comment_resolved: "resolved a comment on",
  comment_reopened: "reopened a comment on",
  changes_request_created: "asked for changes of",
  changes_request_removed: "no longer asks for changes of",
  reviewer_updated: "changed the reviewers of",
  reviewer_approved: "approved",
  reviewer_unapproved: "withdrew approval of",
  reviewer_needs_work: "asked for changes of",
  reviewer_changes_requested: "asked for changes of",
};

/** Whether a comment is told behind the title: of one that is deleted only that it is. */
export function saysComment(event: string | undefined): boolean {
  return !event?.endsWith("deleted");
}

/** Cloud's `octo/phone`, and Data Center's project key and name alike. */
export function repositoryOf(payload: unknown): string | undefined {
  const holders = [
    at(payload, "repository"),
    at(payload, "pullRequest", "toRef", "repository"),
    at(payload, "new"),
    at(payload, "fork"),
  ];
  return first(...holders.map(fullName));
}

function fullName(repository: unknown): string | undefined {
  const name = first(line(repository, "slug"), line(repository, "name"));
  const project = first(line(repository, "project", "key"), line(repository, "project", "name"));
  return line(repository, "full_name") ?? (name && project ? `${project}/${name}` : name);
}

/** The line a person reads, for Cloud's and Data Center's events. */
export function titleOf(
  payload: unknown,
  { event, actor }: { event: string | undefined; actor: string | undefined },
): string | undefined {
  const did = event?.split(":").slice(1).join("_");
  const where = ["in", repositoryOf(payload)] as const;
  const pull = first(at(payload, "pullrequest"), at(payload, "pullRequest"));
  const work = pull ?? at(payload, "issue");
  if (work) {
    const known = did !== undefined && Object.hasOwn(DID, did) ? DID[did] : undefined;
    const title = words(
      actor,
      known ?? did?.replaceAll("_", " "),
      pull ? "PR" : "issue",
      line(work, "id") && `#${line(work, "id")}`,
      quoted(line(work, "title")),
      where,
    );
    const changes = pull ? reviewersOf(payload) : changesOf(payload);
    return changes ? `${title}: ${changes}` : title;
  }
  const status = at(payload, "commit_status");
  if (status) return statusTitle(status, where);
  if (at(payload, "push")) return pushTitle(payload, actor, where);
  if (list(payload, "changes").length > 0) return refsTitle(payload, actor, where);
  if (at(payload, "test") === true) return "Bitbucket tests the connection";
  return event && repositoryTitle(payload, event, actor, where);
}

type Where = readonly ["in", string | undefined];

/** What happened to a repository itself, or to one of its commits. */
function repositoryTitle(payload: unknown, event: string, actor: string | undefined, where: Where) {
  switch (event) {
    case "repo:fork":
      return words(actor, "forked", repositoryOf(payload), ["to", fullName(at(payload, "fork"))]);
    case "repo:forked":
      return words(
        actor,
        "forked",
        fullName(at(payload, "repository", "origin")) ?? "a repository",
        ["to", fullName(at(payload, "repository"))],
      );
    case "repo:modified": {
      const was = fullName(at(payload, "old"));
      const now = fullName(at(payload, "new"));
      return was !== now
        ? words(actor, "renamed repository", was, ["to", now])
        : words(actor, "edited repository", now);
    }
    case "repo:updated":
    case "repo:deleted":
    case "repo:transfer":
    case "repo:imported": {
      const did = event === "repo:transfer" ? "transferred" : event.slice("repo:".length);
      const changes = changesOf(payload);
      const title = words(actor, did, "repository", repositoryOf(payload));
      return changes ? `${title}: ${changes}` : title;
    }
    case "repo:commit_comment_created":
    case "repo:comment:added":
    case "repo:comment:edited":
    case "repo:comment:deleted": {
      const did = event.endsWith("edited")
        ? "edited a comment on"
        : event.endsWith("deleted")
        ? "deleted a comment on"
        : "commented on";
      const commit = first(line(payload, "commit", "hash"), line(payload, "commit"));
      return words(actor, did, "commit", commit?.slice(0, 7), where);
    }
    case "repo:secret_detected":
      return words("A secret was detected", where);
    case "mirror:repo_synchronized":
      return words("The mirror", line(payload, "mirrorServer", "name"), "was synchronized", where);
    case "diagnostics:ping":
      return "Bitbucket tests the connection";
    default:
      return words(actor ?? "Bitbucket", event.replaceAll(/[_:]/g, " "), where);
  }
}

function statusTitle(status: unknown, where: Where): string {
  const state = line(status, "state")?.toLowerCase();
  const said = words(
    "Build",
    quoted(first(line(status, "name"), line(status, "key"))),
    state === "inprogress" ? "is in progress" : state,
    ["on", line(status, "refname")],
    where,
  );
  const description = line(status, "description");
  return description ? `${said}: ${description}` : said;
}

function pushTitle(payload: unknown, actor: string | undefined, where: Where): string {
  const changes = list(payload, "push", "changes");
  const [change] = changes;
  const ref = first(line(change, "new", "name"), line(change, "old", "name"));
  const kind = first(line(change, "new", "type"), line(change, "old", "type")) ?? "branch";
  const more = changes.length > 1 ? `(and ${counted(changes.length - 1, "other ref")})` : undefined;
  if (at(change, "new") === null) return words(actor, "deleted", kind, ref, more, where);
  const commits = list(change, "commits");
  const isNew = at(change, "old") === null && isObject(change, "new");
  if (isNew && (kind === "tag" || commits.length === 0)) {
    return words(actor, "created", kind, ref, more, where);
  }
  // Bitbucket sends five commits at most, and says when there were more.
  const isCut = at(change, "truncated") === true;
  const said = words(
    actor,
    at(change, "forced") === true ? "force-pushed" : "pushed",
    commits.length > 0
      ? `${isCut ? "more than " : ""}${counted(commits.length, "commit")}`
      : undefined,
    ["to", ref],
    more,
    where,
  );
  const message = line(commits[0], "message");
  return message ? `${said}: ${message}` : said;
}

const MOVED: Record<string, string> = { ADD: "created", DELETE: "deleted", UPDATE: "pushed to" };

/** The title of a push as Data Center sends it. */
function refsTitle(payload: unknown, actor: string | undefined, where: Where): string {
  const changes = list(payload, "changes");
  const type = line(changes, 0, "type") ?? "UPDATE";
  const commits = list(payload, "commits");
  const said = words(
    actor,
    MOVED[type] ?? type.toLowerCase(),
    type === "UPDATE" ? undefined : line(changes, 0, "ref", "type")?.toLowerCase(),
    line(changes, 0, "ref", "displayId"),
    changes.length > 1 ? `(and ${counted(changes.length - 1, "other ref")})` : undefined,
    where,
  );
  const message = changes.length === 1 && type === "UPDATE"
    ? line(commits, 0, "message")
    : undefined;
  return message ? `${said}: ${message}` : said;
}

/** Who is asked for a review now, and who no longer is. */
function reviewersOf(payload: unknown): string | undefined {
  const names = (key: string) =>
    firstFew(
      list(payload, key).map((each) =>
        first(line(each, "displayName"), line(each, "name"), line(each, "user", "displayName"))
      ),
    );
  const added = names("addedReviewers");
  const removed = names("removedReviewers");
  return [added && `added ${added}`, removed && `removed ${removed}`].filter((each) => each)
    .join(", ") || undefined;
}

/** Cloud's `changes` of an issue or a repository, `{"status": {"old": "new", "new": "open"}}`. */
function changesOf(payload: unknown): string | undefined {
  const changes = at(payload, "changes");
  if (!isObject(changes)) return undefined;
  const value = (key: string, age: "old" | "new") =>
    first(
      line(changes, key, age),
      line(changes, key, age, "display_name"),
      line(changes, key, age, "name"),
    );
  return firstFew(
    Object.keys(changes as object).slice(0, 20).map((key) =>
      changed(key, value(key, "old"), value(key, "new"))
    ),
  );
}
