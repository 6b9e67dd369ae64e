import { assertEquals, assertNotEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { createHmac } from "node:crypto";
import * as buildkite from "../../sources/buildkite.ts";
import { NOBODY, NOW, request } from "./request.ts";

const signatureOf = (body: string, seconds = NOW / 1000) => {
  const hex = createHmac("sha256", "token").update(`${seconds}.${body}`).digest("hex");
  return { "x-buildkite-signature": `timestamp=${seconds},signature=${hex}` };
};

async function code(headers: Record<string, string>, body = "{}") {
  const verdict = await buildkite.verify(request(body, headers), ["token"]);
  return verdict.ok || verdict.code;
}

describe("Buildkite's token", () => {
  it("signs the time and the body, or is sent as it is", async () => {
    assertEquals(await code(signatureOf("{}")), true);
    assertEquals(await code(signatureOf("{}"), "{ }"), "signature_mismatch");
    assertEquals(await code(signatureOf("{}", NOW / 1000 - 301)), "timestamp_outside_window");
    assertEquals(await code({ "x-buildkite-token": "token" }), true);
    assertEquals(await code({ "x-buildkite-token": "other" }), "signature_mismatch");
    const both = { ...signatureOf("[]"), "x-buildkite-token": "token" };
    assertEquals(await code(both), "signature_mismatch");
    assertEquals(await code({}), "signature_missing");
  });
});

describe("Buildkite's events", () => {
  const build = { number: 42, state: "passed", branch: "main", message: "Greet\n\nAll." };

  it("are told by what ended how", () => {
    for (
      const [title, payload] of [
        ["Build #42 passed on main in Phone by Ada: Greet", {
          event: "build.finished",
          build: { ...build, creator: { name: "Ada" } },
        }],
        ["Build #42 blocked on main in Phone: Greet", {
          event: "build.finished",
          build: { ...build, blocked: true },
        }],
        [`Job "Tests" failed of build #42 in Phone`, {
          event: "job.finished",
          build,
          job: { name: "Tests", state: "failed" },
        }],
      ] as const
    ) assertEquals(buildkite.describe({ ...payload, pipeline: { name: "Phone" } }).title, title);
    const agent = { event: "agent.lost", agent: { name: "mac-1" } };
    assertEquals(buildkite.describe(agent).title, `Buildkite agent lost "mac-1"`);
  });

  it("that only ask whether the URL works are none", () => {
    const ping = request("{}", { "x-buildkite-event": "ping" });
    assertEquals(buildkite.probe(ping, NOBODY), { status: 200 });
    assertEquals(buildkite.handshake(ping), { status: 200 });
    assertEquals(buildkite.handshake(request("{}", { "x-buildkite-event": "x" })), undefined);
  });

  it("have an id for as long as they say the same", () => {
    const idOf = (body: string) =>
      buildkite.deliveryId(request(body, { "x-buildkite-request": "1" }));
    assertEquals(idOf("{}"), idOf("{}"));
    assertNotEquals(idOf("{}"), idOf("[]"));
    assertEquals(buildkite.signedContentKeys(request("{}", { "x-buildkite-token": "token" })), []);
    assertEquals(buildkite.signedContentKeys(request("{}", signatureOf("{}"))).length, 1);
  });
});
