import type { Sql } from "../../store/database.ts";
import type { IdRange } from "../../store/id.ts";
import { firstRows, idBounds, keyedWalk, type Walk } from "../../store/walk.ts";
import { sources } from "../../../sources/mod.ts";
import { aliasesIn } from "../../../sources/rules/known.ts";
import { GENERIC } from "../../../sources/rules/registry.ts";
import type { MessageSearch } from "./criteria.ts";
import type { Phase } from "./phase.ts";

const ALIASES = aliasesIn(sources);

/** What the URL called a message, as the index of what nobody knows has it. */
export const NAMED = `lower(webhook_type collate "C")`;

/**
 * The indexes that a search goes along. What has few rows with one value stands first; where two
 * of them could be asked both are, since nobody knows which one has fewer.
 */
export function walksOf(
  sql: Sql,
  search: MessageSearch,
  { range, window }: { range: IdRange; window: number },
): Walk[] {
  const { task_id, replay_of, phase } = search;
  const messages = sql`messages`;
  if (task_id) {
    return [{
      from: messages,
      where: sql`task_id = ${task_id} and task_id is not null and ${idBounds(sql, range)}`,
      order: "id desc",
    }];
  }
  if (replay_of) {
    const where = sql`replay_of is not null`;
    return [
      keyedWalk(sql, { from: messages, column: "replay_of", value: replay_of, range, where }),
    ];
  }
  const state = search.state ?? STATE_OF[phase!];
  const keyed = [
    ...isIndexed(state) ? [stateWalk(sql, state, range)] : [],
    ...sourceWalks(sql, search, { range, window }),
  ];
  const ordered = keyed.length > 0
    ? keyed
    : [{ from: messages, where: idBounds(sql, range), order: "id desc" }];
  const tasks = TASKS_OF[phase!];
  return tasks
    ? [taskPhaseWalk(sql, { phase: phase!, tasks, range, window }), ...ordered]
    : ordered;
}

function stateWalk(sql: Sql, state: string, range: IdRange): Walk {
  const where = sql`state <> 'processed'`;
  return keyedWalk(sql, { from: sql`messages`, column: "state", value: state, range, where });
}

function sourceWalks(
  sql: Sql,
  search: MessageSearch,
  { range, window }: { range: IdRange; window: number },
): Walk[] {
  const name = (search.webhook_type ?? search.source)?.toLowerCase();
  if (name === undefined) return [];
  const from = sql`messages`;
  const value = ALIASES.get(name) ?? name;
  const ofSource = keyedWalk(sql, { from, column: "source", value, range });
  if (Object.hasOwn(sources, value) || value === GENERIC) return [ofSource];
  // What came by a name that nobody knew is generic, though the operator may have told of it since.
  const where = sql`source = 'generic'`;
  const ofName = keyedWalk(sql, { from, column: NAMED, value: name, range, where });
  const [one, other] = [ofSource, ofName].map((walk) => firstRows(sql, walk, window));
  return [{ from: sql`(${one} union all ${other}) named`, where: sql`true`, order: "id desc" }];
}

/** Most messages are processed, and most are not refused: no index is for these. */
function isIndexed(state: MessageSearch["state"]): state is NonNullable<typeof state> {
  return state !== undefined && state !== "processed" && state !== "taken";
}

/** Phases that are a message's alone. */
const STATE_OF: Partial<Record<Phase, MessageSearch["state"]>> = {
  held: "new",
  filtered: "filtered",
  refused: "rejected",
};

/** What may be in a phase because of its task, or may become so, without all the rest. */
function taskPhaseWalk(
  sql: Sql,
  { phase, tasks, range, window }: {
    phase: Phase;
    tasks: string;
    range: IdRange;
    window: number;
  },
): Walk {
  const some = sql`(select id from tasks where ${
    sql.unsafe(tasks)
  } order by id desc limit ${window})`;
  const state = phase === "queued" ? "new" : phase === "failed" ? "failed" : undefined;
  const its = state && firstRows(sql, stateWalk(sql, state, range), window);
  return {
    from: sql`(
      select m.* from ${some} t cross join lateral (
        -- Not to be joined in another way: each task's messages are found by the index.
        select * from messages where task_id = t.id and task_id is not null offset 0
      ) m
      ${its ? sql`union all ${its}` : sql``}) candidates`,
    where: idBounds(sql, range),
    order: "id desc",
    isCut: sql`((select count(*) from ${some} t) >= ${window}
      ${its ? sql`or (select count(*) from ${its} m) >= ${window}` : sql``})`,
  };
}

/** Tasks that have not ended, as an index lists them. */
const OPEN = "open";
const TASKS_OF: Partial<Record<Phase, string>> = {
  queued: OPEN,
  working: OPEN,
  waiting: OPEN,
  needs_you: OPEN,
  failed: "error_code is not null",
};
