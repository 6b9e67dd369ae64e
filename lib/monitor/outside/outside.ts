import { errorText, type Log } from "../../process/log.ts";
import { isTurn, takeTurn } from "../../store/turn.ts";
import { checkHealth, type HealthSubjects } from "../health.ts";
import { listWorkers } from "../heartbeat.ts";
import { type OutsideState, readOutside, writeOutside } from "./outside_state.ts";

/** A minute, but for the moment between two looks: services that count on it forgive more. */
const TURN = { name: "heartbeat", seconds: 58 };
/** Whoever counts heartbeats answers in well under a second. */
const CALL_MS = 10_000;

/**
 * Calls `HEARTBEAT_URL` when a minute has passed, as long as messages can be kept and worked: who
 * counts the calls elsewhere hears by their end that Otto is dead. Of several processes one calls,
 * and any that serves may: the turn is in the store, without which nothing is worked.
 *
 * A GET is what Healthchecks.io, Better Stack and Cronitor take alike.
 */
export async function callOutside(subjects: HealthSubjects & { log: Log }): Promise<void> {
  const { config: { heartbeatUrl: url }, database, log } = subjects;
  if (url === undefined || !await isTurn(database, TURN)) return;
  const obstacle = await findObstacle(subjects);
  if (!await takeTurn(database, TURN)) return;
  const outcome = obstacle === undefined
    ? await call(url)
    : { ok: false, detail: `not called: ${obstacle}` };
  const before = await readOutside(database);
  await writeOutside(database, outcome);
  if (before?.ok === outcome.ok && before.detail === outcome.detail) return;
  if (outcome.ok) {
    if (before) log.info("heartbeat_url.called");
  } else log.warn("heartbeat_url.failed", { error: outcome.detail });
}

/** Why Otto does not do its work now. */
async function findObstacle(subjects: HealthSubjects): Promise<string | undefined> {
  const [{ status }, workers] = await Promise.all([
    checkHealth(subjects),
    listWorkers(subjects.database),
  ]);
  if (status === "unhealthy") return "no message can be kept now";
  return workers.some(({ alive }) => alive) ? undefined : "no worker lives";
}

async function call(url: string): Promise<Omit<OutsideState, "at">> {
  const timeout = AbortSignal.timeout(CALL_MS);
  try {
    const response = await fetch(url, {
      headers: { "user-agent": "Otto" },
      // To wherever else it leads nobody has sent us.
      redirect: "manual",
      signal: timeout,
    });
    await response.body?.cancel();
    if (response.ok) return { ok: true, detail: "called" };
    const { status, type } = response;
    return {
      ok: false,
      detail: type === "opaqueredirect" || (status >= 300 && status < 400)
        ? "it answered with a redirect, which is not followed"
        : `it answered with status ${status}`,
    };
  } catch (error) {
    return {
      ok: false,
      detail: timeout.aborted
        ? `it did not answer within ${CALL_MS / 1_000} s`
        // Some runtimes tell the address in their errors.
        : `it cannot be reached (${errorText(error).replaceAll(url, "HEARTBEAT_URL")})`
          .replace(/https?:\/\/[^\s)]*/g, "HEARTBEAT_URL"),
    };
  }
}
