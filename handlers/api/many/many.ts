import type { Context } from "hono";
import type { z } from "@hono/zod-openapi";
import { type ActParts, ACTS } from "../../../lib/work/bulk/acts.ts";
import type { Actor } from "../../../lib/people/audit.ts";
import type { Database } from "../../../lib/store/database.ts";
import type { BulkAction, BulkVerb } from "../../../lib/work/bulk/bulk_action.ts";
import { countChanged, fixRows } from "../../../lib/work/bulk/fix_rows.ts";
import { bulkAction } from "../../schemas/bulk.ts";
import { actorOf, noteAct, recordedActor } from "../../acts.ts";
import type { Env } from "../../caller.ts";
import { conflict, createRoute, json, refusals } from "../../openapi.ts";
import { Problem } from "../../problem.ts";
import { filterWords } from "../../schemas/filter_words.ts";
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
    description:
      `Up to ${MOST_AT_ONCE} at once, each by itself: what is refused is named. More that ` +
      "match a filter become a bulk action, which is worked in the background",
    request: { body: { content: { "application/json": { schema } }, required: true } },
    responses: {
      200: json("What became of them", acted),
      202: json("They are worked in the background: GET /api/bulk/{id}", bulkAction),
      ...conflict,
      ...refusals,
    },
  });

/** What the acting routes of one kind of thing have in common. */
export interface Finder<Filter> {
  database: Database;
  /** Below an id, so many at the most; the newest first. */
  find(filter: Filter, most: number, before?: string): Promise<FoundIds>;
}

/**
 * What is meant, fixed before anything is done: the ids of a few things, or the bulk action that
 * acts on more of them.
 *
 * @throws {Problem} 409 when a filter finds another number than was expected.
 */
async function choose<Filter extends object>(
  { action, chosen, actor, by }: {
    action: BulkVerb;
    chosen: Chosen<Filter>;
    actor: string;
    by: Actor;
  },
  { database, find }: Finder<Filter>,
): Promise<{ ids: string[] } | { bulk: BulkAction }> {
  if ("ids" in chosen) return { ids: [...new Set(chosen.ids.map((id) => id.toLowerCase()))] };
  const { filter, expect } = chosen;
  const { ids, next } = await find(filter, MOST_AT_ONCE);
  if (next === undefined) {
    if (ids.length !== expect) throw countChanged(expect, ids.length);
    return { ids };
  }
  return {
    bulk: await fixRows(database, {
      action,
      filter: filterWords(filter),
      actor,
      find: (most, before) => find(filter, most, before),
    }, { start: { expect, by } }),
  };
}

/** How many were done, and which were left as they are. */
interface Counted {
  done: number;
  refused: readonly unknown[];
}

/**
 * Acts on what a request chose, or has it worked in the background; the audit log hears of which
 * ones, how many, and what became of them.
 *
 * @throws {Problem} 409 when a filter finds another number than was expected.
 */
export async function actOnChosen<Filter extends object, Result extends Counted>(
  c: Context<Env>,
  { action, chosen, finder, act }: {
    action: BulkVerb;
    chosen: Chosen<Filter>;
    finder: Finder<Filter>;
    act(ids: readonly string[], actor: string): Promise<Result>;
  },
): Promise<{ acted: Result } | { bulk: BulkAction }> {
  noteMany(c, { chosen });
  const actor = actorOf(c);
  const meant = await choose({ action, chosen, actor, by: recordedActor(c) }, finder);
  if ("bulk" in meant) {
    noteAct(c, { ids: [meant.bulk.id], detail: { count: meant.bulk.total } });
    return meant;
  }
  noteMany(c, { ids: meant.ids });
  const acted = await act(meant.ids, actor);
  noteMany(c, { acted });
  return { acted };
}

/** The answer of a route that does the same to each by itself; see {@link actOnChosen}. */
export async function actOnEach<Filter extends object>(
  c: Context<Env>,
  { parts, ...meaning }: {
    parts: ActParts;
    action: keyof typeof ACTS;
    chosen: Chosen<Filter>;
    finder: Finder<Filter>;
  },
) {
  const meant = await actOnChosen(c, {
    ...meaning,
    act: (ids, actor) => actOnAll(parts, meaning.action, { ids, actor }),
  });
  if ("bulk" in meant) return c.json(meant.bulk, 202, placeOf(meant.bulk));
  return c.json(meant.acted, 200);
}

/** Where a bulk action is found, for the header `Location`. */
export const placeOf = ({ id }: BulkAction) => ({ location: `/api/bulk/${id}` });

/** Has the audit log say which and how many are meant, by which filter, and then what became of them. */
export function noteMany<Filter extends object>(
  c: Context<Env>,
  { chosen, ids, acted }: {
    chosen?: Chosen<Filter>;
    ids?: readonly string[];
    acted?: Counted;
  },
): void {
  const { filter, expect } = chosen && "filter" in chosen ? chosen : {};
  const detail = {
    filter: filter && filterWords(filter),
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
  parts: ActParts,
  action: keyof typeof ACTS,
  { ids, actor }: { ids: readonly string[]; actor: string },
): Promise<Acted> {
  const done: string[] = [];
  const refused: Acted["refused"] = [];
  const waiting = ids.toSorted().values();
  let broken: { by: unknown } | undefined;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (const id of waiting) {
      try {
        await ACTS[action](parts, id, actor);
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
