import { at, first, line, list } from "../kit/json_path.ts";
import { quoted, words } from "../kit/line.ts";
import { httpLink } from "../kit/link.ts";
import { idAt, keyOf, roleIn, timeAt, toSubject } from "../kit/subject/subject_key.ts";
import type { Subject, SubjectRole } from "../subject.ts";
import { shortId } from "./github_event.ts";

/** An event of one repository, with what its subjects have in common. */
interface RepositoryEvent {
  payload: unknown;
  event: string;
  action: string | undefined;
  /** In lower case, as GitHub does not tell cases apart. */
  repository: string;
  /** `in octo/phone`, as GitHub spells it. */
  where: string;
  /** The repository's page: on a GitHub Enterprise Server it is not github.com's. */
  page: string;
}

type Found = Subject | undefined;

/** What an event says of whatever it is about. */
type Told = { role: SubjectRole; title?: string; at?: number };

/**
 * What an event is about: a pull request, an issue, a discussion, an alert, a release, or else the
 * commit that it is about. Where checks do not name their pull request (for those from forks GitHub
 * never does), it is found by the commit at its head.
 */
export function subjectOf(payload: unknown, event: string | undefined): Found {
  const full = idAt(payload, "repository", "full_name");
  if (event === undefined || full === undefined || !/^[\w.-]+\/[\w.-]+$/.test(full)) {
    return undefined;
  }
  const read = Object.hasOwn(READERS, event) ? READERS[event] : undefined;
  return read?.({
    payload,
    event,
    action: line(payload, "action"),
    repository: full.toLowerCase(),
    where: `in ${full}`,
    page: httpLink(at(payload, "repository", "html_url")) ?? `https://github.com/${full}`,
  });
}

const READERS: Record<string, (event: RepositoryEvent) => Found> = {
  pull_request: (event) =>
    pullRequest(
      event,
      roleIn({
        opens: ["opened", "reopened", "ready_for_review"],
        continues: ["synchronize"],
        closes: ["closed", "merged"],
      }, event.action),
    ),
  pull_request_review: (event) => pullRequest(event, saidRole(event, "review", "submitted")),
  pull_request_review_comment: (event) => pullRequest(event, saidRole(event, "comment", "created")),
  pull_request_review_thread: (event) => pullRequest(event, "notes"),
  issues: (event) =>
    issue(
      event,
      roleIn({
        opens: ["opened", "reopened"],
        closes: ["closed", "deleted", "transferred"],
      }, event.action),
    ),
  issue_comment: (event) => issue(event, saidRole(event, "comment", "created")),
  check_run: checked,
  check_suite: checked,
  workflow_run: checked,
  workflow_job: (event) => {
    const job = at(event.payload, "workflow_job");
    const told: Told = {
      role: event.action === "completed" ? "result" : "notes",
      at: timeAt(job, "completed_at"),
    };
    return queued(event, line(job, "head_branch"), told) ??
      commit(event, idAt(job, "head_sha"), told);
  },
  status: (event) =>
    commit(event, idAt(event.payload, "sha"), {
      role: ["success", "failure", "error"].includes(line(event.payload, "state") ?? "")
        ? "result"
        : "notes",
      title: line(event.payload, "commit", "commit", "message"),
      at: timeAt(event.payload, "updated_at"),
    }),
  deployment: (event) =>
    commit(event, idAt(event.payload, "deployment", "sha"), {
      role: "notes",
      at: timeAt(event.payload, "deployment", "updated_at"),
    }),
  deployment_status: (event) =>
    commit(event, idAt(event.payload, "deployment", "sha"), {
      role: ["success", "failure", "error"].includes(
          line(event.payload, "deployment_status", "state") ?? "",
        )
        ? "result"
        : "notes",
      at: timeAt(event.payload, "deployment_status", "updated_at"),
    }),
  deployment_review: (event) =>
    ofRun(event, at(event.payload, "workflow_run"), {
      role: event.action === "requested" ? "opens" : "notes",
    }),
  push: pushed,
  merge_group: (event) => {
    return queued(event, line(event.payload, "merge_group", "head_ref"), { role: "notes" });
  },
  discussion: (event) =>
    discussion(event, roleIn({ opens: ["created"], closes: ["deleted", "closed"] }, event.action)),
  discussion_comment: (event) => discussion(event, saidRole(event, "comment", "created")),
  dependabot_alert: alert,
  code_scanning_alert: alert,
  secret_scanning_alert: alert,
  release: (event) => {
    const { payload, repository, where } = event;
    const title = line(payload, "release", "name") ?? line(payload, "release", "tag_name");
    return toSubject(keyOf`${repository}/releases/${idAt(payload, "release", "id")}`, {
      role: event.action === "published" ? "opens" : "notes",
      name: title && words("Release", quoted(title), where),
      link: httpLink(at(payload, "release", "html_url")),
      at: timeAt(payload, "release", "published_at"),
    });
  },
};

