import type { Explanation } from "../handlers/schemas/explanation.ts";
import { Refusal } from "../lib/process/refusal.ts";
import { isId } from "../lib/store/id.ts";
import { EXIT } from "./exit.ts";
import { headersOf } from "./headers.ts";
import type { Remote } from "./remote.ts";
import type { Shell } from "./shell.ts";
import { readGiven } from "./target.ts";

/** A kept message, or a file as its source would send it. */
interface ExplainOptions {
  id?: string;
  file?: string;
  source?: string;
  header: string[];
}

/**
 * Says what would become of a message, or of a file.
 *
 * @throws {Refusal} when neither is named, or Otto says no.
 */
export async function explain(
  { terminal, ...shell }: Shell,
  options: ExplainOptions,
): Promise<void> {
  const found = await ask(shell.remote(), options);
  if (terminal.json) return terminal.object(found);
  const lines: [name: string, text: string | null][] = [
    ["becomes", wordOf(found.becomes)],
    ["verdict", `${wordOf(found.verdict)}: ${found.why}`],
    ["hint", found.hint],
    ["source", `${found.label} (/webhook/${found.webhook_type})`],
    ["event", found.event],
    ["title", found.title],
    ["task", found.description],
    ["link", found.link],
    ["filter", found.filter.passes ? null : found.filter.reason ?? "does not pass"],
    ["repeat of", found.repeat_of],
    ["paused", found.gate.paused_since === null ? null : `since ${found.gate.paused_since}`],
    ["error", found.error],
    ["answer", `${found.answer.status} ${found.answer.body}`],
  ];
  for (const [name, text] of lines) {
    if (text !== null) terminal.line([name.padEnd(10), "dim"], text);
  }
}

/** What people call it, who read "refused" on every page. */
const wordOf = (word: string) => word === "rejected" ? "refused" : word;

async function ask(
  remote: Remote,
  { id, file, source, header }: ExplainOptions,
): Promise<Explanation> {
  if ((id === undefined) === (file === undefined)) {
    throw new Refusal("Name a message by its id, or a --file with its --source", EXIT.wrongUse);
  }
  if (id !== undefined && !isId(id)) {
    throw new Refusal(
      `"${id.slice(0, 80)}" is no message's id. Its page shows it, and otto tail does`,
      EXIT.wrongUse,
    );
  }
  if (id !== undefined) return await remote.read(`/api/messages/${encodeURIComponent(id)}/explain`);
  if (source === undefined) throw new Refusal("--file needs a --source", EXIT.wrongUse);
  const headers = headersOf(header);
  if (!headers.has("content-type")) headers.set("content-type", "application/json");
  const senders = headers.get("authorization");
  if (senders !== null) headers.set("x-sender-authorization", senders);
  return await remote.read(`/webhook/${encodeURIComponent(source)}/explain`, {
    method: "POST",
    headers,
    body: new Uint8Array(readGiven(file!, "--file")),
  });
}
