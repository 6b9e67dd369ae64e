import type { Config } from "../../config/config.ts";

/** A page of our own, past whatever stands between. */
const CALL_MS = 5_000;

/** Whether Otto is reached by its own public address; undefined where it has none. */
export async function isReached(
  { publicUrl }: Pick<Config, "publicUrl">,
): Promise<boolean | undefined> {
  if (publicUrl === undefined) return undefined;
  try {
    const response = await fetch(`${publicUrl}/health`, {
      redirect: "manual",
      signal: AbortSignal.timeout(CALL_MS),
    });
    // Whatever stands there instead of Otto may answer with 200, too.
    const body = (await response.text()).slice(0, 100);
    return response.status === 200 && body.includes('"status":"ok"');
  } catch {
    return false;
  }
}
