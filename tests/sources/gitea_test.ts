import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { createHmac } from "node:crypto";
import * as gitea from "../../sources/gitea.ts";
import { readQuery } from "../../sources/kit/query.ts";
import { described, form, request } from "./request.ts";

const BODY = `{"ref":"refs/heads/main","commits":[]}`;
const hex = (text: string) => createHmac("sha256", "secret").update(text).digest("hex");

async function code(incoming: ReturnType<typeof request>) {
  const verdict = await gitea.verify(incoming, ["secret"]);
  return verdict.ok || verdict.code;
}

describe("Gitea's signature", () => {
  it("stands in a header of Gitea's, Forgejo's or Gogs's", async () => {
    for (const name of ["gitea", "forgejo", "gogs"]) {
      const header = `x-${name}-signature`;
      assertEquals(await code(request(BODY, { [header]: hex(BODY) })), true, name);
      assertEquals(await code(request(`${BODY} `, { [header]: hex(BODY) })), "signature_mismatch");
      assertEquals(await code(request(BODY, { [header]: "" })), "signature_missing");
    }
  });

  it("is of Gitea's header alone, where that is there", async () => {
    const headers = { "x-gitea-signature": hex("other"), "x-gogs-signature": hex(BODY) };
    assertEquals(await code(request(BODY, headers)), "signature_mismatch");
  });

  it("of a form is of the JSON in it, and so is that of a query", async () => {
    const headers = { "x-gitea-signature": hex(BODY), "x-gitea-event": "push" };
    assertEquals(await code(form({ payload: BODY }, headers)), true);
    assertEquals(await code(form({ payload: `${BODY} ` }, headers)), "signature_mismatch");
    assertEquals(described(gitea, form({ payload: BODY }, headers)).event, "push");
    const url = `https://otto.example.com/webhook/gitea?${new URLSearchParams({ payload: BODY })}`;
    const asked = readQuery({}, request("", headers, { method: "GET", url }));
    assertEquals(await code(asked), true);
    assertEquals(described(gitea, asked).event, "push");
  });
});

describe("Gitea's form", () => {
  const headers = {
    "x-gitea-signature": hex(BODY),
    "content-type": "application/x-www-form-urlencoded",
  };

  it("is proven by its payload only where it says nothing else", async () => {
    const payload = `payload=${encodeURIComponent(BODY)}`;
    assertEquals(await code(request(payload, headers)), true);
    for (
      const other of [
        `{"ref":"&${payload}&b=","ref":"refs/heads/evil"}`,
        ` [{"a":"&${payload}"}]`,
        `${payload}&action=opened`,
        `action=opened&${payload}`,
        `${payload}&payload=%7B%7D`,
        `payload=%7B%7D&${payload}`,
      ]
    ) assertEquals(await code(request(other, headers)), "signature_mismatch", other);
  });

  it("is proven by what its payload says in the charset that it is read in", async () => {
    const text = `{"ref":"\u00e9\u00e8"}`;
    const signature = { "x-gitea-signature": hex(text) };
    const type = "application/x-www-form-urlencoded; charset=";
    const body = `payload=${encodeURIComponent(text)}`;
    const said = (charset: string) =>
      request(body, { ...signature, "content-type": type + charset });
    assertEquals(await code(said("utf-8")), true);
    assertEquals(await code(said("utf-16le")), "signature_mismatch");
  });
});

describe("Gitea's delivery", () => {
  it("has the same id at every attempt, and the same content when it is sent again by hand", () => {
    for (const name of ["gitea", "forgejo", "gogs"]) {
      assertEquals(gitea.deliveryId(request(BODY, { [`x-${name}-delivery`]: "1" })), "1");
    }
    assertEquals(gitea.deliveryId(request(BODY)), undefined);
    assertEquals(gitea.signedContentKeys(request(BODY)), [new TextEncoder().encode(BODY)]);
  });
});

describe("Gitea's events", () => {
  const repository = { full_name: "octo/phone", html_url: "https://git.example.com/octo/phone" };
  const sender = { login: "ada" };
  const issue = { number: 8, title: "It drops", html_url: "https://git.example.com/octo/phone/8" };
  const pull = { ...issue, number: 7, title: "Greeting" };

  it("are told by who did what to which", () => {
    for (
      const [event, title, payload] of [
        ["push", "ada pushed 30 commits to main in octo/phone: Greet callers", {
          ref: "refs/heads/main",
          after: "b2",
          total_commits: 30,
          commits: [{ id: "a1", message: "Old" }, { id: "b2", message: "Greet callers\n\nAll." }],
        }],
        ["push", "ada pushed to v1 in octo/phone", { ref: "refs/tags/v1", commits: [] }],
        ["create", "ada created branch greeting in octo/phone", {
          ref: "greeting",
          ref_type: "branch",
        }],
        ["delete", "ada deleted tag v1 in octo/phone", { ref: "v1", ref_type: "tag" }],
        ["fork", "ada forked grace/phone to octo/phone", { forkee: { full_name: "grace/phone" } }],
        ["issues", `ada opened issue #8 "It drops" in octo/phone`, { action: "opened", issue }],
        ["issues", `ada changed the labels of issue #8 "It drops" in octo/phone`, {
          action: "label_updated",
          issue,
        }],
        ["issues", `ada assigned issue #8 "It drops" to grace in octo/phone`, {
          action: "assigned",
          issue: { ...issue, assignee: { login: "grace" } },
        }],
        ["issue_comment", `ada commented on issue #8 "It drops" in octo/phone: Still`, {
          action: "created",
          issue,
          comment: { body: "Still" },
        }],
        ["issue_comment", `ada commented on PR #7 "Greeting" in octo/phone: Nice`, {
          action: "created",
          is_pull: true,
          issue: pull,
          comment: { body: "Nice" },
        }],
        ["pull_request", `ada merged PR #7 "Greeting" in octo/phone`, {
          action: "closed",
          pull_request: { ...pull, merged: true },
        }],
        ["pull_request", `ada closed PR #7 "Greeting" in octo/phone`, {
          action: "closed",
          pull_request: { ...pull, merged: false },
        }],
        ["pull_request_approved", `ada approved PR #7 "Greeting" in octo/phone: Fine`, {
          action: "reviewed",
          pull_request: pull,
          review: { type: "pull_request_review_approved", content: "Fine" },
        }],
        ["pull_request_rejected", `ada asked for changes in PR #7 "Greeting" in octo/phone`, {
          action: "reviewed",
          pull_request: pull,
          review: { type: "pull_request_review_rejected" },
        }],
        ["release", `ada published release "v1" in octo/phone`, {
          action: "published",
          release: { tag_name: "v1" },
        }],
        ["workflow_run", `Workflow "CI" failure on main in octo/phone`, {
          action: "completed",
          workflow_run: { display_title: "CI", conclusion: "failure", head_branch: "main" },
        }],
        ["repository", "ada created repository octo/phone", { action: "created" }],
        ["wiki", `ada created wiki "Home" in octo/phone`, { action: "created", page: "Home" }],
      ] as const
    ) {
      const headers = new Headers({ "x-gitea-event": event });
      const told = gitea.describe({ ...payload, repository, sender }, { headers });
      assertEquals(told.title, title);
      assertEquals(told.actor, "ada");
    }
  });

  it("are known by their shape where the header is missing", () => {
    const told = gitea.describe({ action: "opened", issue, repository, sender });
    assertEquals(told.event, "issues.opened");
    assertEquals(told.link, issue.html_url);
    assertEquals(gitea.describe({ secret: "x" }).title, "Gitea webhook");
  });
});
