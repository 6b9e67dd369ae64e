import { at, first, isObject, list, text } from "../kit/json_path.ts";
import { exactNumber } from "../kit/reply/exact_number.ts";
import { withoutCommands, withoutEchoes } from "../kit/reply/harmless.ts";
import type { ReplyApi, ReplyCall, ReplyOptions, SentReply } from "../reply.ts";
import { isInternal, teamOf } from "./audience.ts";
import { requestOfRef } from "./gitlab_event.ts";

/** docs.gitlab.com/api: "Notes", "Commits" (comments). */
export const replyApi: ReplyApi = {
  url: "https://gitlab.com",
  urlVariable: "GITLAB_URL",
  base: "/api/v4",
  credential: "bearer",
  tokenVariable: "REPLY_TOKEN_GITLAB",
  most: 1_000_000,
  probe: { method: "GET", path: "/user" },
  accountOf: (answer) => text(answer, "username"),
  scopes: {
    path: "/personal_access_tokens/self",
    in(answer) {
      const scopes = list(answer, "scopes").filter((each) => typeof each === "string");
      // Fine-grained tokens have permissions instead ("Fine-grained personal access tokens").
      const isGranular = scopes.length === 0 || at(answer, "granular_scopes") !== undefined;
      return isGranular ? undefined : scopes;
    },
  },
  writes: ["api"],
  idOf: (answer) => exactNumber(text(answer, "id")),
  // A comment on a commit has none.
  isSent: (answer) => text(answer, "note") !== undefined,
  refusalOf(answer) {
    const error = first(
      text(answer, "message"),
      text(answer, "error_description"),
      text(answer, "error"),
      // What is wrong with each field.
      isObject(answer, "message") ? JSON.stringify(at(answer, "message")) : undefined,
    );
    if (error === undefined) return undefined;
    // A 403 of "Maintenance mode" and of a secondary of Geo's.
    return { error, later: /read-only instance/i.test(error) };
  },
  search: {
    path: ({ path }) =>
      path.endsWith("/comments")
        // Commits' comments are listed the oldest first, and in no other order.
        ? { path, query: "per_page=100", perPage: 100 }
        : path.includes("/discussions/")
        // A thread has all its notes in it.
        ? { path: path.replace(/\/notes$/, ""), query: "per_page=100" }
        : { path, query: "per_page=100&order_by=created_at&sort=desc" },
    // A comment on a commit has no id here.
    found: (answer) =>
      [...list(answer), ...list(answer, "notes")].map((each) => ({
        id: exactNumber(text(each, "id")),
        text: first(text(each, "body"), text(each, "note")),
        at: text(each, "created_at"),
      })),
  },
};

/** A note on the issue, merge request, snippet or commit that an event is about. */
export function reply(
  payload: unknown,
  said: string,
  { mentions = false, audiences = [] }: ReplyOptions = {},
): ReplyCall | undefined {
  const place = placeOf(payload);
  if (!place) return undefined;
  const { to, key, path, thread } = place;
  // Quick actions of a note are carried out with our token, by the API as well.
  const safe = withoutCommands(said);
  const note = mentions ? safe : withoutEchoes(safe);
  const field = path.endsWith("/comments") ? "note" : "body";
  if (isInternal(payload) === false && audiences.every((each) => each === key)) {
    return { to, path: thread ?? path, body: { [field]: note } };
  }
  // What only the team sees is not answered before everybody, nor in a thread that all read.
  const isTheirs = key !== undefined &&
    audiences.every((each) => each === key || each === teamOf(key));
  return isTheirs ? { to, path, body: { body: note, internal: true } } : undefined;
}

/** A note that somebody wrote, perhaps we. */
export function sentReply(payload: unknown): SentReply | undefined {
  if (text(payload, "object_kind") !== "note") return undefined;
  return {
    id: exactNumber(text(payload, "object_attributes", "id")),
    to: placeOf(payload)?.to,
    text: text(payload, "object_attributes", "note"),
  };
}

interface Place {
  to: string;
  /** The subject's; only what has one can be told to the team alone. */
  key?: string;
  path: string;
  /** The path of the thread that the event stands in. */
  thread?: string;
}

function placeOf(payload: unknown): Place | undefined {
  const project = exactNumber(first(text(payload, "project", "id"), text(payload, "project_id")));
  if (!project) return undefined;
  const name = nameOf(text(payload, "project", "path_with_namespace")) ?? `project ${project}`;
  const path = `/projects/${project}`;
  const [kind, id] = targetOf(payload);
  if (kind === "commit") {
    if (!id || !/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(id)) return undefined;
    return {
      to: `${name}@${id.slice(0, 10)}`,
      path: `${path}/repository/commits/${id}/comments`,
    };
  }
  const number = exactNumber(id);
  if (!number) return undefined;
  const notes = { path: `${path}/${kind}/${number}/notes` };
  if (kind === "snippets") return { to: `${name}$${number}`, ...notes };
  const mark = kind === "issues" ? "#" : "!";
  const thread = threadOf(payload);
  return {
    to: `${name}${mark}${number}`,
    key: `${project}${mark}${number}`,
    ...notes,
    ...(thread && { thread: `${path}/${kind}/${number}/discussions/${thread}/notes` }),
  };
}

/** The thread that a note stands in; a note alone is in none. */
function threadOf(payload: unknown): string | undefined {
  if (text(payload, "object_kind") !== "note") return undefined;
  const type = text(payload, "object_attributes", "type");
  const id = text(payload, "object_attributes", "discussion_id");
  const isThread = type === "DiscussionNote" || type === "DiffNote";
  return isThread && id && /^[0-9a-f]{40}$/.test(id) ? id : undefined;
}

type Kind = "issues" | "merge_requests" | "snippets" | "commit";

function targetOf(payload: unknown): [kind: Kind, id: string | undefined] {
  const kind = text(payload, "object_kind");
  if (kind === "note") {
    const of = text(payload, "object_attributes", "noteable_type");
    if (of === "Issue") return ["issues", text(payload, "issue", "iid")];
    if (of === "MergeRequest") return ["merge_requests", text(payload, "merge_request", "iid")];
    if (of === "Snippet") return ["snippets", text(payload, "snippet", "id")];
    return ["commit", text(payload, "commit", "id")];
  }
  if (kind === "issue" || kind === "work_item" || kind === "incident") {
    return ["issues", text(payload, "object_attributes", "iid")];
  }
  if (kind === "merge_request") {
    return ["merge_requests", text(payload, "object_attributes", "iid")];
  }
  if (kind === "pipeline") {
    // A fork's pipeline may be for a request of the project that it was forked from.
    const isHere = text(payload, "merge_request", "target_project_id") ===
      text(payload, "project", "id");
    const named = text(payload, "merge_request", "iid");
    const request = named === undefined
      ? requestOfRef(text(payload, "object_attributes", "ref"))
      : isHere
      ? named
      : undefined;
    return request
      ? ["merge_requests", request]
      : ["commit", text(payload, "object_attributes", "sha")];
  }
  if (kind === "build") {
    const number = requestOfRef(text(payload, "ref"));
    return number ? ["merge_requests", number] : ["commit", text(payload, "sha")];
  }
  return ["commit", undefined];
}

/** Only shown: paths are made of the project's number. */
function nameOf(name: string | undefined): string | undefined {
  const parts = name && name.length <= 500 ? name.split("/") : [];
  return parts.length >= 2 && parts.every((part) => /^[A-Za-z0-9_][\w.-]*$/.test(part))
    ? name
    : undefined;
}