/** On a public repository anybody can write: these speak for it, and so does who opened the subject. */
const INSIDERS = ["OWNER", "MEMBER", "COLLABORATOR"];

/** Of a comment or a review. */
function saidRole({ payload, action }: RepositoryEvent, said: string, saying: string): SubjectRole {
  if (action !== saying) return "notes";
  const author = idAt(payload, said, "user", "id");
  const isOpener = author !== undefined &&
    ["issue", "pull_request", "discussion"].some((key) =>
      idAt(payload, key, "user", "id") === author
    );
  return isOpener || INSIDERS.includes(line(payload, said, "author_association") ?? "")
    ? "continues"
    : "notes";
}

/** When what an event is about was last changed. */
function updatedAt(payload: unknown, ...keys: string[]): number | undefined {
  return first(...keys.map((key) =>
    first(
      timeAt(payload, key, "updated_at"),
      timeAt(payload, key, "submitted_at"),
    )
  ));
}

function pullRequest(event: RepositoryEvent, role: SubjectRole): Found {
  const { payload, repository, where } = event;
  const number = numberOf(payload, "pull_request");
  const title = line(payload, "pull_request", "title");
  const head = commitId(idAt(payload, "pull_request", "head", "sha"));
  return toSubject(keyOf`${repository}#${number}`, {
    role,
    name: title && words(`PR #${number}`, quoted(title), where),
    link: httpLink(at(payload, "pull_request", "html_url")),
    at: updatedAt(payload, "comment", "review", "pull_request"),
    ...(head && { aliases: [`${repository}@${head}`] }),
  });
}

function issue(event: RepositoryEvent, role: SubjectRole): Found {
  const { payload, repository, where } = event;
  const number = numberOf(payload, "issue");
  const title = line(payload, "issue", "title");
  const kind = at(payload, "issue", "pull_request") ? "PR" : "Issue";
  return toSubject(keyOf`${repository}#${number}`, {
    role,
    name: title && words(`${kind} #${number}`, quoted(title), where),
    link: httpLink(at(payload, "issue", "html_url")),
    at: updatedAt(payload, "comment", "issue"),
  });
}

/** Their numbers may be an issue's, too, so that they have a path of their own. */
function discussion(event: RepositoryEvent, role: SubjectRole): Found {
  const { payload, repository, where } = event;
  const number = numberOf(payload, "discussion");
  const title = line(payload, "discussion", "title");
  return toSubject(keyOf`${repository}/discussions/${number}`, {
    role,
    name: title && words(`Discussion #${number}`, quoted(title), where),
    link: httpLink(at(payload, "discussion", "html_url")),
    at: updatedAt(payload, "comment", "discussion"),
  });
}

function alert(event: RepositoryEvent): Found {
  const { payload, repository, where } = event;
  const kind = event.event.replace(/_alert$/, "");
  const number = numberOf(payload, "alert");
  const title = first(
    line(payload, "alert", "security_advisory", "summary"),
    line(payload, "alert", "rule", "description"),
    line(payload, "alert", "secret_type_display_name"),
  );
  return toSubject(keyOf`${repository}/alerts/${kind}/${number}`, {
    role: roleIn({
      opens: ["created", "reopened", "reopened_by_user", "reintroduced"],
      closes: ["fixed", "dismissed", "closed_by_user", "resolved", "auto_dismissed"],
    }, event.action),
    name: words("Alert", `#${number}`, quoted(title), where),
    link: httpLink(at(payload, "alert", "html_url")),
    at: updatedAt(payload, "alert"),
  });
}

