import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { readAgentSettings } from "../../lib/agent/settings.ts";
import { readConfig } from "../../lib/config/config.ts";
import type { Check } from "../../lib/monitor/check.ts";
import { checkReplies } from "../../lib/monitor/reply_checks.ts";
import { startFakeSlack } from "../fakes/slack.ts";
import { GITHUB_READING_TOKEN, GITHUB_TOKEN } from "../fakes/vendors/github.ts";
import { GITLAB_READING_TOKEN } from "../fakes/vendors/gitlab.ts";
import { ACCOUNT } from "../fakes/vendors/twilio.ts";
import { startVendors } from "../fakes/vendors/vendors.ts";
import { freePort } from "../servers/mod.ts";
import { vendorEnv } from "./stage.ts";

/** What the doctor says of each vendor's credentials. */
async function examine(
  env: Record<string, string>,
  run: (checks: Record<string, Check>) => void,
  { scopes = "chat:write,channels:history" } = {},
): Promise<void> {
  await using vendors = await startVendors();
  await using slack = await startFakeSlack({ scopes });
  const all = { ...vendorEnv({ vendors: vendors.url, slack: slack.url }), ...env };
  const checks = await checkReplies(readConfig({ OTTO_DATA_DIR: ":memory:", ...all }));
  for (const { detail, hint = "" } of checks) {
    for (const secret of ["canary-4711", "secret-4711", "ABCDEFGH"]) {
      assert(!`${detail}${hint}`.includes(secret), `${detail}${hint}`);
    }
  }
  assertEquals([vendors.said, slack.posts], [[], []]);
  assertEquals(vendors.calls.filter(({ method }) => method !== "GET"), []);
  run(Object.fromEntries(checks.map((check) => [check.name.replace("replies to ", ""), check])));
}

describe("the doctor tries the credentials for replies", () => {
  it("without any effect, and says whose they are; a Standard key of Twilio's will do", () =>
    examine({}, (checks) => {
      assertEquals(Object.values(checks).map(({ status }) => status), Array(5).fill("ok"));
      assertMatch(checks.GitHub.detail, /^as otto-bot, at 127\.0\.0\.1/);
      assertMatch(checks.GitHub.hint!, /AGENT_ACCOUNTS=otto-bot/);
      assertMatch(checks.GitLab.detail, /^as otto, /);
      assertMatch(checks.Telegram.detail, /^as ottobot, /);
      assertMatch(checks.Twilio.detail, new RegExp(`^as ${ACCOUNT}, `));
    }));

  it("and says which are wrong, in the vendor's words, and what to set", () =>
    examine({
      REPLY_TOKEN_GITHUB: "wrong",
      REPLY_TOKEN_GITLAB: "wrong",
      REPLY_TOKEN_TELEGRAM: "1:AAAAAAAAAAAAAAAAAAAAAAAA",
      TWILIO_API_SECRET: "wrong",
      SLACK_BOT_TOKEN: "xoxb-wrong",
    }, ({ GitHub, GitLab, Telegram, Twilio, Slack }) => {
      const said = [GitHub, GitLab, Telegram, Twilio, Slack].map(({ status, detail, hint }) => [
        status,
        detail,
        hint,
      ]);
      const set = (names: string) => `Set ${names} to what the vendor shows`;
      assertEquals(said, [
        ["failed", "answered 401: Bad credentials", set("REPLY_TOKEN_GITHUB")],
        ["failed", "answered 401: 401 Unauthorized", set("REPLY_TOKEN_GITLAB")],
        ["failed", "answered 401: Unauthorized", set("REPLY_TOKEN_TELEGRAM")],
        [
          "failed",
          "answered 401: Authenticate (error 20003)",
          set("TWILIO_API_SECRET, TWILIO_API_KEY, TWILIO_ACCOUNT_SID"),
        ],
        ["failed", "answered 200: invalid_auth", set("SLACK_BOT_TOKEN")],
      ]);
    }));

  it("and says which may only read, and what they lack", () =>
    examine(
      { REPLY_TOKEN_GITHUB: GITHUB_READING_TOKEN, REPLY_TOKEN_GITLAB: GITLAB_READING_TOKEN },
      ({ GitHub, GitLab, Slack }) => {
        for (const { status, detail } of [GitHub, GitLab, Slack]) {
          assertEquals(status, "failed");
          assertMatch(detail, /takes the token and lets it write nothing: its scopes are /);
        }
        assertMatch(GitHub.hint!, /REPLY_TOKEN_GITHUB the scope repo or public_repo/);
        assertMatch(GitLab.detail, /read_api$/);
        assertMatch(GitLab.hint!, /the scope api$/);
        assertMatch(Slack.hint!, /the scope chat:write$/);
      },
      { scopes: "channels:history" },
    ));

  it("and says who cannot be reached, as something that may pass", async () => {
    const nobody = `http://127.0.0.1:${await freePort()}`;
    await examine({ GITHUB_API_URL: nobody }, ({ GitHub }) => {
      assertEquals([GitHub.status, GitHub.hint], ["degraded", undefined]);
      assertMatch(GitHub.detail, /cannot be reached/);
    });
  });

  it("and says where the agent may answer and cannot, or could and may not", async () => {
    await using vendors = await startVendors();
    const config = readConfig({
      OTTO_DATA_DIR: ":memory:",
      REPLY_TOKEN_GITHUB: GITHUB_TOKEN,
      GITHUB_API_URL: vendors.url,
    });
    const file = await Deno.makeTempFile({ suffix: ".json" });
    await Deno.writeTextFile(file, '{"sources": {"gitlab": {"tools": ["reply"]}}}');
    const checks = await checkReplies(config, readAgentSettings(file));
    await Deno.remove(file);
    assertEquals(checks.map(({ name, status }) => [name, status]), [
      ["replies to GitHub", "ok"],
      ["replies to GitLab", "degraded"],
    ]);
    assertMatch(checks[0].detail, /off until AGENT_CONFIG lists reply/);
    assertEquals(checks[1].hint, "Set REPLY_TOKEN_GITLAB");
  });
});
