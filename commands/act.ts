import { Refusal } from "../lib/process/refusal.ts";
import { EXIT } from "./exit.ts";
import type { Remote } from "./remote.ts";
import type { Shell } from "./shell.ts";
import { lineOf, type Row } from "./tail/line.ts";

/** What is done, and to which messages. */
interface ActOptions {
  act: "replay" | "release";
  ids: string[];
  source?: string;
  phase?: string;
  since?: string;
  search?: string;
  dryRun?: boolean;
  yes?: boolean;
}

/** What Otto says that it did. */
interface Done {
  done: number;
  refused: { id?: string; message_id?: string; code: string; message: string }[];
}

/** So many are acted on at once, and so many are shown before somebody agrees. */
const MOST = 1_000;
const MOST_SHOWN = 10;
const PAGE = 200;

/**
 * Replays or releases messages. Those that a filter finds are fixed by their ids before anybody is
 * asked, so that what is done is what was agreed to.
 *
 * @throws {Refusal} when none or too many match, nobody agrees, or one is left as it is.
 */
export async function actOnMessages(shell: Shell, options: ActOptions): Promise<void> {
  const { terminal, signal } = shell;
  const { act, ids: named, dryRun, yes } = options;
  const remote = shell.remote();
  const filter = filterOf(options);
  if (named.length > 0 && filter.size > 0) {
    throw new Refusal("Name messages by their ids, or by a filter, not by both", EXIT.wrongUse);
  }
  if (named.length === 0 && filter.size === 0) {
    throw new Refusal(
      `Say which: otto ${act} ID…, or a filter such as --source github --since 1h`,
      EXIT.wrongUse,
    );
  }
  let ids = named;
  if (named.length === 0) {
    if (act === "release") filter.set("phase", "refused");
    // Those that were refused are released, not replayed.
    else filter.set("state", "taken");
    const rows = await find(remote, filter);
    if (rows.length === 0) throw new Refusal("No message matches", EXIT.notFound);
    ids = rows.map(({ message_id }) => message_id ?? "");
    show(shell, rows, remote.origin);
  }
  const count = ids.length === 1 ? "1 message" : `${ids.length} messages`;
  const verb = act === "replay" ? "Replay" : "Verify again and release";
  if (dryRun) return terminal.say(`Would ${verb.toLowerCase()} ${count} of ${remote.origin}`);
  if (named.length === 0) {
    await terminal.confirm(`${verb} ${count} of ${remote.origin}?`, yes, signal);
  }
  const done = await remote.post<Done>(`/api/messages/${act}`, { ids });
  tellDone(shell, done, ids.length);
}

function filterOf({ source, phase, since, search }: ActOptions): URLSearchParams {
  const given = { source, phase, since, q: search };
  return new URLSearchParams(
    Object.entries(given).filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
}

/** @throws {Refusal} when more match than are acted on at once. */
async function find(remote: Remote, filter: URLSearchParams): Promise<Row[]> {
  const rows: Row[] = [];
  let cursor: string | null = null;
  do {
    const query = new URLSearchParams([...filter, ["limit", String(PAGE)]]);
    if (cursor !== null) query.set("cursor", cursor);
    const page: { items: Row[]; next: string | null } = await remote.read(`/api/messages?${query}`);
    rows.push(...page.items.map((row) => ({ ...row, kind: "message" as const })));
    cursor = page.next;
  } while (cursor !== null && rows.length <= MOST);
  if (rows.length > MOST) {
    throw new Refusal(
      `More than ${MOST} match: narrow the filter, such as with --since`,
      EXIT.conflict,
    );
  }
  return rows;
}

function show({ terminal }: Shell, rows: readonly Row[], origin: string): void {
  if (terminal.json) return rows.forEach((row) => terminal.object(row));
  for (const row of rows.slice(0, MOST_SHOWN)) terminal.line(...lineOf(row, origin));
  if (rows.length > MOST_SHOWN) terminal.line([`… and ${rows.length - MOST_SHOWN} more`, "dim"]);
}

function tellDone({ terminal }: Shell, { done, refused }: Done, wanted: number): void {
  if (terminal.json) terminal.object({ done, refused });
  else {
    for (const { id, message_id, message } of refused) {
      terminal.line([`left      ${id ?? message_id ?? ""} `, "warn"], message);
    }
    terminal.line([`${done} of ${wanted} done`, done === wanted ? "good" : "warn"]);
  }
  if (done < wanted) throw new Refusal("", EXIT.failed);
}
