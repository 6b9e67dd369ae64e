import { counted, oneLine, quoted, words } from "../kit/line.ts";
import { at, first, line, list, type PathKey } from "../kit/json_path.ts";
import {
  advisoryTitle,
  alertTitle,
  deploymentReviewTitle,
  deploymentStatusTitle,
  deploymentTitle,
  runTitle,
  statusTitle,
} from "./run.ts";
import { NEWER } from "./newer.ts";
import { type GitHubEvent, isVerb, numbered, readEvent, refName } from "./github_event.ts";
import { commentTitle, commitCommentTitle, pushTitle, reviewTitle, workTitle } from "./work.ts";

/** The title of each event, by its name (docs.github.com, "Webhook events and payloads"). */
const TITLES: Record<string, (event: GitHubEvent) => string> = {
  push: pushTitle,
  pull_request: workTitle("PR", "pull_request"),
  pull_request_review: reviewTitle,
  pull_request_review_comment: commentTitle("pull_request", "the code of PR"),
  pull_request_review_thread: ({ payload, who, did, where }) =>
    words(who, did, "a thread in PR", numbered(payload, "pull_request"), where),
  issues: workTitle("issue", "issue"),
  issue_comment: commentTitle("issue", "issue"),
  discussion: workTitle("discussion", "discussion"),
  discussion_comment: commentTitle("discussion", "discussion"),
  commit_comment: commitCommentTitle,
  workflow_run: runTitle("Workflow", "workflow_run"),
  workflow_job: runTitle("Job", "workflow_job"),
  check_run: runTitle("Check", "check_run"),
  check_suite: runTitle("Check suite", "check_suite"),
  status: statusTitle,
  deployment: deploymentTitle,
  deployment_status: deploymentStatusTitle,
  deployment_review: deploymentReviewTitle,
  dependabot_alert: alertTitle("Dependabot"),
  code_scanning_alert: alertTitle("Code scanning"),
  secret_scanning_alert: alertTitle("Secret scanning"),
  repository_vulnerability_alert: alertTitle("Vulnerability"),
  security_advisory: advisoryTitle,
  ping: ({ payload, where }) => words("Ping from GitHub", where, quoted(line(payload, "zen"))),
  create: refTitle("created"),
  delete: refTitle("deleted"),
  release: ({ payload, who, did, where }) => {
    const tag = line(payload, "release", "tag_name");
    const name = line(payload, "release", "name");
    return words(
      who,
      did,
      "release",
      tag,
      name === tag ? undefined : quoted(name),
      where,
    );
  },
  fork: ({ payload, who }) =>
    words(who, "forked", repository(payload), [
      "to",
      line(payload, "forkee", "full_name"),
    ]),
  star: ({ payload, who, action }) =>
    words(
      who,
      action === "deleted" ? "unstarred" : "starred",
      repository(payload),
    ),
  watch: ({ payload, who }) => words(who, "started watching", repository(payload)),
  public: ({ payload, who }) => words(who, "made", repository(payload), "public"),
  workflow_dispatch: ({ payload, who, where }) =>
    words(
      who,
      "started workflow",
      line(payload, "workflow"),
      ["on", refName(line(payload, "ref"))],
      where,
    ),
  team_add: ({ payload, who, where }) =>
    words(who, "added team", quoted(line(payload, "team", "name")), where),
  membership: ({ payload, who, action, did }) =>
    words(
      who,
      did,
      line(payload, "member", "login"),
      [
        action === "removed" ? "from team" : "to team",
        line(payload, "team", "name"),
      ],
    ),
  organization: ({ payload, did, where }) => {
    const member = first(
      line(payload, "membership", "user", "login"),
      line(payload, "invitation", "login"),
      line(payload, "user", "login"),
    );
    return words("Organization", did, member, where, [
      "by",
      line(payload, "sender", "login"),
    ]);
  },
  gollum: ({ payload, who, where }) => {
    const pages = list(payload, "pages");
    const more = pages.length > 1 ? `and ${counted(pages.length - 1, "more page")}` : undefined;
    const did = line(pages, 0, "action") ?? "edited";
    return words(
      who,
      did,
      "wiki page",
      quoted(line(pages, 0, "title")),
      more,
      where,
    );
  },
  page_build: ({ payload, where }) =>
    words("Page build", ["is", line(payload, "build", "status")], where),
  repository_import: ({ payload, where }) =>
    words("Repository import", ["is", line(payload, "status")], where),
};

/** Events whose titles are alike, `ada created label "bug" in octo/repo`: the thing's noun and where its name lies. */
const THINGS: Record<string, [noun: string, ...path: PathKey[]]> = {
  label: ["label", "label", "name"],
  milestone: ["milestone", "milestone", "title"],
  member: ["member", "member", "login"],
  team: ["team", "team", "name"],
  org_block: ["user", "blocked_user", "login"],
  package: ["package", "package", "name"],
  deploy_key: ["deploy key", "key", "title"],
  branch_protection_rule: ["protection rule", "rule", "name"],
  merge_group: ["merge group", "merge_group", "head_ref"],
  installation: [
    "app installation on",
    "installation",
    "account",
    "login",
  ],
  marketplace_purchase: [
    "marketplace plan",
    "marketplace_purchase",
    "plan",
    "name",
  ],
  sponsorship: ["sponsorship of", "sponsorship", "sponsorable", "login"],
  project: ["project", "project", "name"],
  project_column: ["project column", "project_column", "name"],
  meta: ["webhook", "hook", "name"],
  projects_v2: ["project", "projects_v2", "title"],
  repository_ruleset: ["ruleset", "repository_ruleset", "name"],
  registry_package: ["package", "registry_package", "name"],
  branch_protection_configuration: ["branch protection", "branch_protection_configuration", "name"],
  project_card: ["project card", "project_card", "note"],
};

/** The line a person reads for an event of any name, known or not. */
export function titleOf(payload: unknown, event: string | undefined): string {
  const toTitle = event === undefined
    ? thingTitle
    : Object.hasOwn(TITLES, event)
    ? TITLES[event]
    : Object.hasOwn(NEWER, event)
    ? NEWER[event]
    : thingTitle;
  return oneLine(toTitle(readEvent(payload, event)));
}

/** `ada created label "bug" in octo/repo`; where the action is no verb: `Team "ops" added to repository by ada`. */
function thingTitle({ payload, event, action, who, did, where }: GitHubEvent): string {
  const known = event && Object.hasOwn(THINGS, event) ? THINGS[event] : undefined;
  const [noun, ...path] = known ??
    [event?.replace(/^github_/, "").replaceAll("_", " ")];
  // What GitHub may add one day lies under the event's own name.
  const about = at(payload, event ?? "");
  const name = quoted(
    known
      ? line(payload, ...path)
      : first(line(about, "title"), line(about, "name"), line(about, "login")),
  );
  if ((known ?? name) && isVerb(did)) return words(who, did, noun, name, where);
  const happened = action ?? noun ? action && did : "event";
  return words("GitHub", noun, name, happened, where, [
    "by",
    line(payload, "sender", "login"),
  ]);
}

function refTitle(did: string): (event: GitHubEvent) => string {
  return ({ payload, who, where }) =>
    words(
      who,
      did,
      line(payload, "ref_type") ?? "ref",
      line(payload, "ref"),
      where,
    );
}

function repository(payload: unknown): string {
  return line(payload, "repository", "full_name") ?? "a repository";
}
