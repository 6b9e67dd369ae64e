import { brokenConnection } from "../agent/provider/unreadable.ts";
import type { Config } from "../config/config.ts";
import { errorText } from "../process/log.ts";
import type { Database } from "../store/database.ts";
import type { Check } from "./check.ts";

/** Fewer failures in a row are over within seconds. */
const LEAST_FAILURES = 3;
/** Of the tasks that are put off: where a provider is away, the newest wait for it. */
const LOOKED_AT = 20;
/** Whoever runs the doctor waits for it. */
const TRY_MS = 5_000;

/** Since when tasks wait for the model's provider to answer; undefined where none does. */
export async function readUnanswered(database: Database, ms?: number): Promise<Date | undefined> {
  const [{ since }] = await database.query(
    "look for tasks that wait for the model's provider",
    (sql) =>
      sql<{ since: Date | null }[]>`
      with delayed as (
        select id from tasks where open and not_before is not null
        order by not_before desc limit ${LOOKED_AT}
      )
      select min((r.state->>'failingSince')::timestamptz) as since
      from delayed join agent_runs r on r.task_id = delayed.id
      where (r.state->>'failures')::int >= ${LEAST_FAILURES}`,
    ms,
  );
  return since ?? undefined;
}

/** Nothing as long as the model's provider answers. Why it does not is not for anyone. */
export async function checkModelProvider(database: Database, ms: number): Promise<Check[]> {
  const name = "model";
  try {
    const since = await readUnanswered(database, ms);
    if (!since) return [];
    return [{
      name,
      status: "degraded",
      detail: `its provider has given tasks no answer since ${since.toISOString()}`,
      hint: "They wait, and go on by themselves; the page of each says why",
    }];
  } catch {
    return [{ name, status: "degraded", detail: "cannot be looked up now" }];
  }
}

/** Whether anybody answers at the model's address, whatever it is: no key is sent, and nothing asked. */
export async function tryModelProvider({ model }: Pick<Config, "model">): Promise<Check[]> {
  if (!model) return [];
  const name = "model";
  const { host } = new URL(model.baseUrl);
  try {
    const signal = AbortSignal.timeout(TRY_MS);
    const { body } = await fetch(model.baseUrl, { redirect: "manual", signal });
    await body?.cancel();
    return [{ name, status: "ok", detail: `${host} answers` }];
  } catch (error) {
    const { hint } = brokenConnection(errorText(error));
    const detail = `${host} cannot be reached: ${errorText(error)}`;
    return [{ name, status: hint ? "failed" : "degraded", detail, hint }];
  }
}
