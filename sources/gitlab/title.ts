import { counted, quoted, words } from "../kit/line.ts";
import { at, first, line, list } from "../kit/json_path.ts";
import { changesOf } from "./change.ts";
import { branch, kindOf, past, projectOf, whoOf } from "./gitlab_event.ts";
import { runTitle } from "./run.ts";
import { systemTitle } from "./system_hook.ts";

/** The event's name: `merge_request.open`, `pipeline.failed`, `push`. */
export function eventOf(payload: unknown, headers?: Headers): string | undefined {
  const kind = kindOf(payload, headers);
  const action = first(
    line(payload, "object_attributes", "action"),
    kind === "pipeline" ? line(payload, "object_attributes", "status") : undefined,
    kind === "build" ? line(payload, "build_status") : undefined,
    line(payload, "action"),
    kind === "deployment" ? line(payload, "status") : undefined,
  );
  return kind && action ? `${kind}.${action}` : kind ?? action;
}

/** The line a person reads, or nothing for a body of unknown shape. */
export function titleOf(payload: unknown, headers?: Headers): string | undefined {
  const kind = kindOf(payload, headers);
  const system = systemTitle(payload);
  if (system) return system;
  const who = whoOf(payload);
  const project = projectOf(payload);
  // The body is of a custom template, whose words are not guessed at.
  if (!who && !project && !line(payload, "object_kind")) return undefined;
  const where = ["in", project] as const;
  switch (kind) {
    case "push":
    case "tag_push":
      return pushTitle(payload, who, where);
    case "merge_request":
      return workTitle(payload, { noun: "MR", mark: "!" }, who, where);
    case "issue":
    case "work_item":
    case "incident":
      return workTitle(payload, { noun: "issue", mark: "#" }, who, where);
    case "note":
      return noteTitle(payload, who, where);
    case "pipeline":
    case "build":
    case "release":
    case "deployment":
      return runTitle(kind, payload, who, project);
    case undefined:
      return undefined;
    case "emoji": {
      const [thing, title] = aboutOf(payload);
      const did = line(payload, "object_attributes", "action") === "revoke" ? "took back" : "gave";
      const name = line(payload, "object_attributes", "name");
      return words(who, did, name && `:${name}:`, ["on", thing], quoted(title), where);
    }
    case "feature_flag": {
      const isOn = at(payload, "object_attributes", "active");
      const did = isOn === true ? "turned on" : isOn === false ? "turned off" : "changed";
      return words(
        who,
        did,
        "feature flag",
        quoted(line(payload, "object_attributes", "name")),
        where,
      );
    }
    case "access_token": {
      const token = at(payload, "object_attributes");
      return words("Access token", quoted(line(token, "name")), [
        "expires at",
        line(token, "expires_at"),
      ], where);
    }
    default: {
      const attributes = at(payload, "object_attributes");
      const about = quoted(first(line(attributes, "title"), line(attributes, "name")));
      const did = past(line(attributes, "action")) ?? "sent";
      return words(who, did, kind.replaceAll("_", " "), about, where);
    }
  }
}

type Where = readonly ["in", string | undefined];

/** `Ada merged MR !7 "Answer the phone" in octo/repo`, and the like for issues. */
function workTitle(
  payload: unknown,
  { noun, mark }: { noun: string; mark: string },
  who: string | undefined,
  where: Where,
): string {
  const attributes = at(payload, "object_attributes");
  const number = line(attributes, "iid");
  // New commits come as an update, which names the commit before them.
  const isPush = line(attributes, "action") === "update" && line(attributes, "oldrev");
  const title = words(
    who,
    isPush ? "pushed to" : past(line(attributes, "action")),
    noun,
    number && mark + number,
    quoted(line(attributes, "title")),
    where,
  );
  const changes = line(attributes, "action") === "update" ? changesOf(payload) : undefined;
  return changes ? `${title}: ${changes}` : title;
}

function pushTitle(
  payload: unknown,
  who: string | undefined,
  where: Where,
): string {
  const ref = line(payload, "ref");
  const kind = ref?.startsWith("refs/tags/") ? "tag" : "branch";
  if (isNone(line(payload, "after"))) return words(who, "deleted", kind, branch(ref), where);
  const commits = list(payload, "commits");
  const total = at(payload, "total_commits_count");
  const count = typeof total === "number" ? total : commits.length;
  const isNew = isNone(line(payload, "before"));
  if (kind === "tag" || (isNew && count === 0)) {
    return words(who, isNew ? "created" : "moved", kind, branch(ref), where);
  }
  const last = line(payload, "commits", commits.length - 1, "message");
  const isCounted = typeof total === "number" || Array.isArray(at(payload, "commits"));
  const said = words(
    who,
    "pushed",
    isCounted ? counted(count, "commit") : undefined,
    ["to", branch(ref)],
    where,
  );
  return last ? `${said}: ${last}` : said;
}

function noteTitle(
  payload: unknown,
  who: string | undefined,
  where: Where,
): string {
  const [thing, title] = aboutOf(payload);
  const isEdit = line(payload, "object_attributes", "action") === "update";
  const said = words(
    who,
    isEdit ? "edited a comment" : "commented",
    ["on", thing],
    quoted(title),
    where,
  );
  const note = line(payload, "object_attributes", "note");
  return note ? `${said}: ${note}` : said;
}

/** What a comment or an emoji is on, and its title. */
function aboutOf(payload: unknown): [thing: string | undefined, title: string | undefined] {
  const merge = line(payload, "merge_request", "iid");
  const issue = line(payload, "issue", "iid");
  const commit = line(payload, "commit", "id");
  if (merge) return [`MR !${merge}`, line(payload, "merge_request", "title")];
  if (issue) return [`issue #${issue}`, line(payload, "issue", "title")];
  if (commit) return [`commit ${commit.slice(0, 7)}`, line(payload, "commit", "title")];
  const kind = first(
    line(payload, "object_attributes", "noteable_type"),
    line(payload, "object_attributes", "awardable_type"),
  );
  return [
    kind?.replace(/(?<=[a-z])[A-Z]/g, " $&").toLowerCase(),
    first(line(payload, "snippet", "title"), line(payload, "project_snippet", "title")),
  ];
}

function isNone(commit: string | undefined): boolean {
  return commit !== undefined && /^0+$/.test(commit);
}
