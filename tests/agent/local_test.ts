import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { drain } from "../../lib/work/drain.ts";
import { finish, JSON_TYPE, openStage, type Stage } from "./stage.ts";

/** One request. */
interface Case {
  name: string;
  headers?: Record<string, string>;
  from?: string;
}

const TOKEN = "admin-token-canary-4711";

const OTHERS: Case[] = [
  { name: "another machine's address", from: "192.0.2.7" },
  { name: "a container's bridge", from: "172.17.0.1" },
  { name: "a public host name", headers: { host: "abc.ngrok.app" } },
  {
    name: "a tunnel's host and its header",
    headers: {
      host: "abc.ngrok.app",
      "x-forwarded-for": "203.0.113.9",
    },
  },
  { name: "X-Forwarded-For", headers: { "x-forwarded-for": "203.0.113.9" } },
  { name: "X-Forwarded-Server", headers: { "x-forwarded-server": "edge" } },
  { name: "Forwarded", headers: { forwarded: "for=203.0.113.9" } },
  { name: "cloudflared", headers: { "cf-ray": "8f0-FRA" } },
  { name: "Tailscale's funnel", headers: { "tailscale-user-login": "a@example.com" } },
  { name: "an Amazon balancer", headers: { "x-amzn-trace-id": "Root=1-67891233" } },
  {
    name: "a page of another site",
    headers: {
      "content-type": "text/plain",
      origin: "https://evil.example",
    },
  },
  { name: "a page without an origin", headers: { origin: "null" } },
  { name: "a page of another port", headers: { origin: "http://localhost:3000" } },
  { name: "a cross-site fetch", headers: { "sec-fetch-site": "cross-site" } },
  { name: "a same-site fetch", headers: { "sec-fetch-site": "same-site" } },
  { name: "another site's referer", headers: { referer: "https://evil.example/a" } },
];

const NETWORKS: { name: string; env: Record<string, string> }[] = [
  { name: "a bind to the network", env: { HOST: "0.0.0.0", ADMIN_TOKEN: TOKEN } },
  { name: "a public address", env: { PUBLIC_URL: "https://otto.example", ADMIN_TOKEN: TOKEN } },
  { name: "a platform's address", env: { DENO_SERVE_ADDRESS: "tcp:0.0.0.0:8000" } },
];

const HERE: Case[] = [
  { name: "curl on this machine" },
  {
    name: "a form of Otto's own pages",
    headers: {
      origin: "http://localhost:8000",
      referer: "http://localhost:8000/messages",
      "sec-fetch-site": "same-origin",
    },
  },
  { name: "the machine's IPv6 loopback", headers: { host: "[::1]:8000" }, from: "::1" },
];

/** Sends it, works it, and says whether a model was asked. */
async function isAsked({ otto, fake }: Stage, { headers = {}, from }: Case): Promise<boolean> {
  const before = fake.asked.length;
  const answer = await otto.ask("/webhook/demo", {
    method: "POST",
    body: '{"title":"Hello"}',
    headers: { ...JSON_TYPE, ...headers },
    from,
  });
  assertEquals(answer.status, 200, await answer.text());
  await drain(otto.services, { maxMs: 20_000, maxItems: 1 });
  return fake.asked.length > before;
}

async function whoIsAsked(cases: readonly Case[], env?: Record<string, string>): Promise<string[]> {
  await using stage = await openStage({}, env);
  stage.fake.script = [finish("A model has read it.")];
  const asked: string[] = [];
  for (const each of cases) if (await isAsked(stage, each)) asked.push(each.name);
  return asked;
}

describe("a message that nobody vouches for", () => {
  it("reaches no model where its request shows that another may have sent it", async () => {
    assertEquals(await whoIsAsked(OTHERS), []);
  });

  it("is worked by a model when the person at this machine has sent it", async () => {
    assertEquals(await whoIsAsked(HERE), HERE.map(({ name }) => name));
  });

  for (const { name, env } of NETWORKS) {
    it(`reaches no model where the settings speak of ${name}`, async () => {
      assertEquals(await whoIsAsked(HERE, env), []);
    });
  }
});
