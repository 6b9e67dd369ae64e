import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { describeStart } from "../../lib/config/start.ts";
import { ConfigError, readConfig, secretsOf } from "../../lib/config/config.ts";
import { secretsIn } from "../../lib/config/secrets_in.ts";
import { refuseUnreadSecrets } from "../../lib/config/start.ts";
import { SETTING_NAMES } from "../../lib/config/settings.ts";
import { sources } from "../../sources/mod.ts";

const refusal = (env: Record<string, string>) =>
  assertThrows(() => readConfig(env), ConfigError).message;

describe("the settings", () => {
  it("need none", () => {
    const config = readConfig({});
    assertEquals([config.host, config.port, config.dataDir], ["127.0.0.1", 8000, "./.otto"]);
    assert(config.worksInline);
  });

  it("take an empty value for unset", () => {
    assertEquals(readConfig({ DATABASE_URL: "", SLACK_SIGNING_SECRET: " " }).secrets.size, 0);
  });

  it("let main.ts work by itself only without a database, or when asked", () => {
    const DATABASE_URL = "postgres://localhost/otto";
    assert(!readConfig({ DATABASE_URL }).worksInline);
    assert(readConfig({ DATABASE_URL, WORKER: "inline" }).worksInline);
  });

  it("name every secret among them, for whatever is written or sent to be freed of", () => {
    const named = SETTING_NAMES.filter((name) => /TOKEN|SECRET|_KEY$|PASSWORD/.test(name))
      // It names a file.
      .filter((name) => name !== "SECRETS_FILE");
    assert(named.length > 6, String(named));
    const env: Record<string, string> = {
      ...Object.fromEntries(named.map((name) => [name, `canary-of-${name.toLowerCase()}`])),
      // These have a shape, which is checked.
      REPLY_TOKEN_TELEGRAM: `110201543:canary${"A".repeat(29)}`,
      TWILIO_API_KEY: `SK${"c".repeat(32)}`,
    };
    const passwords = {
      DATABASE_URL: "postgres://otto:canary-of-postgres@localhost/otto",
      REDIS_URL: "redis://:canary-of-redis@localhost",
    };
    const found = secretsIn(
      readConfig({ ...env, TWILIO_ACCOUNT_SID: `AC${"a".repeat(32)}`, ...passwords }),
    );
    for (const secret of [...Object.values(env), "canary-of-postgres", "canary-of-redis"]) {
      assert(found.includes(secret), secret);
    }
  });

  it("refuse what cannot work, saying what to set", () => {
    assertStringIncludes(refusal({ REDIS_URL: "redis://localhost" }), "DATABASE_URL");
    assertStringIncludes(refusal({ DENO_DEPLOY: "1" }), "DATABASE_URL");
    assertStringIncludes(refusal({ AGENT: "external" }), "REDIS_URL");
    assertStringIncludes(refusal({ AGENT: "other" }), '"builtin"');
    assertStringIncludes(refusal({ PORT: "http" }), "PORT must be a port number");
    assertStringIncludes(refusal({ DATABASE_URL: "mysql://x" }), "postgres://");
    assertStringIncludes(refusal({ WORKER: "yes" }), "inline");
    for (const AGENT_TRUST_UNVERIFIED of ["demo acme", "*"]) {
      assertStringIncludes(refusal({ AGENT_TRUST_UNVERIFIED }), '"demo,acme"');
    }
    assertStringIncludes(refusal({ SLACK_UNVERIFIED_TYPES: "demo;acme" }), '"demo,acme", or "*"');
    assertStringIncludes(refusal({ ADMIN_TOKEN: "short" }), "16");
    const same = "the same for both of them";
    assertStringIncludes(refusal({ ADMIN_TOKEN: same, READ_TOKEN: same }), "READ_TOKEN");
    for (
      const url of ["https://x.example/otto", "https://x.example/?a", "https://me:pw@x.example"]
    ) {
      assertStringIncludes(refusal({ PUBLIC_URL: url }), "without path, query or user");
    }
  });

  it("refuse a secret that no source would ever read", () => {
    const refuse = (env: Record<string, string>) => refuseUnreadSecrets(readConfig(env), sources);
    refuse({ WEBHOOK_SECRET_GITHUB: "a secret", STRIPE_WEBHOOK_SECRET: "another" });
    const { message } = assertThrows(
      () => refuse({ WEBHOOK_SECRET_GITHUP: "a secret" }),
      ConfigError,
    );
    assertStringIncludes(message, "WEBHOOK_SECRET_GITHUP");
    assertStringIncludes(message, "Did you mean WEBHOOK_SECRET_GITHUB?");
    assert(!message.includes("a secret"));
  });

  it("keep what nobody vouched for a week on the network, and never longer than all else", () => {
    const days = (env: Record<string, string>) => readConfig(env).unverifiedRetentionDays;
    assertEquals(days({}), 90);
    assertEquals(days({ UNVERIFIED_RETENTION_DAYS: "5" }), 5);
    const reaches: Record<string, string>[] = [
      { HOST: "0.0.0.0" },
      { PUBLIC_URL: "https://otto.example.com" },
      { TRUST_PROXY: "1" },
      { DENO_SERVE_ADDRESS: "tcp:0.0.0.0:80" },
    ];
    for (const reach of reaches) assertEquals(days(reach), 7);
    const HOST = "0.0.0.0";
    assertEquals(days({ HOST, RETENTION_DAYS: "3" }), 3);
    assertEquals(days({ HOST, RETENTION_DAYS: "30", UNVERIFIED_RETENTION_DAYS: "60" }), 30);
  });

  it("take PUBLIC_URL with or without its last slash", () => {
    assertEquals(readConfig({ PUBLIC_URL: "https://X.example/" }).publicUrl, "https://x.example");
  });

  it("never show the value of a setting that is wrong", () => {
    assert(!refusal({ ADMIN_TOKEN: "hunter2" }).includes("hunter2"));
    assert(!refusal({ DATABASE_URL: "hunter2" }).includes("hunter2"));
  });

  it("take several secrets, from the vendor's variable and from our own", () => {
    const config = readConfig({
      STRIPE_WEBHOOK_SECRET: "whsec_new, whsec_old",
      WEBHOOK_SECRET_STRIPE: "whsec_third",
    });
    assertEquals(secretsOf(config, "stripe", "STRIPE_WEBHOOK_SECRET"), [
      "whsec_new",
      "whsec_old",
      "whsec_third",
    ]);
    assertEquals(secretsOf(config, "github", "GITHUB_WEBHOOK_SECRET"), []);
  });
});

