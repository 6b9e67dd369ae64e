import { line } from "../kit/json_path.ts";

/**
 * Which event a payload alone must be: the first row whose keys are all there.
 * The more telling keys come first, for a comment on an issue has both.
 */
const SHAPES: readonly [event: string, ...keys: string[]][] = [
  ["ping", "zen", "hook_id"],
  ["push", "ref", "before", "after"],
  ["push", "ref", "commits"],
  ["push", "ref", "pusher", "head_commit"],
  ["create", "ref", "ref_type", "master_branch"],
  ["delete", "ref", "ref_type"],
  ["fork", "forkee"],
  ["gollum", "pages"],
  ["pull_request_review_thread", "pull_request", "thread"],
  ["pull_request_review", "pull_request", "review"],
  ["pull_request_review_comment", "pull_request", "comment"],
  ["pull_request", "pull_request"],
  ["sub_issues", "parent_issue", "sub_issue"],
  ["issue_dependencies", "blocked_issue", "blocking_issue"],
  ["issue_comment", "issue", "comment"],
  ["issues", "issue"],
  ["discussion_comment", "discussion", "comment"],
  ["discussion", "discussion"],
  ["commit_comment", "comment"],
  ["release", "release"],
  ["deployment_review", "workflow_run", "since"],
  ["workflow_job", "workflow_job"],
  ["deployment_status", "deployment_status"],
  ["deployment", "deployment"],
  ["workflow_run", "workflow_run"],
  ["workflow_dispatch", "workflow", "inputs"],
  ["repository_dispatch", "client_payload"],
  ["check_run", "check_run"],
  ["check_suite", "check_suite"],
  ["status", "state", "context", "sha"],
  ["merge_group", "merge_group"],
  ["star", "starred_at"],
  ["label", "label"],
  ["milestone", "milestone"],
  ["membership", "member", "team"],
  ["member", "member"],
  ["package", "package"],
  ["page_build", "build"],
  ["branch_protection_rule", "rule"],
  ["repository_advisory", "repository_advisory"],
  ["repository_ruleset", "repository_ruleset"],
  ["registry_package", "registry_package"],
  ["projects_v2_item", "projects_v2_item"],
  ["projects_v2_status_update", "projects_v2_status_update"],
  ["projects_v2", "projects_v2"],
  ["personal_access_token_request", "personal_access_token_request"],
  ["custom_property_values", "new_property_values"],
  ["custom_property", "definition"],
  ["deployment_protection_rule", "deployment_callback_url"],
  ["secret_scanning_alert_location", "alert", "location"],
  ["security_advisory", "security_advisory"],
  ["sponsorship", "sponsorship"],
  ["marketplace_purchase", "marketplace_purchase"],
  ["installation_repositories", "installation", "repositories_added"],
];

/** The event's name: the `X-GitHub-Event` header, or what the payload's shape allows only. */
export function eventOf(
  payload: unknown,
  headers?: Headers,
): string | undefined {
  const named = line([headers?.get("x-github-event")], 0);
  if (named) return named;
  if (typeof payload !== "object" || payload === null) return undefined;
  return SHAPES.find(([, ...keys]) => keys.every((key) => Object.hasOwn(payload, key)))?.[0];
}
