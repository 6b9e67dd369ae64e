import { changed, counted, firstFew, quoted, words } from "../kit/line.ts";
import { at, first, line, list } from "../kit/json_path.ts";
import { type GitHubEvent, numbered, refName, shortId } from "./github_event.ts";

/** `ada pushed 3 commits to main in octo/repo: First line`. */
export function pushTitle({ payload, who, where }: GitHubEvent): string {
  const pusher = line(payload, "pusher", "name") ?? who;
  const ref = line(payload, "ref");
  const name = words(
    ref?.startsWith("refs/tags/") ? "tag" : "branch",
    refName(ref),
  );
  const count = list(payload, "commits").length;
  if (at(payload, "deleted") === true) {
    return words(pusher, "deleted", name, where);
  }
  if (at(payload, "created") === true && count === 0) {
    return words(pusher, "created", name, where);
  }
  const said = firstLine(payload);
  const pushed = words(
    pusher,
    at(payload, "forced") === true ? "force-pushed" : "pushed",
    Array.isArray(at(payload, "commits")) ? counted(count, "commit") : undefined,
    ["to", refName(ref)],
    where,
  );
  return said ? `${pushed}: ${said}` : pushed;
}

/** `ada opened PR #7 "Answer the phone" in octo/repo`, and the like for issues and discussions. */
export function workTitle(kind: string, key: string): (event: GitHubEvent) => string {
  return (event) => {
    const { payload, action, who, did, where } = event;
    const thing = words(kind, numbered(payload, key));
    if (action === "closed" && at(payload, key, "merged") === true) {
      return words(who, "merged", thing, where);
    }
    const happened = changeOf(event, thing) ?? (action && stateChange(action, thing));
    if (happened) return words(who, happened, where);
    const reason = line(payload, key, "state_reason");
    const title = words(
      who,
      did,
      thing,
      action === "closed" && reason !== "completed"
        ? ["as", reason?.replaceAll("_", " ")]
        : undefined,
      where,
      action === "transferred"
        ? ["to", line(payload, "changes", "new_repository", "full_name")]
        : undefined,
    );
    const edits = action === "edited" ? editsOf(payload, key) : undefined;
    return edits ? `${title}: ${edits}` : title;
  };
}

/** What an edit changed: `title Old → New, body`. */
function editsOf(payload: unknown, key: string): string | undefined {
  return firstFew([
    at(payload, "changes", "title")
      ? changed("title", line(payload, "changes", "title", "from"), line(payload, key, "title"))
      : undefined,
    at(payload, "changes", "base")
      ? changed(
        "base",
        line(payload, "changes", "base", "ref", "from"),
        line(payload, key, "base", "ref"),
      )
      : undefined,
    at(payload, "changes", "body") ? "body" : undefined,
  ]);
}

/** What was put on a thing or taken off it: a label, a person, a milestone. */
function changeOf({ payload, action }: GitHubEvent, thing: string): string | undefined {
  const label = quoted(line(payload, "label", "name"));
  const assignee = line(payload, "assignee", "login");
  const reviewer = first(
    line(payload, "requested_reviewer", "login"),
    line(payload, "requested_team", "name"),
  );
  const milestone = quoted(line(payload, "milestone", "title"));
  switch (action) {
    case "labeled":
      return words("labeled", thing, ["with", label]);
    case "unlabeled":
      return words("removed label", label, "from", thing);
    case "assigned":
      return words("assigned", thing, ["to", assignee]);
    case "unassigned":
      return words("unassigned", assignee, "from", thing);
    case "review_requested":
      return words("requested a review of", thing, ["from", reviewer]);
    case "review_request_removed":
      return words("no longer requests a review of", thing, ["from", reviewer]);
    case "typed":
      return words("made", thing, ["a", line(payload, "type", "name")]);
    case "untyped":
      return words("took the type", line(payload, "type", "name"), "off", thing);
    case "milestoned":
      return words("added", thing, ["to milestone", milestone]);
    case "demilestoned":
      return words("removed", thing, ["from milestone", milestone]);
  }
}

/** What a thing became, where GitHub's action is no verb in the past. */
function stateChange(action: string, thing: string): string | undefined {
  switch (action) {
    case "synchronize":
      return words("pushed to", thing);
    case "ready_for_review":
      return words("marked", thing, "ready for review");
    case "converted_to_draft":
      return words("turned", thing, "into a draft");
    case "auto_merge_enabled":
      return words("enabled auto-merge of", thing);
    case "auto_merge_disabled":
      return words("disabled auto-merge of", thing);
    case "category_changed":
      return words("changed the category of", thing);
  }
}

/** `ada commented on PR #7 "Answer the phone" in octo/repo`. */
export function commentTitle(key: string, kind: string): (event: GitHubEvent) => string {
  return ({ payload, action, who, where }) => {
    const did = action === "deleted" || action === "edited"
      ? `${action} a comment on`
      : "commented on";
    const thing = at(payload, "issue", "pull_request") ? "PR" : kind;
    return words(who, did, thing, numbered(payload, key), where);
  };
}

/** `ada commented on commit 1234567 in octo/repo`. */
export function commitCommentTitle({ payload, who, where }: GitHubEvent): string {
  return words(
    who,
    "commented on commit",
    shortId(line(payload, "comment", "commit_id")),
    where,
  );
}

/** `ada approved PR #7 "Answer the phone" in octo/repo`. */
export function reviewTitle({ payload, action, who, did, where }: GitHubEvent): string {
  const verbs: Record<string, string> = {
    approved: "approved",
    changes_requested: "requested changes in",
    commented: "reviewed",
  };
  const state = line(payload, "review", "state")?.toLowerCase() ?? "";
  const verb = action === "submitted" && Object.hasOwn(verbs, state)
    ? verbs[state]
    : action === "submitted"
    ? "reviewed"
    : `${did} a review of`;
  return words(who, verb, "PR", numbered(payload, "pull_request"), where);
}

/** The first line of the newest commit's message; a deleted branch has no newest commit. */
function firstLine(payload: unknown): string | undefined {
  const message = at(payload, "head_commit", "message") ??
    at(list(payload, "commits").at(-1), "message");
  return typeof message === "string" ? line([message.trim().split("\n", 1)[0]], 0) : undefined;
}
