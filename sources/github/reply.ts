import { at, first, list, text } from "../kit/json_path.ts";
import { exactNumber } from "../kit/reply/exact_number.ts";
import { withoutCommands, withoutEchoes } from "../kit/reply/harmless.ts";
import type { ReplyApi, ReplyCall, ReplyOptions, SentReply } from "../reply.ts";

/** docs.github.com/rest: "Issue comments", "Pull request review comments", "Commit comments". */
export const replyApi: ReplyApi = {
  url: "https://api.github.com",
  urlVariable: "GITHUB_API_URL",
  credential: "bearer",
  tokenVariable: "REPLY_TOKEN_GITHUB",
  most: 65_536,
  probe: { method: "GET", path: "/user" },
  accountOf: (answer) => text(answer, "login"),
  // Of classic tokens only ("Scopes for OAuth apps"); others have permissions that it does not tell.
  writes: ["repo", "public_repo"],
  idOf,
  // An answer in a review's thread is a review of its own.
  besideOf: (answer) => reviewOf(text(answer, "pull_request_review_id")),
  refusalOf(answer) {
    const message = text(answer, "message");
    if (message === undefined) return undefined;
    const why = list(answer, "errors").map((each) => first(text(each, "message"), text(each)));
    const error = [message, ...why.filter((each) => each !== undefined).slice(0, 5)].join(": ");
    // A secondary rate limit is a 403 that says so ("Rate limits for the REST API"), or a 422.
    return { error, later: /rate limit|abuse detection|submitted too quickly/i.test(error) };
  },
  search: {
    path: ({ path }, since) => ({
      // Answers in a review's thread are listed with the other comments of the pull request.
      path: path.replace(/\/\d+\/replies$/, ""),
      query: path.includes("/commits/")
        ? "per_page=100"
        : `per_page=100&since=${since.toISOString().slice(0, 19)}Z`,
      perPage: 100,
    }),
    found: (answer) =>
      list(answer).map((each) => ({
        id: idOf(each),
        beside: reviewOf(text(each, "pull_request_review_id")),
        text: text(each, "body"),
        at: text(each, "created_at"),
      })),
  },
};

/** A comment on the issue, the pull request or the commit that an event is about. */
export function reply(
  payload: unknown,
  said: string,
  { mentions = false }: ReplyOptions = {},
): ReplyCall | undefined {
  const place = placeOf(payload);
  if (!place) return undefined;
  const safe = withoutCommands(said);
  return { ...place, body: { body: mentions ? safe : withoutEchoes(safe) } };
}

/** A comment that somebody wrote, or the review that it is part of, perhaps ours. */
export function sentReply(payload: unknown): SentReply | undefined {
  const said = text(payload, "comment", "body");
  const id = idOf(at(payload, "comment")) ?? reviewOf(text(payload, "review", "id"));
  return id === undefined ? undefined : { id, to: placeOf(payload)?.to, text: said };
}

function placeOf(payload: unknown): Omit<ReplyCall, "body"> | undefined {
  const name = repositoryOf(text(payload, "repository", "full_name"));
  const found = name && withinRepository(payload);
  if (!found) return undefined;
  const [to, path] = found;
  const id = exactNumber(text(payload, "repository", "id"));
  return {
    to: `${name}${to}`,
    path: `/repos/${name}${path}`,
    ...(id && { moved: `/repositories/${id}${path}` }),
  };
}

function withinRepository(payload: unknown): [to: string, path: string] | undefined {
  const number = exactNumber(first(
    text(payload, "issue", "number"),
    text(payload, "pull_request", "number"),
    pullOfRun(payload),
  ));
  if (number === undefined) {
    const commit = first(
      text(payload, "comment", "commit_id"),
      ...["workflow_run", "check_run", "check_suite", "workflow_job"]
        .map((key) => text(payload, key, "head_sha")),
      text(payload, "deployment", "sha"),
      // A status, and a push.
      text(payload, "sha"),
      text(payload, "head_commit", "id"),
    );
    if (!commit || !/^[0-9a-f]{40}$/.test(commit)) return undefined;
    return [`@${commit.slice(0, 10)}`, `/commits/${commit}/comments`];
  }
  const thread = threadOf(payload);
  return thread === undefined
    ? [`#${number}`, `/issues/${number}/comments`]
    : [`#${number}`, `/pulls/${number}/comments/${thread}/replies`];
}

/** The first comment of the thread in a review's diff: only that one takes answers. */
function threadOf(payload: unknown): string | undefined {
  if (text(payload, "comment", "pull_request_review_id") === undefined) return undefined;
  return exactNumber(
    first(text(payload, "comment", "in_reply_to_id"), text(payload, "comment", "id")),
  );
}

/** The pull request that a run is of, if it is of the same repository: forks' runs list others'. */
function pullOfRun(payload: unknown): string | undefined {
  const ours = text(payload, "repository", "id");
  return ["workflow_run", "check_run", "check_suite"]
    .flatMap((key) => list(payload, key, "pull_requests"))
    .filter((pull) => ours !== undefined && text(pull, "base", "repo", "id") === ours)
    .map((pull) => text(pull, "number"))[0];
}

/** The id that no other comment has, of whatever kind. */
function idOf(comment: unknown): string | undefined {
  const id = first(text(comment, "node_id"), text(comment, "id"));
  return id && /^[A-Za-z0-9_=-]{1,100}$/.test(id) ? id : undefined;
}

/** So that no review's id is a comment's. */
function reviewOf(id: string | undefined): string | undefined {
  return exactNumber(id) && `review:${id}`;
}

function repositoryOf(name: string | undefined): string | undefined {
  const isName = name && /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}\/[A-Za-z0-9._-]{1,100}$/.test(name);
  return isName && !/\/\.{1,2}$/.test(name) ? name : undefined;
}