/** A check, a suite of them or a workflow. */
function checked(event: RepositoryEvent): Found {
  const { payload, action } = event;
  const run = at(payload, event.event);
  return ofRun(event, run, {
    role: action === "completed" ? "result" : "notes",
    title: line(run, "head_commit", "message"),
    at: first(timeAt(run, "completed_at"), timeAt(run, "updated_at")),
  });
}

/** The one pull request that a run names; else by the commit that it ran on. */
function ofRun(
  event: RepositoryEvent,
  run: unknown,
  { role, ...rest }: Told,
): Found {
  const { payload, repository, page } = event;
  const here = idAt(payload, "repository", "id");
  const named = list(run, "pull_requests").filter((each) => {
    const base = idAt(each, "base", "repo", "id");
    return base === undefined || here === undefined || base === here;
  });
  const ranOn = first(idAt(run, "head_sha"), idAt(run, "check_suite", "head_sha"));
  if (named.length !== 1) {
    const branch = first(line(run, "head_branch"), line(run, "check_suite", "head_branch"));
    return queued(event, branch, { role, ...rest }) ?? commit(event, ranOn, { role, ...rest });
  }
  const number = numberOf({ it: named[0] }, "it");
  const head = idAt(named[0], "head", "sha");
  // The suite is matched by its branch: that may be further on than what was checked.
  const isOld = head !== undefined && ranOn !== undefined && head !== ranOn;
  return toSubject(keyOf`${repository}#${number}`, {
    role: isOld ? "notes" : role,
    link: `${page}/pull/${number}`,
    at: rest.at,
  });
}

/**
 * What is told of a branch of a merge queue, `gh-readonly-queue/main/pr-104-` and a commit: it is
 * made for the pull request, whose own head is another commit.
 */
function queued(
  { repository, page }: RepositoryEvent,
  branch: string | undefined,
  { role, at }: Told,
): Found {
  const [, number] =
    /^(?:refs\/heads\/)?gh-readonly-queue\/.+\/pr-(\d{1,15})-[^/]*$/.exec(branch ?? "") ?? [];
  return toSubject(keyOf`${repository}#${number}`, {
    role,
    link: `${page}/pull/${number}`,
    at,
  });
}

/** What is told of a commit: of the pull request that has it at its head, else of itself. */
function commit(
  { repository, where, page }: RepositoryEvent,
  id: string | undefined,
  { role, title, at }: Told,
): Found {
  const sha = commitId(id);
  const key = keyOf`${repository}@${sha}`;
  return toSubject(key, {
    role,
    name: words("Commit", shortId(sha), quoted(title), where),
    link: `${page}/commit/${sha}`,
    at,
    ...(key && { joins: [key] }),
  });
}

function pushed(event: RepositoryEvent): Found {
  const { payload, repository } = event;
  const ref = line(payload, "ref");
  if (at(payload, "deleted") === true || ref?.startsWith("refs/tags/")) return undefined;
  const inQueue = queued(event, ref, { role: "notes" });
  if (inQueue) return inQueue;
  const found = commit(event, idAt(payload, "after"), {
    role: "opens",
    title: line(payload, "head_commit", "message"),
  });
  const before = commitId(idAt(payload, "before"));
  return found && {
    ...found,
    // To the pull request it is told a second time, as `synchronize`.
    joinedRole: "notes",
    joins: [...found.joins ?? [], ...(before ? [`${repository}@${before}`] : [])],
  };
}

/** A commit's id; the one of zeros stands for none. */
function commitId(id: string | undefined): string | undefined {
  const lower = id?.toLowerCase() ?? "";
  return /^[0-9a-f]{40}([0-9a-f]{24})?$/.test(lower) && !/^0+$/.test(lower) ? lower : undefined;
}

function numberOf(payload: unknown, key: string): string | undefined {
  const number = idAt(payload, key, "number");
  return number !== undefined && /^\d{1,15}$/.test(number) ? number : undefined;
}
