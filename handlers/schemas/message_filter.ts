import { z } from "@hono/zod-openapi";
import type { MessageSearch } from "../../lib/message/search/criteria.ts";
import { PHASES } from "../../lib/message/search/phase.ts";
import { MESSAGE_STATES } from "../../lib/message/message.ts";
import { batch, idOf, since, source, text, until } from "./filter.ts";

/** The filters of messages, in the API and in the URL of their page. */
export const messageFilter = z.object({
  q: text(
    "In the title, the event, the sender's name or address; or a message's, task's or delivery's " +
      "id. `body:` or `header:` before it looks into bodies or headers",
  ),
  body: text(
    "In the body as it was received, whatever its case. A request looks for about 150 ms: see " +
      "`stopped`. Of a body over 4 MB the beginning is looked at, and of sources with `redact` in " +
      "SOURCES_FILE nothing",
  ),
  header: text(
    "In the headers, as `name: value`, whatever its case; never in values that are masked. It is " +
      "looked for like `body`",
  ),
  state: z.enum(["taken", ...MESSAGE_STATES]).optional().openapi({
    description: "`taken` is whatever was not refused when it came",
  }),
  phase: z.enum(PHASES).optional(),
  source: source.openapi({ description: "A source, or the name in the webhook's URL" }),
  webhook_type: source.openapi({ description: "The name in the webhook's URL, as it was written" }),
  sig: z.enum(["verified", "unverified", "rejected"]).optional().openapi({
    description: "What is known of the signature: `verification` of a message",
  }),
  since,
  until,
  batch,
  task_id: idOf("task"),
  replay_of: idOf("message").openapi({ description: "Replays of this message" }),
});

/** With a colon before a text, it is looked for in there. */
const CONTENTS = ["body", "header"] as const;

/** The filters as the store is asked for them. */
export function toMessageSearch(
  { q, sig, ...same }: z.output<typeof messageFilter>,
): MessageSearch {
  const place = CONTENTS.find((each) => q?.startsWith(`${each}:`));
  return {
    ...same,
    verification: sig,
    ...(place && q ? { [place]: same[place] || q.slice(place.length + 1).trim() } : { text: q }),
  };
}
