import { readHeldBack } from "../live/change.ts";
import type { Database } from "../store/database.ts";
import type { Check } from "./check.ts";

/** Our own statements take milliseconds; what is open for so long is somebody else's. */
const HELD_BACK_SECONDS = 10;

/** Nothing as long as the live stream tells what happens in its order. */
export async function checkLiveStream(database: Database, ms: number): Promise<Check[]> {
  if (database.kind === "embedded") return [];
  const name = "live stream";
  try {
    const seconds = await readHeldBack(database, ms);
    if (seconds === undefined || seconds < HELD_BACK_SECONDS) return [];
    return [{
      name,
      status: "degraded",
      detail: `tells out of order what came since ${seconds} s, and later once more: ` +
        "a transaction is open in Otto's database",
      hint: "End it; pg_stat_activity says whose it is (backend_xid). Nothing waits for it",
    }];
  } catch {
    // Anyone may ask, so the reason stands in the log only.
    return [{ name, status: "degraded", detail: "cannot be looked up now" }];
  }
}
