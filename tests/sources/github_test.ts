import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import examples from "@octokit/webhooks-examples" with { type: "json" };
import { sign, verify } from "@octokit/webhooks-methods";
import * as github from "../../sources/github.ts";
import { eventOf } from "../../sources/github/event.ts";
import {
  assertCalm,
  assertDescription,
  assertTamperProof,
  described,
  hostileRequests,
  request,
  signedSample,
  vector,
} from "./request.ts";

interface Published {
  name: string;
  examples: Record<string, unknown>[];
}

const published = examples as unknown as Published[];

function named(event: string, payload: unknown) {
  return github.describe(payload, {
    headers: new Headers({ "x-github-event": event }),
  });
}

function example(event: string, action?: string): Record<string, unknown> {
  const found = published.find(({ name }) => name === event)?.examples
    .find((payload) => action === undefined || payload.action === action);
  assert(found, `no example of ${event} ${action}`);
  return found;
}

describe("a GitHub webhook's signature", () => {
  const secret = "It's a Secret to Everybody";
  const code = async (header?: string, body = "Hello, World!") => {
    const headers = header === undefined ? {} : { "x-hub-signature-256": header };
    const verdict = await github.verify(
      request(body, headers as Record<string, string>),
      [secret],
    );
    return verdict.ok || verdict.code;
  };
  const right = `sha256=${vector("github").sig}`;

  it("is right as GitHub's own documentation has it", async () => {
    assertEquals(await code(right), true);
    assertEquals(await verify(secret, "Hello, World!", right), true);
  });

  it("notices every change of the body, and holds with an old secret beside the new", async () => {
    const signed = request("Hello, World!", { "x-hub-signature-256": right });
    await assertTamperProof(github, signed, secret);
  });

  it("is refused with a reason when it is missing, malformed or wrong", async () => {
    assertEquals(await code(), "signature_missing");
    assertEquals(await code(""), "signature_missing");
    for (
      const header of [
        "sha256=",
        right.slice(0, -1),
        `${right}0`,
        right.toUpperCase(),
        right.replace("sha256", "sha1"),
        `${right}, ${right}`,
        `sha256=${"z".repeat(64)}`,
        vector("github").sig,
      ]
    ) assertEquals(await code(header), "signature_malformed", header);
    assertEquals(await code(`sha256=${"0".repeat(64)}`), "signature_mismatch");
    assertEquals(await code(right, "Hello, World?"), "signature_mismatch");
  });

  it("of the old kind, SHA-1 alone, is not enough", async () => {
    const verdict = await github.verify(
      request("x", { "x-hub-signature": "sha1=0000" }),
      [secret],
    );
    assertEquals(verdict.ok, false);
  });

  it("never says in a refusal what would have been right", async () => {
    const verdict = await github.verify(
      request("Hello, World!", {
        "x-hub-signature-256": `sha256=${"0".repeat(64)}`,
      }),
      [secret],
    );
    assert(!JSON.stringify(verdict).includes(vector("github").sig));
    assert(!JSON.stringify(verdict).includes(secret));
  });

  it("on each sample is what octokit makes, and octokit takes ours", async () => {
    for (const sample of github.samples) {
      const signed = await signedSample(github, sample, "s3cret");
      const header = signed.headers.get("x-hub-signature-256")!;
      assertEquals(header, await sign("s3cret", sample.body));
      assertEquals(await verify("s3cret", sample.body, header), true);
      assertEquals(await github.verify(signed, ["s3cret"]), { ok: true });
    }
  });
});

describe("a GitHub delivery's id", () => {
  const id = (value: string) => github.deliveryId(request("{}", { "x-github-delivery": value }));

  it("is the header's, unless that is blank or absurd", () => {
    assertEquals(id("72d3162e-cc78-11e3"), "72d3162e-cc78-11e3");
    assertEquals(id(" "), undefined);
    assertEquals(id("x".repeat(1_001)), undefined);
    assertEquals(github.deliveryId(request("{}")), undefined);
  });
});

