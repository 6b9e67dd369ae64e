import type { Context } from "hono";
import type { z } from "@hono/zod-openapi";
import { noteAct } from "../../acts.ts";
import type { Env } from "../../caller.ts";
import { conflict, createRoute, json, refusals } from "../../openapi.ts";
import { notFound, Problem } from "../../problem.ts";
import { acted, MOST_AT_ONCE } from "../../schemas/many.ts";
import type { FoundIds } from "../../../lib/store/walk.ts";

/** What became of many things that were acted on; each by itself, so that none holds up another. */
export type Acted = z.infer<typeof acted>;

/** Ids, or a filter and how many it has found. */
type Chosen<Filter> = { ids: string[] } | { filter: Filter; expect: number };

/** Their rows are locked one by one: more at once would only wait for each other. */
const AT_ONCE = 8;

/** A route that acts on many things of one kind. */
export const manyRoute = <Path extends string, T extends z.ZodType>(
  path: Path,
  operationId: string,
  { summary, schema }: { summary: string; schema: T },
) =>
  createRoute({
    method: "post",
    path,
    operationId,
    summary,
    description: `Up to ${MOST_AT_ONCE} at once, each by itself: what is refused is named`,
    request: { body: { content: { "application/json": { schema } }, required: true } },
    responses: { 200: json("What became of them", acted), ...conflict, ...refusals },
  });

/**
 * The ids that are meant, fixed before anything is done.
 *
 * @throws {Problem} 409 when a filter finds another number than was expected, or more than is acted
 * on at once.
 */
export async function idsOf<Filter>(
  chosen: Chosen<Filter>,
  find: (filter: Filter, most: number) => Promise<FoundIds>,
): Promise<string[]> {
  if ("ids" in chosen) return [...new Set(chosen.ids.map((id) => id.toLowerCase()))];
  const { ids, next, stopped } = await find(chosen.filter, MOST_AT_ONCE);
  if (stopped || next !== undefined) {
    throw new Problem(
      409,
      "too_many",
      stopped
        ? `The filter has to look through more than ${stopped.looked} rows`
        : `More than ${MOST_AT_ONCE} match, and so many are acted on at once`,
      'Narrow the filter, such as with "since" or "source", or name the ids',
    );
  }
  if (ids.length !== chosen.expect) {
    throw new Problem(
      409,
      "count_changed",
      `${chosen.expect} were expected to match, and ${ids.length} do now`,
      `Nothing was changed. Look at them, then ask again with "expect": ${ids.length}`,
    );
  }
  return ids;
}

/** Has the audit log say which and how many are meant, by which filter, and then what became of them. */
export function noteMany<Filter>(
  c: Context<Env>,
  { chosen, ids, acted }: {
    chosen?: Chosen<Filter>;
    ids?: readonly string[];
    acted?: { done: number; refused: readonly unknown[] };
  },
): void {
  const { filter, expect } = chosen && "filter" in chosen ? chosen : {};
  const detail = {
    filter,
    expect,
    count: ids?.length,
    done: acted?.done,
    refused: acted?.refused.length,
  };
  const known = Object.entries(detail).filter(([, value]) => value !== undefined);
  noteAct(c, { ids, detail: Object.fromEntries(known) });
}

/**
 * Acts on each, the oldest first; what throws a problem is left as it is.
 *
 * @throws what else goes wrong, such as a store that is away: nothing more is begun then.
 */
export async function actOnAll(
  ids: readonly string[],
  act: (id: string) => Promise<void>,
): Promise<Acted> {
  const done: string[] = [];
  const refused: Acted["refused"] = [];
  const waiting = ids.toSorted().values();
  let broken: { by: unknown } | undefined;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (const id of waiting) {
      try {
        await act(id);
        done.push(id);
      } catch (error) {
        if (!(error instanceof Problem)) broken = { by: error };
        else refused.push({ id, code: error.code, message: error.message });
      }
      // Whoever is told that it went wrong must not find it going on.
      if (broken) return;
    }
  }));
  if (broken) throw broken.by;
  return { done: done.length, ids: done.sort(), refused };
}

/** An action that says whether there was something to act on. */
export function requireDone(thing: string, isDone: boolean): void {
  if (!isDone) throw notFound(thing);
}
