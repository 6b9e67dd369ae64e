import { itSays } from "./told.ts";

const github = (event: string) => ({ "x-github-event": event });
const about = { repository: { full_name: "octo/phone" }, sender: { login: "ada" } };
const org = { organization: { login: "octo" }, sender: { login: "ada" } };
const parent_issue = { number: 7, title: "Voice" };
const sub_issue = { number: 8, title: "Greeting" };

itSays("github", [
  ["ada pushed 1 commit to main in octo/phone: Greet callers", {
    ...about,
    ref: "refs/heads/main",
    commits: [{ message: "Greet callers" }],
  }],
  [`ada added sub-issue #8 "Greeting" to issue #7 "Voice" in octo/phone`, {
    ...about,
    action: "sub_issue_added",
    parent_issue,
    sub_issue,
  }, github("sub_issues")],
  [`ada removed parent issue #7 "Voice" from issue #8 "Greeting" in octo/phone`, {
    ...about,
    action: "parent_issue_removed",
    parent_issue,
    sub_issue,
  }, github("sub_issues")],
  [`ada marked issue #8 "Greeting" as blocked by #7 "Voice" in octo/phone`, {
    ...about,
    action: "blocked_by_added",
    blocked_issue: sub_issue,
    blocking_issue: parent_issue,
  }, github("issue_dependencies")],
  [`ada created ruleset "main only" in octo/phone`, {
    ...about,
    action: "created",
    repository_ruleset: { name: "main only" },
  }, github("repository_ruleset")],
  [`ada edited project "Roadmap" in octo`, {
    ...org,
    action: "edited",
    projects_v2: { title: "Roadmap" },
  }, github("projects_v2")],
  ["ada edited project item (Draft issue) in octo: Status Todo → Done", {
    ...org,
    action: "edited",
    projects_v2_item: { content_type: "DraftIssue" },
    changes: {
      field_value: { field_name: "Status", from: { name: "Todo" }, to: { name: "Done" } },
    },
  }, github("projects_v2_item")],
  ["ada changed custom properties in octo/phone: team none → voice", {
    ...about,
    action: "updated",
    new_property_values: [{ property_name: "team", value: "voice" }],
    old_property_values: [{ property_name: "team", value: null }],
  }, github("custom_property_values")],
  [`ada created custom property "team" in octo`, {
    ...org,
    action: "created",
    definition: { property_name: "team" },
  }, github("custom_property")],
  [`ada published package "voice" in octo/phone`, {
    ...about,
    action: "published",
    registry_package: { name: "voice" },
  }, github("registry_package")],
  [`ada dispatched "rebuild" on main in octo/phone`, {
    ...about,
    action: "rebuild",
    branch: "main",
    client_payload: {},
  }, github("repository_dispatch")],
  ["ada renamed repository phone-old to octo/phone", {
    ...about,
    action: "renamed",
    changes: { repository: { name: { from: "phone-old" } } },
  }, github("repository")],
  [`ada edited PR #7 "New" in octo/phone: title Old → New, base main → next`, {
    ...about,
    action: "edited",
    pull_request: { number: 7, title: "New", base: { ref: "next" } },
    changes: { title: { from: "Old" }, base: { ref: { from: "main" } } },
  }, github("pull_request")],
  [`ada closed issue #7 "Voice" as not planned in octo/phone`, {
    ...about,
    action: "closed",
    issue: { ...parent_issue, state_reason: "not_planned" },
  }, github("issues")],
  [`ada made issue #7 "Voice" a Bug in octo/phone`, {
    ...about,
    action: "typed",
    issue: parent_issue,
    type: { name: "Bug" },
  }, github("issues")],
  ["ada added the app to octo/a, octo/b of octo", {
    sender: { login: "ada" },
    action: "added",
    installation: { account: { login: "octo" } },
    repositories_added: [{ full_name: "octo/a" }, { full_name: "octo/b" }],
  }, github("installation_repositories")],
  [`ada created something new "Seven" in octo/phone`, {
    ...about,
    action: "created",
    something_new: { name: "Seven" },
  }, github("something_new")],
]);

