import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import type { Agent } from "../../lib/agent/agent.ts";
import { DeadlineError } from "../../lib/async/deadline.ts";
import { isRowError } from "../../lib/store/row_error.ts";
import { AWAY_CODES, isStoreAway } from "../../lib/store/store_away.ts";
import { drain } from "../../lib/work/drain.ts";
import { openOtto } from "../otto.ts";

const coded = (code: string, more = {}) => Object.assign(new Error("said so"), { code, ...more });

describe("the table of what says that the store is away", () => {
  it("has what fail-overs, full servers, poolers and lost connections answer", () => {
    const answers = [
      ...["08000", "08003", "08006", "08P01", "53100", "53200", "53300", "57014", "57P01"],
      ...["57P02", "57P03", "57P05", "58030", "25006", "40001", "40P01", "55P03", "26000"],
      ...["42P01", "28P01", "3D000", "XX000", "CONNECTION_CLOSED", "CONNECTION_DESTROYED"],
      ...["CONNECT_TIMEOUT", "ECONNREFUSED", "ECONNRESET", "ENOTFOUND", "EHOSTUNREACH", "EPIPE"],
    ];
    assertEquals(answers.filter((code) => !isStoreAway(coded(code))), []);
    assert(isStoreAway(new DeadlineError("no answer")));
    assert(isStoreAway(coded("0A000", { routine: "RevalidateCachedQuery" })));
    assert(isStoreAway(new TypeError("Cannot read properties of null (reading 'write')")));
  });

  it("has nothing that a value, a statement or another server is to blame for", () => {
    const answers = ["22001", "22P05", "23505", "23514", "54000", "42601", "42703", "0A000"];
    assertEquals(answers.filter((code) => isStoreAway(coded(code))), []);
    const others = [new Error("no"), coded(""), coded("http_503"), { code: "25006" }, undefined];
    assertEquals(others.filter((error) => isStoreAway(error)), []);
  });

  it("blames no row for what it says of the store", () => {
    const codes = AWAY_CODES.flatMap(({ codes }) => codes).map((code) => code.padEnd(5, "0"));
    assertEquals(codes.filter((code) => isRowError(coded(code))), []);
  });

  it("puts a task off whose agent met one of them, and fails it for anything else", async () => {
    let thrown: Error = new Error("none yet");
    const agent: Agent = { name: "unlucky", run: () => Promise.reject(thrown) };
    await using otto = await openOtto({}, { agent });
    const statuses: [string, string][] = [];
    for (const code of ["25006", "40001", "40P01", "55P03", "57014", "58030", "53300", "42601"]) {
      thrown = coded(code);
      const message = await otto.send("test", JSON.stringify({ code }));
      await drain(otto.services, { maxMs: 10_000, maxItems: 1 });
      const { task_id } = await otto.get(`/api/messages/${message}`);
      const { status } = await otto.get(`/api/tasks/${task_id}`);
      statuses.push([code, status]);
    }
    assertEquals(statuses.pop(), ["42601", "failed"]);
    assertEquals(statuses.filter(([, status]) => status !== "pending"), []);
  });
});
