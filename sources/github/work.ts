import { counted, quoted, words } from "../kit/line.ts";
import { at, first, line, list } from "../kit/json_path.ts";
import { type GitHubEvent, refName, shortId, subject } from "./github_event.ts";

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
  return ({ payload, action, who, did, where }) => {
    const thing = words(kind, subject(payload, key));
    const label = quoted(line(payload, "label", "name"));
    const assignee = line(payload, "assignee", "login");
    const reviewer = first(
      line(payload, "requested_reviewer", "login"),
      line(payload, "requested_team", "name"),
    );
    const milestone = quoted(line(payload, "milestone", "title"));
    switch (action) {
      case "closed":
        return words(
          who,
          at(payload, key, "merged") === true ? "merged" : did,
          thing,
          where,
        );
      case "labeled":
        return words(who, "labeled", thing, ["with", label], where);
      case "unlabeled":
        return words(who, "removed label", label, "from", thing, where);
      case "assigned":
        return words(who, "assigned", thing, ["to", assignee], where);
      case "unassigned":
        return words(who, "unassigned", assignee, "from", thing, where);
      case "review_requested":
        return words(
          who,
          "requested a review of",
          thing,
          ["from", reviewer],
          where,
        );
      case "review_request_removed":
        return words(who, "no longer requests a review of", thing, [
          "from",
          reviewer,
        ], where);
      case "milestoned":
        return words(who, "added", thing, ["to milestone", milestone], where);
      case "demilestoned":
        return words(
          who,
          "removed",
          thing,
          ["from milestone", milestone],
          where,
        );
      case "synchronize":
        return words(who, "pushed to", thing, where);
      case "ready_for_review":
        return words(who, "marked", thing, "ready for review", where);
      case "converted_to_draft":
        return words(who, "turned", thing, "into a draft", where);
      case "auto_merge_enabled":
      case "auto_merge_disabled":
        return words(
          who,
          action.endsWith("enabled") ? "enabled" : "disabled",
          "auto-merge of",
          thing,
          where,
        );
      case "category_changed":
        return words(who, "changed the category of", thing, where);
      default:
        return words(who, did, thing, where);
    }
  };
}

/** `ada commented on PR #7 "Answer the phone" in octo/repo`. */
export function commentTitle(key: string, kind: string): (event: GitHubEvent) => string {
  return ({ payload, action, who, where }) => {
    const did = action === "deleted" || action === "edited"
      ? `${action} a comment on`
      : "commented on";
    const thing = at(payload, "issue", "pull_request") ? "PR" : kind;
    return words(who, did, thing, subject(payload, key), where);
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
  return words(who, verb, "PR", subject(payload, "pull_request"), where);
}

/** The first line of the newest commit's message; a deleted branch has no newest commit. */
function firstLine(payload: unknown): string | undefined {
  const message = at(payload, "head_commit", "message") ??
    at(list(payload, "commits").at(-1), "message");
  return typeof message === "string" ? line([message.trim().split("\n", 1)[0]], 0) : undefined;
}