const project = { path_with_namespace: "octo/phone" };
const update = (object_attributes: unknown, changes?: unknown) => ({
  object_kind: "merge_request",
  user: { name: "Ada" },
  project,
  object_attributes: {
    iid: 3,
    title: "Greeting",
    action: "update",
    ...object_attributes as object,
  },
  changes,
});
const system = (event_name: string, more: unknown) => ({ event_name, ...more as object });

itSays("gitlab", [
  [
    `Ada pushed to MR !3 "Greeting" in octo/phone`,
    update({ oldrev: "1".repeat(40) }, { updated_at: { previous: "a", current: "b" } }),
  ],
  [
    `Ada updated MR !3 "Greeting" in octo/phone: labels added ux, removed bug`,
    update({}, {
      labels: {
        previous: [{ title: "bug" }, { title: "voice" }],
        current: [{ title: "voice" }, { title: "ux" }],
      },
    }),
  ],
  [
    `Ada updated MR !3 "Greeting" in octo/phone: reviewers added Grace`,
    update({}, { reviewers: { previous: [], current: [{ name: "Grace" }] } }),
  ],
  [
    `Ada updated MR !3 "Greeting" in octo/phone: milestone none → set, draft yes → no`,
    update({}, {
      milestone_id: { previous: null, current: 5 },
      draft: { previous: true, current: false },
    }),
  ],
  [
    `Ada updated MR !3 "Greeting" in octo/phone: title Old → Greeting`,
    update({}, { title: { previous: "Old", current: "Greeting" } }),
  ],
  [
    `Group octo/voice was created`,
    system("group_create", { name: "Voice", full_path: "octo/voice" }),
  ],
  ["Project octo/phone was created", system("project_create", project)],
  [
    "Project was renamed: octo/old → octo/phone",
    system("project_rename", { ...project, old_path_with_namespace: "octo/old" }),
  ],
  [
    "Grace was added to project octo/phone as Maintainer",
    system("user_add_to_team", {
      user_name: "Grace",
      project_path_with_namespace: "octo/phone",
      project_name: "Phone",
      access_level: "Maintainer",
    }),
  ],
  [
    "Grace asks for access to group octo",
    system("user_access_request_to_group", { user_name: "Grace", group_path: "octo" }),
  ],
  [`User "Grace" was created`, system("user_create", { name: "Grace", username: "grace" })],
  ["SSH key of grace was created", system("key_create", { username: "grace", key: "ssh-rsa AAA" })],
  [`Ada gave :thumbsup: on MR !3 "Greeting" in octo/phone`, {
    object_kind: "emoji",
    user: { name: "Ada" },
    project,
    object_attributes: { action: "award", name: "thumbsup", awardable_type: "MergeRequest" },
    merge_request: { iid: 3, title: "Greeting" },
  }],
  [`Ada turned off feature flag "new voice" in octo/phone`, {
    object_kind: "feature_flag",
    user: { name: "Ada" },
    project,
    object_attributes: { name: "new voice", active: false },
  }],
  [`Ada commented on commit 1234567 "Greet" in octo/phone: Nice`, {
    object_kind: "note",
    user: { name: "Ada" },
    project,
    object_attributes: { note: "Nice", noteable_type: "Commit" },
    commit: { id: "1234567890", title: "Greet" },
  }],
  ["Pipeline failed on main in octo/phone by Ada: unit", {
    object_kind: "pipeline",
    user: { name: "Ada" },
    project,
    object_attributes: { status: "failed", ref: "main" },
    builds: [
      { name: "unit", status: "failed", allow_failure: false },
      { name: "lint", status: "failed", allow_failure: true },
    ],
  }],
]);
