import { firstFew, words } from "../kit/line.ts";
import { at, line, list, text } from "../kit/json_path.ts";
import { digest } from "../signature/signature.ts";
import { eachOnce, type Extracted } from "../kit/to_description.ts";
import { extractChange } from "./change.ts";
import { extractMessaging } from "./messaging.ts";
import { extractMessage, extractStatus } from "./whatsapp.ts";

/** One thing that happened, of the many that Meta sends together. */
interface MetaUpdate {
  kind: "message" | "status" | "messaging" | "change" | "fields";
  item: unknown;
  /** What holds it: a WhatsApp change's value, or the entry. */
  around: unknown;
}

/** The most updates that are read of one request: Meta sends at most 1,000. */
const MAX_UPDATES = 1_000;

/** Everything in a request, each once. */
export function findUpdates(payload: unknown): MetaUpdate[] {
  const updates: MetaUpdate[] = [];
  for (const entry of list(payload, "entry").slice(0, MAX_UPDATES)) {
    if (updates.length >= MAX_UPDATES) break;
    for (const item of [...list(entry, "messaging"), ...list(entry, "standby")]) {
      updates.push({ kind: "messaging", item, around: entry });
    }
    // A user's profile names only what changed.
    if (list(entry, "changed_fields").length > 0) {
      updates.push({ kind: "fields", item: entry, around: entry });
    }
    for (const change of list(entry, "changes").slice(0, MAX_UPDATES)) {
      const value = at(change, "value");
      const found = [
        ...list(value, "messages").slice(0, MAX_UPDATES).map((item) => ({
          kind: "message" as const,
          item,
        })),
        ...list(value, "statuses").slice(0, MAX_UPDATES).map((item) => ({
          kind: "status" as const,
          item,
        })),
      ];
      updates.push(
        ...found.map((each) => ({ ...each, around: value })),
        ...found.length === 0 ? [{ kind: "change" as const, item: change, around: entry }] : [],
      );
    }
  }
  return eachOnce(updates.slice(0, MAX_UPDATES), keyOf);
}

/** What an update is known by: its own id, else all of it. */
export function keyOf({ kind, item, around }: MetaUpdate): string {
  const id = kind === "messaging"
    ? text(item, "message", "mid")
    : kind === "fields"
    ? undefined
    : text(item, "id");
  if (id) return [kind, id, text(item, "status")].join("|");
  return digest(JSON.stringify([kind, item, mark(around, "id"), mark(around, "time")]));
}

/** What an entry's updates have in common is read once for each of them, so only as much as an id can be. */
function mark(around: unknown, key: string): string | undefined {
  return text(around, key)?.slice(0, MAX_MARK);
}

const MAX_MARK = 1_000;

/** One update in words. */
export function extractUpdate({ kind, item, around }: MetaUpdate): Extracted {
  switch (kind) {
    case "message":
      return extractMessage(item, around);
    case "status":
      return extractStatus(item);
    case "messaging":
      return extractMessaging(item);
    case "change":
      return extractChange(item);
    case "fields":
      return {
        event: "changed_fields",
        title: words(
          "Changed",
          firstFew(list(item, "changed_fields").map((each) => line([each], 0))),
        ),
      };
  }
}
