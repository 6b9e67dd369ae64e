import { pause } from "../../lib/async/deadline.ts";
import { errorText } from "../../lib/process/log.ts";
import { Refusal } from "../../lib/process/refusal.ts";
import { EXIT } from "../exit.ts";
import type { Remote } from "../remote.ts";
import type { Shell } from "../shell.ts";
import { readEvents } from "./events.ts";
import { idOf, lineOf, type Row, wordOf } from "./line.ts";

/** What of all that happens is shown. */
interface TailOptions {
  what: "messages" | "tasks" | "notifications";
  source?: string;
  phase?: string;
  since?: string;
  grep?: string;
}

/** Otto says something every 15 s. */
const SILENT_MS = 60_000;
/** As long as the stream itself asks its readers to wait. */
const RETRY_MS = 2_000;
/** Of so many rows it is known what was shown of them last. */
const MOST_KNOWN = 10_000;
/** What `--since` and a break show at the most. */
const MOST_LISTED = 1_000;
const PAGE = 200;
const KINDS = { messages: "message", tasks: "task", notifications: "notification" } as const;

/**
 * Shows changes as they happen, until it is stopped; a broken line is taken up again where it broke.
 *
 * @throws {Refusal} when Otto is not there at the beginning, or says no.
 */
export async function tail(shell: Shell, options: TailOptions): Promise<void> {
  const remote = shell.remote();
  const show = createShow(shell, remote.origin, options);
  let after: string | undefined;
  let isFirst = true;
  let heardAt = new Date();
  while (!shell.signal.aborted) {
    try {
      const body = await openStream(remote, after, shell.signal);
      if (isFirst) {
        shell.terminal.say(`Following ${options.what} of ${remote.origin}; Ctrl-C ends it`);
      }
      // Behind the open stream, so that nothing happens between the two.
      if (isFirst && options.since !== undefined) {
        await list(remote, options, { since: options.since }, show);
      }
      isFirst = false;
      for await (const event of readEvents(body, SILENT_MS, shell.signal)) {
        after = event.id ?? after;
        if (event.name === "resync") {
          await list(remote, options, { since: heardAt.toISOString() }, show);
        } else if (event.name === KINDS[options.what]) {
          show({ ...JSON.parse(event.data), kind: event.name });
        }
        heardAt = new Date();
      }
      // Otto ends each stream after a quarter of an hour by itself.
    } catch (error) {
      if (shell.signal.aborted) return;
      const isOver = error instanceof Refusal && (isFirst || error.exitCode !== EXIT.away);
      if (isOver) throw error;
      shell.terminal.say(`The line broke (${errorText(error)}); trying again`);
    }
    await pause(RETRY_MS, shell.signal);
  }
}

async function openStream(
  remote: Remote,
  after: string | undefined,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const { body } = await remote.ask("/api/stream", {
    headers: {
      accept: "text/event-stream",
      ...(after !== undefined && { "last-event-id": after }),
    },
    signal,
  });
  if (body === null) throw new Error("the answer has no body");
  return body;
}

/** Shows what is listed, the oldest first. */
async function list(
  remote: Remote,
  { what, source, phase }: TailOptions,
  { since }: { since: string },
  show: (row: Row) => void,
): Promise<void> {
  const rows: Row[] = [];
  let cursor: string | null = null;
  do {
    const query = new URLSearchParams({ limit: String(PAGE) });
    if (what !== "notifications") query.set("since", since);
    if (source !== undefined && what !== "notifications") query.set("source", source);
    if (phase !== undefined && what === "messages") query.set("phase", phase);
    if (cursor !== null) query.set("cursor", cursor);
    const page: { items: Row[]; next: string | null } = await remote.read(`/api/${what}?${query}`);
    rows.push(...page.items);
    cursor = page.next;
  } while (cursor !== null && rows.length < MOST_LISTED && what !== "notifications");
  for (const row of rows.slice(0, MOST_LISTED).reverse()) show({ ...row, kind: KINDS[what] });
}

/** Shows each row that is meant, once for each word that it comes to. */
function createShow(
  { terminal }: Shell,
  origin: string,
  { source, phase, grep }: TailOptions,
): (row: Row) => void {
  const known = new Map<string, string>();
  return (row) => {
    const [id, word] = [idOf(row), wordOf(row)];
    if (known.get(id) === word) return;
    known.delete(id);
    known.set(id, word);
    if (known.size > MOST_KNOWN) known.delete(known.keys().next().value!);
    const isOther = source !== undefined && row.source !== source && row.webhook_type !== source;
    if (isOther || phase !== undefined && row.phase !== phase) return;
    const parts = lineOf(row, origin);
    const text = parts.map((part) => typeof part === "string" ? part : part[0]).join("");
    if (grep !== undefined && !text.toLowerCase().includes(grep.toLowerCase())) return;
    if (terminal.json) terminal.object(row);
    else terminal.line(...parts);
  };
}
