import { keep, paged, timeOf, type Vendor } from "./vendor.ts";

export const GITLAB_TOKEN = "gitlab-token-canary-4711";
export const GITLAB_READING_TOKEN = "gitlab-token-reading-4711";
/** One with permissions in place of scopes. */
export const GITLAB_GRANULAR_TOKEN = "gitlab-token-granular-4711";

const PROJECT = "/api/v4/projects/[1-9]\\d*";
const NOTES = new RegExp(`^${PROJECT}/(issues|merge_requests|snippets)/[1-9]\\d*/notes$`);
const THREAD = new RegExp(
  `^${PROJECT}/(issues|merge_requests)/[1-9]\\d*/discussions/[0-9a-f]{40}(/notes)?$`,
);
const COMMIT = new RegExp(`^${PROJECT}/repository/commits/[0-9a-f]{40,64}/comments$`);

/** docs.gitlab.com/api: notes, discussions, comments on commits. */
export const gitlab: Vendor = (request, said) => {
  const { method, path, query, headers, body } = request;
  const token = headers.get("authorization");
  const isReading = token === `Bearer ${GITLAB_READING_TOKEN}`;
  const isGranular = token === `Bearer ${GITLAB_GRANULAR_TOKEN}`;
  if (token !== `Bearer ${GITLAB_TOKEN}` && !isReading && !isGranular) {
    return [401, { message: "401 Unauthorized" }];
  }
  if (path === "/api/v4/user") return [200, { id: 1, username: "otto" }];
  if (path === "/api/v4/personal_access_tokens/self") {
    if (isGranular) return [200, { id: 1, active: true, scopes: [], granular_scopes: [{}] }];
    return [200, { id: 1, active: true, scopes: [isReading ? "read_api" : "api"] }];
  }
  if (!NOTES.test(path) && !THREAD.test(path) && !COMMIT.test(path)) {
    return [404, { error: "404 Not Found" }];
  }
  if (method === "GET") {
    const notes = said.map((each, index) =>
      COMMIT.test(path)
        ? { note: each.body.note, created_at: timeOf(each) }
        : { id: index + 1, body: each.body.body, created_at: timeOf(each) }
    );
    if (THREAD.test(path)) return [200, { id: path.split("/")[7], individual_note: false, notes }];
    return [200, paged(query.get("sort") === "desc" ? notes.reverse() : notes, query)];
  }
  if (isReading) {
    return [403, {
      error: "insufficient_scope",
      error_description:
        "The request requires higher privileges than provided by the access token.",
      scope: "api",
    }];
  }
  const text = COMMIT.test(path) ? "note" : "body";
  if (typeof body[text] !== "string") return [400, { error: `${text} is missing` }];
  if (body[text].trim() === "") return [400, { message: { note: ["can't be blank"] } }];
  const id = keep(request, said);
  return [
    201,
    COMMIT.test(path) ? { note: body.note, author: { username: "otto" } } : { id, ...body },
  ];
};
