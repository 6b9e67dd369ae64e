import { keep, paged, timeOf, type Vendor } from "./vendor.ts";

export const GITHUB_TOKEN = "github-token-canary-4711";
/** A classic token that may only read. */
export const GITHUB_READING_TOKEN = "github-token-reading-4711";

const ISSUE = /^\/(?:repos\/[\w.-]+\/[\w.-]+|repositories\/5)\/issues\/[1-9]\d*\/comments$/;
const COMMIT = /^\/(?:repos\/[\w.-]+\/[\w.-]+|repositories\/5)\/commits\/[0-9a-f]{40}\/comments$/;
const THREAD =
  /^\/(?:repos\/[\w.-]+\/[\w.-]+|repositories\/5)\/pulls\/[1-9]\d*\/comments\/[1-9]\d*\/replies$/;
const PULL = /^\/(?:repos\/[\w.-]+\/[\w.-]+|repositories\/5)\/pulls\/[1-9]\d*\/comments$/;

/** What GitHub calls what was said here as the nth. */
export const nodeIdOf = (id: number) => `IC_${id}`;
export const reviewIdOf = (id: number) => 7_000 + id;

/** docs.github.com/rest: issue comments, commit comments, replies to review comments. */
export const github: Vendor = (request, said) => {
  const { method, path, query, headers, body } = request;
  if (!headers.get("user-agent")) {
    return [403, { message: "Request forbidden by administrative rules." }];
  }
  const token = headers.get("authorization");
  const isReading = token === `Bearer ${GITHUB_READING_TOKEN}`;
  if (token !== `Bearer ${GITHUB_TOKEN}` && !isReading) {
    return [401, { message: "Bad credentials", status: "401" }];
  }
  const scopes = { "x-oauth-scopes": isReading ? "read:user, notifications" : "repo" };
  if (path === "/user") return [200, { login: "otto-bot", id: 1 }, scopes];
  const isThread = THREAD.test(path);
  const lists = ISSUE.test(path) || COMMIT.test(path) || PULL.test(path);
  if (method === "GET" && lists) {
    const comments = said.map((each, index) => ({
      node_id: nodeIdOf(index + 1),
      body: each.body.body,
      created_at: timeOf(each),
      ...(THREAD.test(each.path) && { pull_request_review_id: reviewIdOf(index + 1) }),
    }));
    return [200, paged(comments, query)];
  }
  if (method !== "POST" || !(ISSUE.test(path) || COMMIT.test(path) || isThread) || isReading) {
    return [404, { message: "Not Found", status: "404" }];
  }
  if (typeof body.body !== "string" || body.body.trim() === "" || body.body.length > 65_536) {
    return [422, {
      message: "Validation Failed",
      errors: [{ resource: "IssueComment", code: "missing_field", field: "body" }],
    }];
  }
  const id = keep(request, said);
  return [201, {
    id,
    node_id: nodeIdOf(id),
    body: body.body,
    user: { login: "otto-bot" },
    ...(isThread && { pull_request_review_id: reviewIdOf(id) }),
  }];
};
