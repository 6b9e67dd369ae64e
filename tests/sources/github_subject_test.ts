import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import examples from "@octokit/webhooks-examples" with { type: "json" };
import { subject } from "../../sources/github.ts";
import { isIdText } from "../../sources/kit/subject/subject_key.ts";

const published = examples as unknown as { name: string; examples: Record<string, unknown>[] }[];
const SHA = "a".repeat(40);
const OLD = "b".repeat(40);
const repository = { id: 1, full_name: "Octo/Phone" };

function about(event: string, payload: Record<string, unknown>) {
  return subject({ repository, ...payload }, { headers: new Headers({ "x-github-event": event }) });
}

const summary = (event: string, payload: Record<string, unknown>) => {
  const found = about(event, payload);
  return found && `${found.role} ${found.key}`;
};

describe("what a GitHub webhook is about", () => {
  it("is never said wrongly of any of GitHub's own examples", () => {
    let known = 0;
    for (const { name, examples } of published) {
      for (const payload of examples) {
        const found = subject(payload, { headers: new Headers({ "x-github-event": name }) });
        if (!found) continue;
        known++;
        assert(isIdText(found.key), found.key);
      }
    }
    assert(known > 100, `${known} have one`);
  });

  it("is one thing for a pull request, its reviews and the comments on it", () => {
    const pull_request = { number: 7, title: "Greet", head: { sha: SHA }, user: { id: 5 } };
    const insider = { author_association: "MEMBER", user: { id: 9 } };
    const issue = { number: 7, title: "Greet", pull_request: {}, user: { id: 5 } };
    const told: [event: string, payload: Record<string, unknown>, expected: string][] = [
      ["pull_request", { action: "opened", pull_request }, "opens"],
      ["pull_request", { action: "reopened", pull_request }, "opens"],
      ["pull_request", { action: "ready_for_review", pull_request }, "opens"],
      ["pull_request", { action: "synchronize", pull_request }, "continues"],
      ["pull_request", { action: "closed", pull_request }, "closes"],
      ["pull_request", { action: "labeled", pull_request }, "notes"],
      ["pull_request_review", { action: "submitted", pull_request, review: insider }, "continues"],
      ["pull_request_review", { action: "edited", pull_request, review: insider }, "notes"],
      [
        "pull_request_review_comment",
        { action: "created", pull_request, comment: insider },
        "continues",
      ],
      ["pull_request_review_thread", { action: "resolved", pull_request }, "notes"],
      ["issue_comment", { action: "created", issue, comment: insider }, "continues"],
      ["issue_comment", { action: "deleted", issue, comment: insider }, "notes"],
    ];
    for (const [event, payload, role] of told) {
      assertEquals(summary(event, payload), `${role} octo/phone#7`, event);
    }
    const found = about("issue_comment", { action: "created", issue, comment: insider });
    assertEquals(found?.name, 'PR #7 "Greet" in Octo/Phone');
  });

  it("goes on by what its opener and the members say, not by a stranger's word", () => {
    const issue = { number: 8, title: "Drops", user: { id: 5 } };
    const says = (comment: Record<string, unknown>) =>
      about("issue_comment", { action: "created", issue, comment })?.role;
    assertEquals(says({ author_association: "NONE", user: { id: 5 } }), "continues");
    assertEquals(says({ author_association: "NONE", user: { id: 6 } }), "notes");
    assertEquals(says({ author_association: "CONTRIBUTOR", user: { id: 6 } }), "notes");
    assertEquals(says({ author_association: "COLLABORATOR", user: { id: 6 } }), "continues");
    assertEquals(says({ user: { id: 6 } }), "notes");
  });

  it("is the one pull request that a check names, and else the commit's", () => {
    const named = (number: number, sha: string, repo = 1) => ({
      number,
      head: { sha },
      base: { repo: { id: repo } },
    });
    const suite = (pull_requests: unknown[]) =>
      about("check_suite", {
        action: "completed",
        check_suite: { head_sha: SHA, pull_requests },
      });
    assertEquals(suite([named(7, SHA)])?.key, "octo/phone#7");
    assertEquals(suite([named(7, SHA)])?.role, "result");
    // The branch is further on than what was checked.
    assertEquals(suite([named(7, OLD)])?.role, "notes");
    // Another repository's is not ours; without one of ours the commit says it.
    const byCommit = suite([named(7, SHA, 2)]);
    assertEquals(byCommit?.key, `octo/phone@${SHA}`);
    assertEquals(byCommit?.joins, [`octo/phone@${SHA}`]);
    assertEquals(suite([named(7, SHA), named(8, SHA)])?.key, `octo/phone@${SHA}`);
    assertEquals(suite([])?.key, `octo/phone@${SHA}`);
    const opened = about("pull_request", {
      action: "opened",
      pull_request: { number: 7, head: { sha: SHA } },
    });
    assertEquals(opened?.aliases, byCommit?.joins);
  });

  it("is a commit for jobs, statuses, deployments and pushes", () => {
    assertEquals(
      summary("workflow_job", { action: "completed", workflow_job: { head_sha: SHA } }),
      `result octo/phone@${SHA}`,
    );
    assertEquals(summary("status", { sha: SHA, state: "pending" }), `notes octo/phone@${SHA}`);
    assertEquals(summary("status", { sha: SHA, state: "failure" }), `result octo/phone@${SHA}`);
    const deployment = { sha: SHA };
    assertEquals(summary("deployment", { deployment }), `notes octo/phone@${SHA}`);
    assertEquals(
      summary("deployment_status", { deployment, deployment_status: { state: "success" } }),
      `result octo/phone@${SHA}`,
    );
    const push = about("push", { ref: "refs/heads/greeting", before: OLD, after: SHA });
    assertEquals([push?.key, push?.role, push?.joinedRole], [
      `octo/phone@${SHA}`,
      "opens",
      "notes",
    ]);
    assertEquals(push?.joins, [`octo/phone@${SHA}`, `octo/phone@${OLD}`]);
    assertEquals(summary("push", { ref: "refs/tags/v1", before: OLD, after: SHA }), undefined);
    assertEquals(
      summary("push", { ref: "refs/heads/x", before: OLD, after: "0".repeat(40), deleted: true }),
      undefined,
    );
    assertEquals(
      about("push", { ref: "refs/heads/x", before: "0".repeat(40), after: SHA })?.joins,
      [`octo/phone@${SHA}`],
    );
  });

  it("is an issue, a discussion, an alert, a release or the pull request in a queue", () => {
    const cases: [event: string, payload: Record<string, unknown>, expected: string][] = [
      ["issues", { action: "opened", issue: { number: 8 } }, "opens octo/phone#8"],
      ["issues", { action: "transferred", issue: { number: 8 } }, "closes octo/phone#8"],
      ["issues", { action: "labeled", issue: { number: 8 } }, "notes octo/phone#8"],
      [
        "discussion",
        { action: "created", discussion: { number: 8 } },
        "opens octo/phone/discussions/8",
      ],
      [
        "dependabot_alert",
        { action: "fixed", alert: { number: 2 } },
        "closes octo/phone/alerts/dependabot/2",
      ],
      [
        "secret_scanning_alert",
        { action: "created", alert: { number: 2 } },
        "opens octo/phone/alerts/secret_scanning/2",
      ],
      ["release", { action: "published", release: { id: 3 } }, "opens octo/phone/releases/3"],
      [
        "merge_group",
        { merge_group: { head_ref: `refs/heads/gh-readonly-queue/main/pr-104-${SHA}` } },
        "notes octo/phone#104",
      ],
      [
        "deployment_review",
        { action: "requested", workflow_run: { head_sha: SHA, pull_requests: [] } },
        `opens octo/phone@${SHA}`,
      ],
    ];
    for (const [event, payload, expected] of cases) assertEquals(summary(event, payload), expected);
  });

  it("is the pull request in a merge queue for all that is told of its branch there", () => {
    const branch = `gh-readonly-queue/release/pr-3-x/pr-104-${OLD}`;
    const head_ref = `refs/heads/${branch}`;
    const run = { head_sha: SHA, head_branch: branch, pull_requests: [] };
    const cases: [string, Record<string, unknown>, string][] = [
      ["merge_group", { merge_group: { head_ref } }, "notes octo/phone#104"],
      ["push", { ref: head_ref, before: OLD, after: SHA }, "notes octo/phone#104"],
      ["workflow_run", { action: "completed", workflow_run: run }, "result octo/phone#104"],
      ["check_suite", { action: "completed", check_suite: run }, "result octo/phone#104"],
      [
        "check_run",
        { action: "completed", check_run: { head_sha: SHA, check_suite: run } },
        "result octo/phone#104",
      ],
      ["workflow_job", { action: "completed", workflow_job: run }, "result octo/phone#104"],
      [
        "workflow_job",
        { action: "completed", workflow_job: { ...run, head_branch: "pr-104-fix" } },
        `result octo/phone@${SHA}`,
      ],
    ];
    for (const [event, payload, expected] of cases) assertEquals(summary(event, payload), expected);
  });

  it("is linked on the server that it is on, spelt as it is there", () => {
    const link = (event: string, payload: Record<string, unknown>) => about(event, payload)?.link;
    const check_suite = { head_sha: SHA, pull_requests: [{ number: 7, head: { sha: SHA } }] };
    const page = "https://github.example.com/Octo/Phone";
    const there = { repository: { ...repository, html_url: page } };
    assertEquals(link("status", { sha: SHA, ...there }), `${page}/commit/${SHA}`);
    assertEquals(link("check_suite", { check_suite, ...there }), `${page}/pull/7`);
    assertEquals(link("check_suite", { check_suite }), "https://github.com/Octo/Phone/pull/7");
  });

  it("is nothing for the rest, and where a part of the key is missing or strange", () => {
    assertEquals(summary("star", { action: "created" }), undefined);
    assertEquals(summary("constructor", {}), undefined);
    assertEquals(summary("issues", { action: "opened", issue: {} }), undefined);
    assertEquals(summary("issues", { issue: { number: "8; drop" } }), undefined);
    assertEquals(summary("status", { sha: "short", state: "success" }), undefined);
    for (
      const full_name of [undefined, "", "octo", "octo/phone/x", "a\n/b", "__proto__", "{}/{}"]
    ) {
      const found = subject({ issue: { number: 8 }, repository: { full_name } });
      assertEquals(found, undefined, full_name);
    }
  });
});
