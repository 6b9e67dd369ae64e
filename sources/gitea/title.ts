import { counted, quoted, words } from "../kit/line.ts";
import { at, first, line, list, whole } from "../kit/json_path.ts";

/** The event's name: a header, else what the payload's shape allows only. */
export function eventOf(payload: unknown, headers?: Headers): string | undefined {
  const named = first(
    ...["x-gitea-event", "x-forgejo-event", "x-gogs-event"]
      .map((name) => line([headers?.get(name)], 0)),
  );
  if (named) return named;
  const has = (key: string) => at(payload, key) !== undefined;
  if (has("commits")) return "push";
  if (has("comment") && (has("issue") || has("pull_request"))) return "issue_comment";
  return ["pull_request", "issue", "release", "forkee", "workflow_run", "workflow_job", "package"]
    .map((key) => has(key) ? EVENTS[key] ?? key : undefined).find((event) => event);
}

const EVENTS: Record<string, string> = { issue: "issues", forkee: "fork" };

/** Who did it. */
export function whoOf(payload: unknown): string | undefined {
  return first(
    ...["sender", "pusher"].flatMap((role) =>
      ["login", "username"].map((key) => line(payload, role, key))
    ),
  );
}

/** The line a person reads, or nothing for a body of unknown shape. */
export function titleOf(payload: unknown, event: string | undefined): string | undefined {
  const who = whoOf(payload);
  const where = ["in", line(payload, "repository", "full_name")] as const;
  const action = line(payload, "action")?.replaceAll("_", " ");
  if (event === "push") return pushTitle(payload, who, where);
  if (event === "create" || event === "delete") {
    const ref = line(payload, "ref")?.replace(/^refs\/(heads|tags)\//, "");
    return words(who, `${event}d`, line(payload, "ref_type") ?? "ref", ref, where);
  }
  if (event === "fork") {
    const into = line(payload, "repository", "full_name");
    return words(who, "forked", line(payload, "forkee", "full_name"), ["to", into]);
  }
  const thing = thingOf(payload);
  if (event === "repository") return words(who, action, event, where[1]);
  if (!thing) {
    const about = quoted(first(line(payload, "page"), line(payload, "context")));
    const noun = event?.replaceAll("_", " ");
    return noun &&
      (action
        ? words(who, action, noun, about, where)
        : words(who, noun, about, line(payload, "state"), where));
  }
  const comment = line(payload, "comment", "body");
  if (at(payload, "comment") !== undefined) {
    const did = action === "deleted" || action === "edited" ? `${action} a comment` : "commented";
    return saying(words(who, did, "on", thing, where), comment);
  }
  if (at(payload, "review") !== undefined) {
    const kind = /approved|rejected/.exec(line(payload, "review", "type") ?? event ?? "")?.[0];
    const did = kind === "rejected" ? "asked for changes in" : kind ?? "reviewed";
    return saying(words(who, did, thing, where), line(payload, "review", "content"));
  }
  return changeTitle(payload, { who, action, thing, where });
}

type Where = readonly ["in", string | undefined];

/** What an event of an issue, a release, a run or the like has done to it. */
function changeTitle(
  payload: unknown,
  { who, action, thing, where }: {
    who: string | undefined;
    action: string | undefined;
    thing: string;
    where: Where;
  },
): string {
  const work = first(at(payload, "pull_request"), at(payload, "issue"));
  const assignee = first(line(work, "assignee", "login"), line(work, "assignee", "username"));
  switch (action) {
    case "closed":
      return words(who, at(work, "merged") === true ? "merged" : "closed", thing, where);
    case "synchronized":
      return words(who, "pushed to", thing, where);
    case "label updated":
    case "label cleared":
      return words(who, "changed the labels of", thing, where);
    case "assigned":
      return words(who, "assigned", thing, ["to", assignee], where);
    case "milestoned":
      return words(who, "put", thing, ["into milestone", quoted(line(work, "milestone", "title"))]);
    case "demilestoned":
      return words(who, "took", thing, "out of its milestone", where);
  }
  const run = first(at(payload, "workflow_run"), at(payload, "workflow_job"));
  if (run === undefined) return words(who, action, thing, where);
  const outcome = first(line(run, "conclusion"), line(run, "status"), action);
  return words(thing, outcome?.replaceAll("_", " "), ["on", line(run, "head_branch")], where);
}

/** Names what an event is about: `PR #7 "Answer the phone"`. */
function thingOf(payload: unknown): string | undefined {
  const named = (noun: string, thing: unknown, ...keys: string[]) =>
    thing === undefined
      ? undefined
      : words(noun, quoted(first(...keys.map((key) => line(thing, key)))));
  const numbered = (noun: string, thing: unknown) => {
    const number = line(thing, "number");
    return thing === undefined
      ? undefined
      : words(noun, number && `#${number}`, quoted(line(thing, "title")));
  };
  const isPull = at(payload, "is_pull") === true || at(payload, "issue", "pull_request");
  return first(
    numbered("PR", at(payload, "pull_request")),
    numbered(isPull ? "PR" : "issue", at(payload, "issue")),
    named("release", at(payload, "release"), "name", "tag_name"),
    named("Workflow", at(payload, "workflow_run"), "display_title", "name"),
    named("Job", at(payload, "workflow_job"), "name"),
    named("package", at(payload, "package"), "name"),
  );
}

function pushTitle(payload: unknown, who: string | undefined, where: Where): string {
  const ref = line(payload, "ref")?.replace(/^refs\/(heads|tags)\//, "");
  const commits = list(payload, "commits");
  const total = at(payload, "total_commits");
  const count = typeof total === "number" ? total : commits.length;
  const newest = first(
    at(payload, "head_commit") ?? undefined,
    commits.find((commit) => line(commit, "id") === line(payload, "after")),
    commits[0],
  );
  const message = whole(newest, "message")?.trim().split("\n", 1)[0];
  const many = count > 0 ? counted(count, "commit") : undefined;
  return saying(words(who, "pushed", many, ["to", ref], where), line([message], 0));
}

function saying(title: string, words: string | undefined): string {
  return words ? `${title}: ${words}` : title;
}

/** Where it can be looked at; the repository's page last. */
export function linksOf(payload: unknown): unknown[] {
  const keys = ["comment", "pull_request", "issue", "release", "workflow_run", "workflow_job"];
  return [
    at(payload, "compare_url"),
    ...keys.map((key) => at(payload, key, "html_url")),
    at(payload, "package", "html_url"),
    at(payload, "target_url"),
    at(payload, "repository", "html_url"),
  ];
}

/** What a person wrote. */
export function textOf(payload: unknown): string | undefined {
  const messages = list(payload, "commits").map((commit) => whole(commit, "message")?.trim())
    .filter((message) => message).join("\n");
  return first(
    whole(payload, "comment", "body"),
    whole(payload, "review", "content"),
    whole(payload, "pull_request", "body"),
    whole(payload, "issue", "body"),
    whole(payload, "release", "body"),
    messages || undefined,
  );
}
