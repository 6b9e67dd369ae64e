import { findMessages, readPassage, type WholeMessage } from "../../../lib/message/message.ts";
import { readHistory } from "../../../lib/message/history.ts";
import { readSubjectOf } from "../../../lib/message/subject/subject.ts";
import { readReading } from "../../../lib/message/subject/timeline.ts";
import { searchMessages } from "../../../lib/message/search/search.ts";
import { listActsOn } from "../../../lib/people/audit_search.ts";
import { listTaskEvents } from "../../../lib/task/task.ts";
import { createNames } from "../../../sources/rules/names.ts";
import type { Frame } from "../../views/page.ts";
import type { ExplainTab } from "../../views/message/explain.ts";
import type { MessageShown } from "../../views/message/page.ts";
import { explainWhole } from "../../api/explain.ts";
import { notFound, Problem } from "../../problem.ts";
import { shownMessage } from "../../shown_message.ts";
import type { PageOptions } from "../options.ts";
import { readRows } from "../rows.ts";

/** Of these replays a message's page tells. */
const MOST_REPLAYS = 20;
/** Of what people did to it; the audit log has the rest. */
const MOST_ACTS = 10;

export type ShownParts = Pick<PageOptions, "services" | "verifier" | "pauses">;

/**
 * What is shown of a message; with `tab` "explain" what today's settings make of it.
 *
 * @throws {Problem} 404 when it goes meanwhile.
 */
export async function readShown(
  parts: ShownParts,
  kept: WholeMessage,
  { tab, frame }: { tab: string | undefined; frame: Frame },
): Promise<MessageShown> {
  const { services: { database, sources, reader }, verifier } = parts;
  const rowParts = { database, nameOf: createNames(sources), reader };
  const { message_id: id, task_id, webhook_type } = kept;
  // Read like a row, so that whatever is said here is said there, too.
  const [
    [row],
    passage,
    history,
    events,
    acts,
    { items: replays, next },
    subject,
    reading,
    explained,
  ] = await Promise
    .all([
      findMessages(database, [id]).then((found) => readRows(rowParts, found)),
      readPassage(database, id),
      readHistory(database, id),
      task_id ? listTaskEvents(database, task_id) : [],
      listActsOn(database, id, MOST_ACTS),
      searchMessages(database, { replay_of: id }, { limit: MOST_REPLAYS, sources: [] }),
      readSubjectOf(database, { table: "messages", id }),
      readReading(database, id),
      tab === "explain" ? readExplained(parts, kept, frame) : undefined,
    ]);
  if (!row) throw notFound("message");
  const from = sources.find(webhook_type);
  return {
    row,
    from,
    whole: shownMessage(sources, kept),
    subject,
    reading,
    passage,
    history,
    answered: kept.dropped ? 200 : from.source.answer?.(verifier.incomingOf(kept))?.status ?? 200,
    events,
    acts,
    replays,
    hasMoreReplays: next !== undefined,
    explained,
  };
}

/** The diagnosis is the operator's: a reader might learn from it what signs. */
async function readExplained(
  parts: ShownParts,
  kept: WholeMessage,
  { isReader }: Frame,
): Promise<ExplainTab> {
  if (isReader) {
    return { problem: { message: "Only an admin sees what today's settings make of it" } };
  }
  try {
    return { explanation: await explainWhole(parts, kept), messageId: kept.message_id };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { problem: error };
  }
}
