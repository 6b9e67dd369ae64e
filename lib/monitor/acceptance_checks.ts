import type { Acceptance } from "../message/acceptance.ts";
import type { Spill } from "../message/spill/spill.ts";
import type { Check } from "./check.ts";

/** Whether messages are taken: what all the other checks are about. */
export function checkInbox({ takes, into, why }: Acceptance): Check {
  const name = "inbox";
  if (takes === "none") {
    return {
      name,
      status: "failed",
      detail: `refuses messages: ${why}`,
      hint: "Senders get 503 and try again; Otto takes messages again by itself",
    };
  }
  if (takes === "some") {
    return { name, status: "degraded", detail: `refused some of the last messages: ${why}` };
  }
  return into === "spill"
    ? { name, status: "degraded", detail: `messages go to the spill: ${why}` }
    : { name, status: "ok", detail: "takes messages" };
}

/** The second net: as long as the database takes messages it may be missing. */
export async function checkSpill(
  spill: Spill,
  { takes, into }: Acceptance,
): Promise<Check> {
  const name = "spill";
  const inUse = into === "spill";
  const [obstacle, depth] = await Promise.all([spill.obstacle(), spill.depth()]);
  if (obstacle !== undefined || depth === undefined) {
    return {
      name,
      status: inUse ? "failed" : "ok",
      detail: "off: messages are refused while PostgreSQL is away",
      hint: obstacle ?? "Redis does not answer",
    };
  }
  const waiting = depth.messages === 0
    ? "empty"
    : `${depth.messages} messages (${depth.bytes} bytes) wait for PostgreSQL`;
  if (inUse && takes === "none") {
    return { name, status: "failed", detail: `takes no messages; ${waiting}` };
  }
  return {
    name,
    status: depth.messages > 0 || inUse ? "degraded" : "ok",
    detail: depth.messages === 0 ? "ready, empty" : waiting,
  };
}