describe("a GitHub event's description", () => {
  const sender = { login: "octocat" };
  const repository = { full_name: "octo/repo" };
  const description = (payload: unknown, event?: string) =>
    (event ? named(event, payload) : github.describe(payload)).description;
  const opened = {
    action: "opened",
    pull_request: { title: "Fix it" },
    sender,
    repository,
  };

  it("has the fixed wording for an opened pull request", () => {
    const wording = "Process GitHub pull request opened by octocat in octo/repo: Fix it";
    assertEquals(description(opened), wording);
    assertEquals(description(opened, "pull_request"), wording);
  });

  it("has the fixed wording for a push, one commit or many", () => {
    const push = {
      ref: "refs/heads/main",
      before: "a",
      after: "b",
      sender,
      repository,
    };
    const wording = "Process GitHub push by octocat to octo/repo";
    assertEquals(
      description({ ...push, commits: [{}, {}, {}] }),
      `${wording} (3 commits)`,
    );
    assertEquals(
      description({ ...push, commits: [{}] }),
      `${wording} (1 commits)`,
    );
    assertEquals(
      description({ ...push, commits: [] }, "push"),
      `${wording} (0 commits)`,
    );
    assertEquals(description(push), wording);
    assertEquals(description({ ...push, commits: "three" }), wording);
  });

  it("has the fixed wording for anything else, by its action or else its name", () => {
    const closed = { ...opened, action: "closed" };
    const wording = "Process GitHub closed event by octocat in repository octo/repo";
    assertEquals(description(closed), wording);
    assertEquals(
      description({ sender, repository }, "public"),
      "Process GitHub public event by octocat in repository octo/repo",
    );
    assertEquals(
      description({ sender, repository }),
      "Process GitHub event by octocat in repository octo/repo",
    );
  });

  it("leaves out what is missing, with its joining word", () => {
    assertEquals(
      description({ action: "opened", pull_request: {} }),
      "Process GitHub pull request opened",
    );
    assertEquals(
      description({ ...opened, sender: undefined }),
      "Process GitHub pull request opened in octo/repo: Fix it",
    );
    assertEquals(
      description({ commits: [1, 2, 3], repository }, "push"),
      "Process GitHub push to octo/repo (3 commits)",
    );
    assertEquals(
      description({ action: {}, sender: "x", repository: [] }),
      "Process GitHub event",
    );
    assertEquals(description(null), "Process GitHub event");
    assertEquals(description(null, "public"), "Process GitHub public event");
  });

  it("is of a pull request only when there is one", () => {
    assertEquals(
      description(
        { action: "opened", issue: {}, sender, repository },
        "issues",
      ),
      "Process GitHub opened event by octocat in repository octo/repo",
    );
  });
});

describe("a GitHub event's title", () => {
  const title = (event: string, action?: string) => named(event, example(event, action)).title;

  it("is what a person would say", () => {
    const at = "Codertocat/Hello-World";
    const lines: [event: string, action: string | undefined, line: string][] = [
      [
        "pull_request",
        "opened",
        `Codertocat opened PR #2 "Update the README with new information." in ${at}`,
      ],
      [
        "pull_request",
        "review_requested",
        `Codertocat requested a review of PR #2 "Update the README with new information." from octocat in ${at}`,
      ],
      [
        "pull_request_review",
        "submitted",
        `Codertocat reviewed PR #2 "Update the README with new information." in ${at}`,
      ],
      [
        "issues",
        "labeled",
        `Codertocat labeled issue #1 "Spelling error in the README file" with "bug" in ${at}`,
      ],
      [
        "issue_comment",
        "created",
        `Codertocat commented on issue #1 "Spelling error in the README file" in ${at}`,
      ],
      [
        "commit_comment",
        "created",
        `Codertocat commented on commit 6113728 in ${at}`,
      ],
      ["release", "published", `Codertocat published release 0.0.1 in ${at}`],
      [
        "workflow_run",
        "completed",
        'Workflow "Manually triggered workflow" completed on main in Codertocat/Hello-World',
      ],
      [
        "check_run",
        "completed",
        `Check "Octocoders-linter" completed: failure on changes in ${at}`,
      ],
      ["create", undefined, `Codertocat created tag simple-tag in ${at}`],
      ["delete", undefined, `Codertocat deleted tag simple-tag in ${at}`],
      ["fork", undefined, `Octocoders forked ${at} to Octocoders/Hello-World`],
      ["star", "deleted", `Codertocat unstarred ${at}`],
      ["watch", "started", `Codertocat started watching ${at}`],
      [
        "deployment_status",
        "created",
        `Deployment to production is success in ${at}`,
      ],
      ["member", "edited", `Codertocat edited member "octocat" in ${at}`],
      [
        "team",
        "added_to_repository",
        'GitHub team "github" added to repository in Octocoders/Hello-World by Codertocat',
      ],
      [
        "installation",
        "suspend",
        'Codertocat suspended app installation on "Codertocat"',
      ],
      [
        "organization",
        "member_added",
        "Organization member added hacktocat in Octocoders by Codertocat",
      ],
      ["status", undefined, `Status default is success for 6113728 in ${at}`],
      [
        "gollum",
        undefined,
        'rachmari edited wiki page "Home" in Codertocat/Hello-World',
      ],
      [
        "ping",
        undefined,
        'Ping from GitHub in Octocoders/Hello-World "Anything added dilutes everything else."',
      ],
      [
        "dependabot_alert",
        "created",
        'Dependabot alert created in wolfy1339/pika-pack: semver "semver vulnerable to Regular Expression Denial of Service"',
      ],
      [
        "repository_vulnerability_alert",
        "dismiss",
        `Vulnerability alert dismissed in ${at}: many_versioned_gem`,
      ],
      [
        "projects_v2_item",
        "archived",
        "Codertocat archived project item (Issue) in Octocoders",
      ],
    ];
    for (const [event, action, line] of lines) {
      assertEquals(title(event, action), line);
    }
  });

  it("tells what kind of push it was", () => {
    const push = (payload: Record<string, unknown>) =>
      named("push", {
        ref: "refs/heads/main",
        pusher: { name: "ada" },
        repository: { full_name: "octo/repo" },
        head_commit: null,
        ...payload,
      }).title;
    const commits = [{ message: "One" }, { message: "Two\n\nwhy" }];
    assertEquals(
      push({ commits }),
      "ada pushed 2 commits to main in octo/repo: Two",
    );
    assertEquals(
      push({ commits, forced: true }),
      "ada force-pushed 2 commits to main in octo/repo: Two",
    );
    assertEquals(
      push({ commits: [], deleted: true }),
      "ada deleted branch main in octo/repo",
    );
    assertEquals(
      push({ commits: [], created: true }),
      "ada created branch main in octo/repo",
    );
    assertEquals(push({}), "ada pushed to main in octo/repo");
    assertEquals(named("push", {}).title, "Someone pushed");
  });

  it("names events it has never heard of", () => {
    const repository = { full_name: "octo/repo" };
    assertEquals(
      named("solar_eclipse", { repository }).title,
      "GitHub solar eclipse in octo/repo",
    );
    assertEquals(
      named("solar_eclipse", { action: "began" }).title,
      "GitHub solar eclipse began",
    );
    assertEquals(
      named("__proto__", { action: "created" }).title,
      "GitHub proto created",
    );
    assertEquals(
      github.describe({ repository }).title,
      "GitHub event in octo/repo",
    );
    assertEquals(github.describe(null).title, "GitHub event");
  });

  it("tells a merge from a close", () => {
    const closed = example("pull_request", "closed");
    const merged = {
      ...closed,
      pull_request: { number: 2, title: "T", merged: true },
    };
    assertEquals(
      named("pull_request", merged).title,
      'Codertocat merged PR #2 "T" in Codertocat/Hello-World',
    );
    const unmerged = {
      ...closed,
      pull_request: { number: 2, title: "T", merged: false },
    };
    assertEquals(
      named("pull_request", unmerged).title,
      'Codertocat closed PR #2 "T" in Codertocat/Hello-World',
    );
  });
});

