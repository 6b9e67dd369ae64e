import { counted, quoted, words } from "../kit/line.ts";
import { at, first, line, list } from "../kit/json_path.ts";

const DID: Record<string, string> = {
  open: "opened",
  close: "closed",
  reopen: "reopened",
  update: "updated",
  merge: "merged",
  approval: "approved",
  unapproval: "unapproved",
  create: "created",
  delete: "deleted",
  award: "awarded",
  revoke: "revoked",
};

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

/** Who did it. */
export function whoOf(payload: unknown): string | undefined {
  return first(
    line(payload, "user_name"),
    line(payload, "user", "name"),
    line(payload, "user", "username"),
    line(payload, "user_username"),
  );
}

/** The line a person reads, or nothing for a body of unknown shape. */
export function titleOf(payload: unknown, headers?: Headers): string | undefined {
  const kind = kindOf(payload, headers);
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
  return words(
    who,
    past(line(attributes, "action")),
    noun,
    number && mark + number,
    quoted(line(attributes, "title")),
    where,
  );
}

/** `Pipeline failed on main in octo/repo by Ada`, and the like for jobs, releases and deployments. */
function runTitle(
  kind: "pipeline" | "build" | "release" | "deployment",
  payload: unknown,
  who: string | undefined,
  project: string | undefined,
): string {
  const attributes = at(payload, "object_attributes");
  switch (kind) {
    case "pipeline":
      return words(
        "Pipeline",
        line(attributes, "status"),
        ["on", line(attributes, "ref")],
        ["in", project],
        ["by", who],
      );
    case "build":
      return words(
        "Job",
        quoted(line(payload, "build_name")),
        line(payload, "build_status"),
        ["in stage", line(payload, "build_stage")],
        ["on", line(payload, "ref")],
        ["in", first(project, line(payload, "project_name"))],
      );
    case "release":
      return words(
        "Release",
        first(line(payload, "name"), line(payload, "tag")),
        past(line(payload, "action")),
        ["in", project],
      );
    case "deployment":
      return words(
        "Deployment",
        ["to", line(payload, "environment")],
        line(payload, "status"),
        ["in", project],
        ["by", who],
      );
  }
}

/** A few notable facts. */
export function factsOf(payload: unknown): Record<string, string | undefined> {
  const attributes = at(payload, "object_attributes");
  return {
    project: projectOf(payload),
    state: first(line(attributes, "state"), line(attributes, "status"), line(payload, "status")),
    ref: first(branch(line(payload, "ref")), line(attributes, "ref")),
    from: line(attributes, "source_branch"),
    to: line(attributes, "target_branch"),
    environment: line(payload, "environment"),
    seconds: line(attributes, "duration"),
    assignee: line(payload, "assignees", 0, "name"),
    labels: list(payload, "labels").map((_, i) => line(payload, "labels", i, "title"))
      .filter((title) => title).slice(0, 10).join(", "),
  };
}

/** Where it can be looked at; the project's page last. */
export function linksOf(payload: unknown): unknown[] {
  const commits = list(payload, "commits");
  return [
    at(payload, "object_attributes", "url"),
    at(payload, "url"),
    at(payload, "deployable_url"),
    at(commits, commits.length - 1, "url"),
    at(payload, "project", "web_url"),
  ];
}

function kindOf(payload: unknown, headers?: Headers): string | undefined {
  const hook = headers?.get("x-gitlab-event")?.replace(/ Hook$/, "").toLowerCase();
  return first(
    line(payload, "object_kind"),
    line(payload, "event_type"),
    line(payload, "event_name"),
    hook?.replaceAll(" ", "_") || undefined,
  );
}

function projectOf(payload: unknown): string | undefined {
  return first(
    line(payload, "project", "path_with_namespace"),
    line(payload, "path_with_namespace"),
    line(payload, "project", "name"),
    line(payload, "group", "full_path"),
  );
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
  const [thing, title] = line(payload, "merge_request", "iid")
    ? [`MR !${line(payload, "merge_request", "iid")}`, line(payload, "merge_request", "title")]
    : line(payload, "issue", "iid")
    ? [`issue #${line(payload, "issue", "iid")}`, line(payload, "issue", "title")]
    : [line(payload, "object_attributes", "noteable_type")?.toLowerCase(), undefined];
  const said = words(who, "commented", ["on", thing], quoted(title), where);
  const note = line(payload, "object_attributes", "note");
  return note ? `${said}: ${note}` : said;
}

function past(action: string | undefined): string | undefined {
  return action && (DID[action] ?? action);
}

function branch(ref: string | undefined): string | undefined {
  return ref?.replace(/^refs\/(heads|tags)\//, "");
}

function isNone(commit: string | undefined): boolean {
  return commit !== undefined && /^0+$/.test(commit);
}
