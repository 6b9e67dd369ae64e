import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import * as gitlab from "../../../sources/gitlab.ts";
import { about, assertTold } from "./told.ts";

const SHA = "a".repeat(40);
const project = { id: 12, path_with_namespace: "octo/phone" };

describe("what a GitLab webhook is about", () => {
  const mr = (object_attributes: Record<string, unknown>) => ({
    object_kind: "merge_request",
    project,
    object_attributes: { iid: 7, target_project_id: 12, ...object_attributes },
  });
  const issue = (action: string, object_kind = "issue") => ({
    object_kind,
    project,
    object_attributes: { iid: 7, action },
  });
  const note = (more: Record<string, unknown>) => ({ object_kind: "note", project, ...more });
  const pipeline = (object_attributes: Record<string, unknown>, more = {}) => ({
    object_kind: "pipeline",
    project,
    object_attributes: { sha: SHA, status: "failed", ref: "greeting", ...object_attributes },
    ...more,
  });

  it("is one merge request, however it is told of", () => {
    const merge_request = {
      iid: 7,
      target_project_id: 12,
      title: "Greet",
      url: "https://g.test/7",
    };
    const on = { noteable_type: "MergeRequest" };
    assertTold("gitlab", [
      [mr({ action: "open" }), "opens 12!7"],
      [mr({ action: "reopen" }), "opens 12!7"],
      [mr({ action: "update", oldrev: SHA }), "continues 12!7"],
      [mr({ action: "update" }), "notes 12!7"],
      [mr({ action: "approved" }), "continues 12!7"],
      [mr({ action: "unapproved" }), "continues 12!7"],
      [mr({ action: "merge" }), "closes 12!7"],
      [mr({ action: "close" }), "closes 12!7"],
      [note({ object_attributes: on, merge_request }), "continues 12!7"],
      [note({ object_attributes: { ...on, system: true }, merge_request }), "notes 12!7"],
      [note({ object_attributes: { ...on, action: "update" }, merge_request }), "notes 12!7"],
      [pipeline({}, { merge_request }), "result 12!7"],
      [pipeline({ ref: "refs/merge-requests/7/head" }), "result 12!7"],
      [pipeline({ ref: "refs/merge-requests/7/merge", status: "running" }), "notes 12!7"],
      [pipeline({ ref: "refs/merge-requests/7/train", status: "failed" }), "result 12!7"],
    ]);
    const found = about("gitlab", note({ object_attributes: on, merge_request }));
    assertEquals([found?.name, found?.link], ['MR !7 "Greet" in octo/phone', "https://g.test/7"]);
  });

  it("is an issue, an incident or a task by its number, an epic by its group's", () => {
    assertTold("gitlab", [
      [issue("open"), "opens 12#7"],
      [issue("reopen", "incident"), "opens 12#7"],
      [issue("close", "work_item"), "closes 12#7"],
      [issue("update"), "notes 12#7"],
      [
        note({ object_attributes: { noteable_type: "Issue" }, issue: { iid: 7 } }),
        "continues 12#7",
      ],
      [{ ...issue("open", "work_item"), project: null, group: { id: 3 } }, "opens 3&7"],
      // As gitlab.com sends epics: neither a project nor a group has an id.
      [{ ...issue("open", "work_item"), project: null }, undefined],
    ]);
  });

  it("is the same where only the team hears it, and that is said beside it, however it comes", () => {
    const merge_request = { iid: 7, title: "Greet", last_commit: { id: SHA } };
    const noteable_type = "MergeRequest";
    const ofKind = { event_type: "confidential_note", merge_request };
    const onIssue = (confidential: boolean, more = {}) => ({
      event_type: "confidential_note",
      object_attributes: { noteable_type: "Issue", ...more },
      issue: { iid: 7, confidential },
    });
    const heard: [unknown, string, string | undefined][] = [
      [note({ object_attributes: { noteable_type }, ...ofKind }), "12!7", "12!7/team"],
      [
        note({ object_attributes: { noteable_type, internal: true }, merge_request }),
        "12!7",
        "12!7/team",
      ],
      [
        note({ object_attributes: { noteable_type, internal: false }, merge_request }),
        "12!7",
        undefined,
      ],
      [note(onIssue(false)), "12#7", "12#7/team"],
      // Any comment on a confidential issue is of this kind.
      [note(onIssue(true)), "12#7", "12#7/team"],
      [note(onIssue(true, { internal: false })), "12#7", "12#7"],
      [note(onIssue(true, { internal: true })), "12#7", "12#7/team"],
      [note(onIssue(true, { confidential: true })), "12#7", "12#7/team"],
    ];
    for (const [payload, key, audience] of heard) {
      assertTold("gitlab", [[payload, `continues ${key}`]]);
      assertEquals(gitlab.audience(payload), audience);
    }
  });

  it("finds a pipeline's merge request by the commit at its head, also from a fork", () => {
    const opened = about(
      "gitlab",
      mr({ action: "open", source_project_id: 99, last_commit: { id: SHA } }),
    );
    assertEquals(opened?.aliases, [`12@${SHA}`, `99@${SHA}`]);
    const ran = about("gitlab", pipeline({}, { merge_request: null }));
    assertEquals([ran?.key, ran?.role, ran?.joins], [`12@${SHA}`, "result", [`12@${SHA}`]]);
    // A job has neither a project nor a merge request.
    const job = { object_kind: "build", project_id: 12, sha: SHA, ref: "greeting" };
    assertTold("gitlab", [
      [{ ...job, build_status: "failed" }, `result 12@${SHA}`],
      [{ ...job, build_status: "success" }, `notes 12@${SHA}`],
      [{ ...job, sha: "short" }, undefined],
      [{ ...job, project_id: undefined }, undefined],
    ]);
    const time = { build_finished_at: "2016-09-28 18:34:32 UTC", build_status: "failed" };
    assertEquals(about("gitlab", { ...job, ...time })?.at, Date.UTC(2016, 8, 28, 18, 34, 32));
  });

  it("is nothing for the rest, and where a part of the key is missing or strange", () => {
    assertTold("gitlab", [
      [{ object_kind: "push", project, after: SHA }, undefined],
      [mr({ iid: undefined, action: "open" }), undefined],
      [mr({ iid: "7\n", action: "open" }), undefined],
      [mr({ iid: "__proto__", action: "open" }), undefined],
      [note({ object_attributes: { noteable_type: "Snippet" }, snippet: { id: 1 } }), undefined],
      [{ ...issue("open"), project: {} }, undefined],
    ]);
  });
});