describe("every payload that GitHub's community published", () => {
  const all = published.flatMap(({ name, examples }) =>
    examples.map((payload) => ({ name, payload }))
  );

  it("is there", () => assertEquals(all.length, 329));

  it("is described, with its header and without", () => {
    for (const { name, payload } of all) {
      assertDescription(named(name, payload));
      assertDescription(github.describe(payload));
      assertEquals(named(name, payload).event?.split(".")[0], name);
    }
  });

  it("is never mistaken for another event when the header is missing", () => {
    const mistaken = all
      .map(({ name, payload }) => ({ name, guessed: eventOf(payload) }))
      .filter(({ name, guessed }) => guessed !== undefined && guessed !== name);
    assertEquals(mistaken, []);
  });

  it("has a link, unless it is about nothing with a page", () => {
    const without = new Set(
      all.filter(({ name, payload }) => !named(name, payload).link).map((
        { name },
      ) => name),
    );
    assertEquals([...without].sort(), [
      "github_app_authorization",
      "marketplace_purchase",
      "membership",
      "org_block",
      "organization",
      "ping",
      "projects_v2_item",
      "sponsorship",
    ]);
  });
});

describe("the digest of a GitHub event", () => {
  it("has a pull request's facts and whole text", () => {
    const [sample] = github.samples;
    const { fields, text, link, actor, event } = described(
      github,
      request(sample.body, sample.headers),
    );
    assertEquals({ fields, text, link, actor, event }, {
      event: "pull_request.opened",
      actor: "ada",
      link: "https://github.com/octo/phone/pull/7",
      text: "The greeting is read from the settings.\n\nPlease check the wording.",
      fields: {
        event: "pull_request",
        repository: "octo/phone",
        number: "7",
        branch: "greeting into main",
        author: "ada",
        labels: "enhancement",
        changes: "+12 −3 in 2 files",
        state: "open",
      },
    });
  });

  it("has the messages of all commits", () => {
    const push = named("push", {
      commits: [
        {
          id: "1234567890",
          message: "One\n\nwhy",
          author: { username: "ada" },
        },
        { id: "abcdefabcdef", message: "Two" },
      ],
    });
    assertEquals(push.text, "1234567 One\n\nwhy (ada)\nabcdefa Two");
  });
});

describe("whatever is sent to GitHub's webhook", () => {
  it("is taken calmly", async () => {
    await assertCalm(
      github,
      hostileRequests([
        "x-github-event",
        "x-github-delivery",
        "x-hub-signature-256",
      ], [
        "action",
        "sender",
        "login",
        "repository",
        "full_name",
        "pull_request",
        "issue",
        "comment",
        "commits",
        "head_commit",
        "message",
        "title",
        "ref",
        "before",
        "after",
        "pages",
        "labels",
        "html_url",
        "zen",
        "review",
        "payload",
      ]),
    );
  });
});
