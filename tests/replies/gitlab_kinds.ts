import type { Any } from "../agent/stage.ts";
import type { Kind } from "./kinds.ts";
import { SAID } from "./stage.ts";

const SHA = "a".repeat(40);
const gitlab = (
  name: string,
  payload: Any,
  sent: Pick<Kind, "path" | "to"> & { body?: Any; echo?: Any },
): Kind => ({
  name,
  sender: "gitlab",
  headers: { "x-gitlab-event": "Some Hook" },
  payload: {
    project: { id: 42, path_with_namespace: "octo/phone" },
    user: { username: "ann" },
    ...payload,
  },
  body: { body: SAID },
  ...sent,
  echoes: sent.echo && ((number) => [{
    payload: {
      object_kind: "note",
      project: { id: 42, path_with_namespace: "octo/phone" },
      user: { username: "otto" },
      ...sent.echo,
      object_attributes: { id: number, note: SAID, ...sent.echo.object_attributes },
    },
  }]),
});
const ofIssue = { issue: { iid: 7 }, object_attributes: { noteable_type: "Issue" } };
const ofRequest = {
  merge_request: { iid: 8 },
  object_attributes: { noteable_type: "MergeRequest" },
};
const ofCommit = { commit: { id: SHA }, object_attributes: { noteable_type: "Commit" } };
const THREAD = "b".repeat(40);

/** One of each kind that can be answered in GitLab. */
export const GITLAB_KINDS: Kind[] = [
  gitlab("an issue", { object_kind: "issue", object_attributes: { iid: 7, action: "open" } }, {
    path: "/api/v4/projects/42/issues/7/notes",
    to: "octo/phone#7",
    echo: ofIssue,
  }),
  gitlab("a merge request", {
    object_kind: "merge_request",
    object_attributes: { iid: 8, action: "open" },
  }, {
    path: "/api/v4/projects/42/merge_requests/8/notes",
    to: "octo/phone!8",
    echo: ofRequest,
  }),
  gitlab("a thread of a merge request", {
    object_kind: "note",
    ...ofRequest,
    object_attributes: {
      ...ofRequest.object_attributes,
      id: 500,
      type: "DiffNote",
      discussion_id: THREAD,
      note: "Why?",
    },
  }, {
    path: `/api/v4/projects/42/merge_requests/8/discussions/${THREAD}/notes`,
    to: "octo/phone!8",
    echo: ofRequest,
  }),
  gitlab("a note that only the team sees", {
    object_kind: "note",
    ...ofIssue,
    object_attributes: {
      ...ofIssue.object_attributes,
      id: 501,
      type: "DiscussionNote",
      discussion_id: THREAD,
      internal: true,
      note: "Is she a customer?",
    },
  }, {
    path: "/api/v4/projects/42/issues/7/notes",
    to: "octo/phone#7",
    body: { body: SAID, internal: true },
    echo: ofIssue,
  }),
  gitlab("a note that only the team sees, as its kind of event alone says", {
    object_kind: "note",
    event_type: "confidential_note",
    ...ofRequest,
    object_attributes: {
      ...ofRequest.object_attributes,
      id: 503,
      type: "DiscussionNote",
      discussion_id: THREAD,
      note: "Do we owe her money?",
    },
  }, {
    path: "/api/v4/projects/42/merge_requests/8/notes",
    to: "octo/phone!8",
    body: { body: SAID, internal: true },
    echo: ofRequest,
  }),
  gitlab("a note that only the team sees, as old versions say", {
    object_kind: "note",
    event_type: "confidential_note",
    ...ofIssue,
    object_attributes: {
      ...ofIssue.object_attributes,
      id: 504,
      confidential: true,
      note: "Is she a customer?",
    },
  }, {
    path: "/api/v4/projects/42/issues/7/notes",
    to: "octo/phone#7",
    body: { body: SAID, internal: true },
    echo: ofIssue,
  }),
  gitlab("a note for all who see a confidential issue", {
    object_kind: "note",
    event_type: "confidential_note",
    ...ofIssue,
    object_attributes: {
      ...ofIssue.object_attributes,
      id: 505,
      internal: false,
      note: "It is urgent",
    },
  }, { path: "/api/v4/projects/42/issues/7/notes", to: "octo/phone#7", echo: ofIssue }),
  gitlab("a commit", {
    object_kind: "note",
    ...ofCommit,
    object_attributes: { ...ofCommit.object_attributes, id: 502, note: "Why?" },
  }, {
    path: `/api/v4/projects/42/repository/commits/${SHA}/comments`,
    to: `octo/phone@${SHA.slice(0, 10)}`,
    body: { note: SAID },
    echo: ofCommit,
  }),
  gitlab("a fork's pipeline", {
    object_kind: "pipeline",
    object_attributes: { id: 3, sha: SHA, status: "failed" },
    merge_request: { iid: 9, source_project_id: 42, target_project_id: 41 },
  }, {
    path: `/api/v4/projects/42/repository/commits/${SHA}/comments`,
    to: `octo/phone@${SHA.slice(0, 10)}`,
    body: { note: SAID },
  }),
  gitlab("a pipeline of a merge request", {
    object_kind: "pipeline",
    object_attributes: { id: 4, sha: SHA, status: "failed" },
    merge_request: { iid: 9, source_project_id: 41, target_project_id: 42 },
  }, { path: "/api/v4/projects/42/merge_requests/9/notes", to: "octo/phone!9" }),
  gitlab("a pipeline on a merge request's own ref", {
    object_kind: "pipeline",
    object_attributes: { id: 5, sha: SHA, status: "failed", ref: "refs/merge-requests/9/merge" },
    merge_request: null,
  }, { path: "/api/v4/projects/42/merge_requests/9/notes", to: "octo/phone!9" }),
  gitlab("a job on a merge request's own ref", {
    object_kind: "build",
    build_status: "failed",
    sha: SHA,
    ref: "refs/merge-requests/9/head",
  }, { path: "/api/v4/projects/42/merge_requests/9/notes", to: "octo/phone!9" }),
];
