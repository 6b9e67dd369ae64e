import { itSays } from "./told.ts";

const user = { name: "lev", displayName: "Lev" };
const issue = { key: "PRJX-14", fields: { summary: "It drops", status: { name: "Done" } } };
const updated = (issue_event_type_name: string, more: unknown) => ({
  webhookEvent: "jira:issue_updated",
  issue_event_type_name,
  user,
  issue,
  ...more as object,
});
const change = (field: string, fromString: string | null, toString: string | null) => ({
  changelog: { items: [{ field, fromString, toString }] },
});

itSays("jira", [
  ["Lev commented: unik", {
    webhookEvent: "comment_created",
    comment: { body: "unik", author: user },
  }],
  [
    `Lev commented on PRJX-14 "It drops": unik`,
    updated("issue_commented", { comment: { body: "unik", author: user } }),
  ],
  [
    `Lev edited a comment on PRJX-14 "It drops": unique`,
    updated("issue_comment_edited", { comment: { body: "unique" } }),
  ],
  [
    `Lev deleted a comment on PRJX-14 "It drops"`,
    { webhookEvent: "comment_deleted", comment: { body: "unik", author: user }, issue },
  ],
  [
    `Lev updated PRJX-14 "It drops": resolution Done → none`,
    updated("issue_reopened", change("resolution", "Done", null)),
  ],
  [
    `Lev updated PRJX-14 "It drops": assignee none → Ada`,
    updated("issue_assigned", change("assignee", null, "Ada")),
  ],
  [
    `Lev updated PRJX-14 "It drops": description`,
    updated("issue_updated", change("description", "x".repeat(100), "y")),
  ],
  [`Lev resolved PRJX-14 "It drops"`, updated("issue_resolved", {})],
  [`PRJX-14 "It drops" (Done)`, { issue }],
  [`PRJX-14 "It drops" (Done)`, issue],
  [`User "Ada" created`, { webhookEvent: "user_created", user: { displayName: "Ada" } }],
  [`Lev created worklog on PRJX-14: 2h`, {
    webhookEvent: "worklog_created",
    worklog: { author: user, timeSpent: "2h" },
    issue,
  }],
  [`Lev created attachment "log.txt"`, {
    webhookEvent: "attachment_created",
    attachment: { filename: "log.txt", author: user },
  }],
  ["Issue link (Blocks) created", {
    webhookEvent: "issuelink_created",
    issueLink: { sourceIssueId: 1, destinationIssueId: 2, issueLinkType: { name: "Blocks" } },
  }],
  [`Lev commented on PRJX-14 "It drops": Still here`, {
    webhookEvent: "comment_created",
    comment: {
      author: user,
      body: {
        type: "doc",
        content: [{ type: "paragraph", content: [{ type: "text", text: "Still here" }] }],
      },
    },
    issue,
  }],
]);

const key = (name: string) => ({ "x-event-key": name });
const actor = { display_name: "Emma", displayName: "Emma" };
const repository = { full_name: "octo/phone" };
const server = { slug: "phone", name: "Phone", project: { key: "OCTO" } };
const pullRequest = { id: 7, title: "Greeting", toRef: { repository: server } };
const push = (change: unknown) => ({ actor, repository, push: { changes: [change] } });
const main = { type: "branch", name: "main" };

itSays("bitbucket", [
  [
    `Emma pushed to PR #7 "Greeting" in OCTO/phone`,
    { actor, pullRequest },
    key("pr:from_ref_updated"),
  ],
  [
    `Emma asked for changes of PR #7 "Greeting" in OCTO/phone`,
    { actor, pullRequest },
    key("pr:reviewer:needs_work"),
  ],
  [`Emma changed the reviewers of PR #7 "Greeting" in OCTO/phone: added Ada, removed Bob`, {
    actor,
    pullRequest,
    addedReviewers: [{ displayName: "Ada" }],
    removedReviewers: [{ displayName: "Bob" }],
  }, key("pr:reviewer:updated")],
  [`Emma deleted a comment on PR #7 "Greeting" in OCTO/phone`, {
    actor,
    pullRequest,
    comment: { text: "gone" },
  }, key("pr:comment:deleted")],
  ["Emma forked octo/phone to emma/phone", {
    actor,
    repository,
    fork: { full_name: "emma/phone" },
  }, key("repo:fork")],
  ["Emma forked OCTO/phone to ~EMMA/phone", {
    actor,
    repository: { slug: "phone", project: { key: "~EMMA" }, origin: server },
  }, key("repo:forked")],
  ["Emma renamed repository OCTO/phone to OCTO/line", {
    actor,
    old: server,
    new: { ...server, slug: "line" },
  }, key("repo:modified")],
  [
    "Emma pushed more than 5 commits to main in octo/phone: Newest",
    push({
      old: main,
      new: main,
      truncated: true,
      commits: ["Newest", "b", "c", "d", "e"].map((message) => ({ message })),
    }),
  ],
  ["Emma created tag v1 in octo/phone", push({ old: null, new: { type: "tag", name: "v1" } })],
  ["Emma commented on commit 1234567 in octo/phone: Nice", {
    actor,
    repository,
    commit: { hash: "1234567890" },
    comment: { content: { raw: "Nice" } },
  }, key("repo:commit_comment_created")],
  [`Build "Unit tests" is in progress on main in octo/phone: half done`, {
    actor,
    repository,
    commit_status: {
      name: "Unit tests",
      state: "INPROGRESS",
      refname: "main",
      description: "half done",
    },
  }, key("repo:commit_status_created")],
  [`Emma updated issue #3 "It drops" in octo/phone: status new → open`, {
    actor,
    repository,
    issue: { id: 3, title: "It drops" },
    changes: { status: { old: "new", new: "open" } },
  }, key("issue:updated")],
]);