describe("the model's settings", () => {
  const modelOf = (env: Record<string, string>) => {
    const { provider, model, baseUrl } = readConfig(env).model ?? {};
    return [provider, model, baseUrl];
  };
  const openai = { OPENAI_API_KEY: "sk-1" };
  const anthropic = { ANTHROPIC_API_KEY: "sk-2" };
  const ollama = { USE_OLLAMA: "true" };
  const gemini = { USE_GEMINI: "true", GOOGLE_API_KEY: "AI-3" };

  it("choose none without any, and the first of Gemini, Ollama, OpenAI, Anthropic else", () => {
    assertEquals(readConfig({}).model, undefined);
    assertEquals(readConfig({ GOOGLE_API_KEY: "AI-3", OPENAI_MODEL: "x" }).model, undefined);
    assertEquals(modelOf(anthropic), [
      "anthropic",
      "claude-sonnet-5-5",
      "https://api.anthropic.com/v1",
    ]);
    const all = { ...anthropic, ...openai };
    assertEquals(modelOf(all), ["openai", "gpt-5-mini", "https://api.openai.com/v1"]);
    assertEquals(modelOf({ ...all, ...ollama }), [
      "ollama",
      "gpt-oss:latest",
      "http://localhost:11434/v1",
    ]);
    assertEquals(modelOf({ ...all, ...ollama, ...gemini }), [
      "gemini",
      "gemini-3.1-pro-preview-customtools",
      "https://generativelanguage.googleapis.com/v1beta",
    ]);
    assertEquals(modelOf({ OPEN_AI_BASE: "http://localhost:1234/v1/", OPENAI_MODEL: "local" }), [
      "openai",
      "local",
      "http://localhost:1234/v1",
    ]);
  });

  it("take an address as it was copied", () => {
    const baseOf = (OPEN_AI_BASE: string) => {
      const { baseUrl, query, keyHeader } = readConfig({
        ...openai,
        OPEN_AI_BASE,
        OPENAI_MODEL: "mine",
      }).model!;
      return [baseUrl, query?.["api-version"], keyHeader];
    };
    const local = ["http://localhost:1234/v1", undefined, undefined];
    assertEquals(baseOf("http://localhost:1234"), local);
    assertEquals(baseOf("http://localhost:1234/v1/chat/completions"), local);
    assertEquals(baseOf("http://localhost:1234/v1/models/"), local);
    const azure = "https://x.openai.azure.com";
    assertEquals(baseOf(azure), [`${azure}/openai/v1`, undefined, "api-key"]);
    const deployed = [`${azure}/openai/deployments/mine`, "2024-10-21", "api-key"];
    assertEquals(baseOf(`${azure}?api-version=2024-10-21`), deployed);
    const whole = `${azure}/openai/deployments/mine/chat/completions?api-version=2024-10-21`;
    assertEquals(baseOf(whole), deployed);
    const refused = (OPEN_AI_BASE: string) => refusal({ ...openai, OPEN_AI_BASE });
    assertStringIncludes(refused(`${azure}/openai/deployments/mine`), "api-version=2024-10-21");
    assertStringIncludes(refused("http://localhost/v1?key=canary"), "a query");
    assert(!refused("http://localhost/v1?key=canary").includes("canary"));
    assertStringIncludes(refused("http://a:canary@localhost/v1"), "OPENAI_API_KEY");
    const ollamas = modelOf({ ...ollama, OLLAMA_BASE_URL: "http://localhost:11434/api/chat" });
    assertEquals(ollamas[2], "http://localhost:11434/v1");
  });

  it("refuse what cannot work, saying what to set, and no key", () => {
    assertStringIncludes(refusal({ USE_GEMINI: "true", ...openai }), "GOOGLE_API_KEY");
    assertStringIncludes(refusal({ USE_OLLAMA: "perhaps" }), "USE_OLLAMA must be");
    assertStringIncludes(refusal({ OPEN_AI_BASE: "https://api.openai.com/v1" }), "OPENAI_API_KEY");
    assertStringIncludes(refusal({ AGENT_MODE: "observe" }), "OPENAI_API_KEY");
    assertStringIncludes(refusal({ AGENT_MODE: "maybe" }), "off, observe, on");
    for (
      const [prices, words] of [
        ["{", "AGENT_PRICES: it is not JSON"],
        ['{"gpt-5-mini":{"input":1,"output":1}}', "must be a provider"],
        ['{"openai/*":{"input":1,"output":1}}', "one model"],
        ['{"google/gemini-3-pro":{"input":1,"output":1}}', "must be a provider (openai, anthropic"],
        ['{"openai/x":{"input":-1,"output":1}}', "openai/x.input"],
        ['{"openai/x":{"input":"1","output":1}}', "openai/x.input"],
        ['{"openai/x":{"input":1}}', "openai/x.output"],
        ['{"openai/x":{"input":1,"output":1,"currency":"$"}}', "three letters"],
        [
          '{"openai/x":{"input":1,"output":1},"openai/y":{"input":1,"output":1,"currency":"EUR"}}',
          "USD and EUR",
        ],
      ]
    ) assertStringIncludes(refusal({ AGENT_PRICES: prices }), words);
    assert(!refusal({ ...openai, OPEN_AI_BASE: "sk-canary" }).includes("sk-canary"));
  });

  it("are named in the first lines, without the key", async () => {
    const lines = (env: Record<string, string>) =>
      describeStart({ config: readConfig(env), port: 8000, sources: {}, ruled: [] });
    assertStringIncludes(await lines({}), "no model is configured");
    assertStringIncludes(await lines(openai), "gpt-5-mini (OpenAI)");
    assertStringIncludes(await lines({ ...openai, AGENT_MODE: "observe" }), "only observes");
    assertStringIncludes(await lines({ ...openai, AGENT_MODE: "off" }), "AGENT_MODE=off");
    assert(!(await lines(openai)).includes("sk-1"));
  });
});
