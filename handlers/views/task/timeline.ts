import { html } from "hono/html";
import type { HistoryEntry } from "../../../lib/message/history.ts";
import type { Passage } from "../../../lib/message/message.ts";
import { firstLine } from "../../../lib/markdown/plain.ts";
import type { TaskEvent } from "../../../lib/task/task.ts";
import { said } from "./event_words.ts";
import { icon } from "../parts/icon.ts";
import type { StageRow, StageView } from "../parts/stages.ts";
import { exact, took } from "../parts/time.ts";

interface Entry {
  at: Date;
  what: string;
  tone: StageView["state"];
  detail?: string;
  messageId?: string;
}

/** The whole way of a message, from the first byte to the last telling, with the time between. */
export function timeline(
  way: {
    row: StageRow;
    passage?: Passage;
    history: readonly HistoryEntry[];
    /** What the sender was answered when it was taken. */
    answered: number;
    events: readonly TaskEvent[];
  },
) {
  const entries = entriesOf(way);
  return html`
    <ol class="timeline">
      ${entries.map(({ at, what, tone, detail, messageId }, index) => {
        const before = entries[index - 1]?.at;
        return html`
          <li class="${tone}">
            ${icon(tone)}
            <span class="what">${what}</span>
            <time datetime="${at.toISOString()}" title="${exact(at)}" ${!before &&
              "data-exact"}>${before ? since(at.getTime() - before.getTime()) : exact(at)}</time>
            ${detail &&
              html`<p dir="auto">${
                messageId
                  ? html`<a href="/messages/${messageId}">${firstLine(detail)}</a>`
                  : firstLine(detail)
              }</p>`}
          </li>
        `;
      })}
    </ol>
  `;
}

function since(ms: number): string {
  return ms < 1 ? "at once" : `+${took(ms)}`;
}

const SIGNED = {
  verified: "Signature verified",
  unverified: "No signature checked",
  rejected: "Refused",
};

/** The gate keeps only what it refuses so. */
const REFUSED = 401;

const HISTORY: Record<
  HistoryEntry["kind"],
  (entry: HistoryEntry, answered: number) => Omit<Entry, "at">
> = {
  refused: ({ reason }) => ({ what: "Refused", tone: "failed", detail: reason ?? undefined }),
  released: ({ actor }) => ({ what: `Released by ${actor}`, tone: "done" }),
  repeated: ({ times }, answered) => ({
    what: `Sent again${times > 1 ? ` ${times} times` : ""}, answered ${answered} as the first time`,
    tone: "none",
  }),
};

function entriesOf(
  { row: { message, task, tellings }, passage, history, answered, events }: Parameters<
    typeof timeline
  >[0],
): Entry[] {
  const { received_at, verification, replay_of, attempts, state, edited } = message;
  const again = edited ? "Edited by a person, and queued" : "Replayed, and queued";
  const released = history.find(({ kind }) => kind === "released");
  const isRefused = state === "rejected";
  const entries: Entry[] = replay_of ? [] : [
    {
      at: received_at,
      what: `Received, answered ${isRefused || released ? REFUSED : answered}`,
      tone: "done",
    },
    {
      at: released?.at ?? received_at,
      what: SIGNED[verification],
      tone: verification === "verified" ? "done" : isRefused ? "failed" : "none",
      detail: isRefused ? message.reason ?? undefined : undefined,
    },
  ];
  // Told first, so that of what is at the same time the cause stands before what came of it.
  entries.splice(
    1,
    0,
    ...history.map((each) => ({ at: each.at, ...HISTORY[each.kind](each, answered) })),
  );
  const add = (
    at: Date | null | undefined,
    what: string,
    tone: StageView["state"],
    detail?: string,
  ) => {
    if (at) entries.push({ at, what, tone, detail });
  };
  const kept = state === "rejected" ? "Kept for diagnosis" : "Kept, and queued";
  add(passage?.stored_at, replay_of ? again : kept, "done");
  const tries = attempts > 1 ? `attempt ${attempts}` : undefined;
  add(passage?.claimed_at, "Claimed by a worker", "done", tries);
  if (state === "failed") add(passage?.settled_at, "Failed", "failed", message.error ?? undefined);
  if (state === "processed") {
    add(passage?.settled_at, "Described", "done", message.title ?? undefined);
  }
  if (state === "filtered") {
    add(passage?.settled_at, "Filtered", "none", message.reason ?? undefined);
  }
  events.forEach((event, index) => {
    // An approval waits, too, and says so by itself.
    if (event.kind === "waiting_input" && events[index - 1]?.kind === "approval_requested") return;
    entries.push({ at: event.at, ...said(event) });
  });
  for (const told of tellings) {
    const to = told.channel === "web" ? "the web UI" : `${told.channel} ${told.destination}`;
    if (told.state === "sent") add(told.sent_at, `Told ${to}`, "done");
    else if (told.state === "dead") {
      add(told.created_at, `Could not tell ${to}`, "failed", told.error ?? undefined);
    } else add(told.created_at, `To be told: ${to}`, "active", told.error ?? undefined);
  }
  if (task?.status === "pending" && events.length <= 1) {
    // No worker has begun: say that it waits.
    add(new Date(), "Waiting for the agent", "active");
  }
  return entries.sort((one, other) => one.at.getTime() - other.at.getTime());
}
