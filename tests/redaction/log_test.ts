import { assertEquals, assertStringIncludes } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { createLog } from "../../lib/process/log.ts";
import { createRedactor } from "../../lib/redaction/redact.ts";

describe("the log", () => {
  it("tells no secret that a failure's own words repeat", () => {
    for (const readable of [true, false]) {
      const lines: string[] = [];
      const redact = createRedactor(() => ["hunter2-canary"]);
      const log = createLog("info", { readable, redact, write: (line) => lines.push(line) });
      const cause = new Error("Authorization: Basic b3R0bzpodW50ZXIyLWNhbmFyeQ==");
      log.warn("mcp.tool_off", { tool: "desk__search", reason: "401 for hunter2-canary" });
      log.error("drain.failed", { error: new Error("answered 401", { cause }) });
      assertEquals(lines.filter((line) => /hunter2|podW50/.test(line)), []);
      assertStringIncludes(lines[0], "401 for •••");
    }
  });
});