describe("what a Bitbucket webhook is about", () => {
  const repository = { full_name: "octo/phone" };
  const pullrequest = {
    id: 7,
    title: "Greet",
    source: { commit: { hash: SHA.slice(0, 12) }, repository: { full_name: "ada/phone" } },
    updated_on: "2026-01-02T03:04:05.678901+00:00",
  };
  const key = (event: string) => ({ "x-event-key": event });

  it("is one pull request or one issue, however it is told of", () => {
    const events: [event: string, role: string][] = [
      ["pullrequest:created", "opens"],
      ["pullrequest:updated", "continues"],
      ["pullrequest:comment_created", "continues"],
      ["pullrequest:changes_request_created", "continues"],
      ["pullrequest:approved", "notes"],
      ["pullrequest:fulfilled", "closes"],
      ["pullrequest:rejected", "closes"],
    ];
    for (const [event, role] of events) {
      assertTold("bitbucket", [
        [{ repository, pullrequest }, `${role} octo/phone#pr7`, key(event)],
      ]);
    }
    const issue = { id: 7, title: "Drops" };
    assertTold("bitbucket", [
      [{ repository, issue }, "opens octo/phone#7", key("issue:created")],
      [{ repository, issue }, "continues octo/phone#7", key("issue:comment_created")],
      [
        { repository, issue, changes: { status: { old: "open", new: "resolved" } } },
        "closes octo/phone#7",
        key("issue:updated"),
      ],
      [{ pullrequest }, undefined, key("pullrequest:created")],
      [{ repository, pullrequest: { id: "7}" } }, undefined, key("pullrequest:created")],
      [{ repository, push: { changes: [] } }, undefined, key("repo:push")],
    ]);
  });

  it("finds a build's pull request by the first digits of its commit", () => {
    const opened = about("bitbucket", { repository, pullrequest });
    const built = about("bitbucket", {
      repository: { full_name: "ada/phone" },
      commit_status: {
        state: "FAILED",
        links: { commit: { href: `https://api.bitbucket.org/2.0/x/commit/${SHA}` } },
      },
    });
    assertEquals(opened?.aliases, ["octo/phone@aaaaaaaaaaaa", "ada/phone@aaaaaaaaaaaa"]);
    assertEquals([built?.role, built?.joins], ["result", ["ada/phone@aaaaaaaaaaaa"]]);
    assertEquals(opened?.at, Date.parse(pullrequest.updated_on));
  });

  it("is told by Data Center alike", () => {
    const pullRequest = {
      id: 7,
      title: "Greet",
      fromRef: { latestCommit: SHA, repository: { slug: "phone", project: { key: "OCTO" } } },
      toRef: { repository: { slug: "phone", project: { key: "OCTO" } } },
    };
    const told = (eventKey: string) => ({ eventKey, pullRequest });
    assertTold("bitbucket", [
      [told("pr:opened"), "opens OCTO/phone#pr7"],
      [told("pr:comment:added"), "continues OCTO/phone#pr7"],
      [told("pr:from_ref_updated"), "continues OCTO/phone#pr7"],
      [told("pr:merged"), "closes OCTO/phone#pr7"],
    ]);
    assertEquals(about("bitbucket", told("pr:opened"))?.aliases, ["OCTO/phone@aaaaaaaaaaaa"]);
  });
});
