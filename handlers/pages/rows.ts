import type { Reader } from "../../lib/reading/reader.ts";
import { UnreadableError } from "../../lib/reading/reading_thread.ts";
import type { Database } from "../../lib/store/database.ts";
import type { LiveEvent } from "../../lib/live/live.ts";
import { findMessages, type Message } from "../../lib/message/message.ts";
import { findTellings } from "../../lib/notify/notification.ts";
import { findTasks } from "../../lib/task/task.ts";
import { MOST_ROWS } from "../views/live/home.ts";
import type { NameOf } from "../../sources/rules/names.ts";
import { goneRow, messageRow, rowBeyond } from "../views/message/row.ts";
import type { StageRow } from "../views/parts/stages.ts";

/** What rows are made with. */
export interface RowParts {
  database: Database;
  nameOf: NameOf;
  reader: Pick<Reader, "describe">;
}

/** What a refused message claims to be is read for so many on a page, and of so large bodies. */
const MOST_CLAIMS = 50;
const MOST_CLAIM_BYTES = 64 * 1_024;

/** Messages with their tasks and what was told of them. */
export async function readRows(
  { database, nameOf, reader }: RowParts,
  messages: readonly Message[],
): Promise<StageRow[]> {
  if (messages.length === 0) return [];
  const taskIds = messages.map((message) => message.task_id).filter((id) => id !== null);
  const [claims, tasks, tellings] = await Promise.all([
    readClaims(reader, messages),
    findTasks(database, taskIds),
    findTellings(database, { messageIds: messages.map((each) => each.message_id), taskIds }),
  ]);
  const taskOf = new Map(tasks.map((task) => [task.id, task]));
  const tellingsOf = Map.groupBy(tellings, (each) => each.message_id ?? each.task_id);
  return messages.map((message) => ({
    message,
    sourceName: nameOf(message),
    claim: claims.get(message.message_id),
    task: taskOf.get(message.task_id ?? ""),
    tellings: [
      ...tellingsOf.get(message.message_id) ?? [],
      ...tellingsOf.get(message.task_id ?? "") ?? [],
    ],
  }));
}

/**
 * The titles that refused messages would have: nobody vouches for them, but whose they claim to be
 * says which hook has the wrong secret. What cannot be read claims nothing.
 */
async function readClaims(
  reader: RowParts["reader"],
  messages: readonly Message[],
): Promise<Map<string, string>> {
  const refused = messages.filter(({ phase, title, size, dropped }) =>
    phase === "refused" && title === null && !dropped && size > 0 && size <= MOST_CLAIM_BYTES
  ).slice(0, MOST_CLAIMS);
  const claims = await Promise.all(
    refused.map(async ({ message_id: messageId, webhook_type: webhookType, size }) => {
      try {
        const { description } = await reader.describe({ messageId, webhookType, size });
        return [messageId, description.title] as const;
      } catch (error) {
        if (!(error instanceof UnreadableError)) throw error;
        return undefined;
      }
    }),
  );
  return new Map(claims.filter((claim) => claim !== undefined));
}

/**
 * The HTML of all that some changes touched, as it is now: a row is told once,
 * however many of the changes were about it, and of a great many rows only as
 * many as the page shows.
 */
export async function renderChanges(
  parts: RowParts,
  events: readonly LiveEvent[],
): Promise<string> {
  const { database } = parts;
  const messageIds = await touchedBy(database, events);
  // A page shows the newest MOST_ROWS, so that older ones would leave it at once.
  const oldestFirst = [...messageIds].sort();
  const beyond = oldestFirst.slice(0, -MOST_ROWS);
  const messages = await findMessages(database, oldestFirst.slice(-MOST_ROWS));
  const rows = await readRows(parts, messages);
  const gone = events.flatMap((event) => event.items)
    .filter(({ kind, item }) => kind === "message" && !item);
  const fragments = [
    ...gone.map(({ id }) => goneRow(id)),
    ...beyond.map(rowBeyond),
    ...rows.map(messageRow),
  ];
  return (await Promise.all(fragments)).join("");
}

async function touchedBy(
  database: Database,
  events: readonly LiveEvent[],
): Promise<Set<string>> {
  const messageIds = new Set<string>();
  const taskIds = new Set<string>();
  for (const item of events.flatMap((event) => event.items)) {
    if (item.kind === "message") {
      if (item.item) messageIds.add(item.id);
    } else if (item.kind === "task") {
      if (item.item) messageIds.add(item.item.message_id);
    } else {
      const { message_id, task_id } = item.item ?? {};
      if (message_id) messageIds.add(message_id);
      if (task_id) taskIds.add(task_id);
    }
  }
  const tasks = taskIds.size > 0 ? await findTasks(database, [...taskIds]) : [];
  for (const task of tasks) messageIds.add(task.message_id);
  return messageIds;
}
