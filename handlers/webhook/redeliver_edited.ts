import {
  type EditableBody,
  editableOf,
  MOST_EDITED_BYTES,
  typedBytes,
} from "../../lib/message/edit.ts";
import type { WholeMessage } from "../../lib/message/message.ts";
import { redeliverEdited, type Redelivery } from "../../lib/message/redeliver.ts";
import type { Services } from "../../lib/services.ts";
import { Problem } from "../problem.ts";
import { requireEdits } from "../../lib/work/verify/redeliver.ts";
import { requireContents } from "../../lib/work/verify/require_message.ts";

/** What was typed into the form, kept as a new message; undefined when nothing was changed. */
export async function keepTyped(
  services: Services,
  message: WholeMessage,
  typed: string,
): Promise<Redelivery | undefined> {
  const bytes = typedBytes(requireEditable(services, message), typed);
  return bytes && await keepEdit(services, message, bytes);
}

/** @throws {Problem} 409 when a person may not edit this message, and why. */
export function requireEditable(
  { config, sources }: Pick<Services, "config" | "sources">,
  message: WholeMessage,
): EditableBody {
  requireContents(message);
  if (message.state === "rejected") throw refusedBefore();
  requireEdits(config);
  if (sources.settingsOf(sources.find(message.webhook_type).name).redact) throw notShown();
  const editable = editableOf(message);
  if ("why" in editable) {
    throw new Problem(
      409,
      "not_editable",
      `The body cannot be edited: ${editable.why}`,
      "Replay it as it is; or download it, change it, and send it with your own program",
    );
  }
  return editable;
}

/**
 * A message again with another body: a new one that nobody vouches for.
 *
 * @throws {Problem} 413 when the body is too large to have been edited by hand, 409 when the
 * message was refused.
 */
export async function keepEdit(
  { database, queue, log, sources }: Services,
  message: WholeMessage,
  bytes: Uint8Array,
): Promise<Redelivery> {
  if (bytes.byteLength > MOST_EDITED_BYTES) {
    throw new Problem(
      413,
      "edit_too_large",
      `The edited body has ${bytes.byteLength} bytes, at most ${MOST_EDITED_BYTES} are taken`,
      "Send it to the webhook's own URL, which takes more",
    );
  }
  const made = await redeliverEdited(database, {
    id: message.message_id,
    body: bytes,
    secretNames: sources.find(message.webhook_type).source.secretNames,
  });
  if (!made) throw refusedBefore();
  log.info("message.edited", { message_id: made.message_id, replay_of: made.replay_of });
  queue.send([made.message_id]);
  return made;
}

function notShown(): Problem {
  return new Problem(
    409,
    "redacted",
    "The body cannot be edited: it has values that SOURCES_FILE says are never shown",
    "Replay it as it is",
  );
}

function refusedBefore(): Problem {
  return new Problem(
    409,
    "wrong_state",
    "A message that was refused cannot be edited and replayed",
    "Nobody vouches for it: set its secret right, then release it",
  );
}
