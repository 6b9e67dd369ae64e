import type { BulkAction, BulkPart, BulkVerb } from "../../../lib/work/bulk/bulk_action.ts";
import { BULK_THINGS } from "../../../lib/work/bulk/bulk_action.ts";
import type { NameOf } from "../../../sources/rules/names.ts";
import type { IconName } from "../parts/icon.ts";

/** What a button says that does it to so many: `14`, `all that match`. */
export const LABELS: Record<BulkVerb, (many: string) => string> = {
  release: (many) => `Verify again and release ${many}`,
  replay: (many) => `Replay ${many}`,
  retry: (many) => `Retry ${many} failed`,
  cancel: (many) => `Cancel ${many}`,
  delete: (many) => `Delete ${many}`,
  read: (many) => `Mark ${many} as read`,
};

/** What will happen. */
export const SAYS: Record<BulkVerb, string> = {
  release:
    "Each is checked with today's secrets. What is right becomes a task; what is not stays " +
    "refused, and says why.",
  replay: "Each becomes a new message with the same bytes, worked from the beginning: agents may " +
    "act, and people may be told once more.",
  retry: "Their tasks start again: agents may act, and people may be told once more.",
  cancel: "Whoever works on one stops. They can be retried.",
  delete: "They go for good, with their tasks and all that was told about them. A sender's next " +
    "repeat of one is taken as new.",
  read: "They are not shown as news any more.",
};

export const ICONS: Record<BulkVerb, IconName> = {
  release: "shield",
  replay: "again",
  retry: "again",
  cancel: "failed",
  delete: "failed",
  read: "done",
};

/** What became of those that it was done to. */
export const DONE: Record<BulkVerb, string> = {
  release: "released",
  replay: "replayed",
  retry: "started again",
  cancel: "cancelled",
  delete: "deleted",
  read: "marked as read",
};

/** `5,000 of GitHub, 12 of shop`. */
export function partsSaid(parts: readonly BulkPart[], nameOf: NameOf): string {
  return parts.map((part) => `${part.count.toLocaleString("en")} of ${nameOf(part)}`).join(", ");
}

/** `Delete 5,012 messages`. */
export function titleOfBulk({ action, total }: Pick<BulkAction, "action" | "total">): string {
  const thing = BULK_THINGS[action];
  const many = `${total.toLocaleString("en")} ${thing}${total === 1 ? "" : "s"}`;
  return action === "retry" ? `Retry ${many}` : LABELS[action](many);
}
