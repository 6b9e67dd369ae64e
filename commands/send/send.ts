import { listEvents, makeSample } from "../../handlers/webhook/sample.ts";
import { Problem } from "../../handlers/problem.ts";
import { type Config, readConfig } from "../../lib/config/config.ts";
import { readSources } from "../../lib/config/source_file.ts";
import { Refusal } from "../../lib/process/refusal.ts";
import { maskUrl } from "../../lib/redaction/mask.ts";
import { GENERIC, type Registry } from "../../sources/rules/registry.ts";
import { EXIT } from "../exit.ts";
import { headersOf } from "../headers.ts";
import { openRemote, problemIn, reach, type Remote } from "../remote.ts";
import type { Shell } from "../shell.ts";
import type { Terminal } from "../terminal.ts";
import { toneOf } from "../tail/line.ts";
import { readGiven, requireOrigin } from "../target.ts";
import { makeLike } from "./like.ts";
import { seeOutcome, type SentOutcome } from "./outcome.ts";

/** More than Otto gives the body of a request (10 s), so that its own answer is seen. */
const SEND_MS = 15_000;
const TYPE = /^[\w.-]{1,64}$/;

/** What is sent, and where to. */
interface SendOptions {
  source?: string;
  event?: string;
  to?: string;
  like?: string;
  file?: string;
  header: string[];
  count: number;
  /** Whether to wait a little for what becomes of each. */
  wait: boolean;
}

/**
 * Sends samples, bytes of one's own or what Otto keeps, signed; else it lists what there is.
 *
 * @throws {Refusal} when there is no such sample, nobody answers, or one is not accepted.
 */
export async function send(shell: Shell, options: SendOptions): Promise<void> {
  const config = readConfig();
  const sources = readSources(config);
  if (options.like !== undefined) {
    return await sendLike(shell, { config, sources }, { ...options, like: options.like });
  }
  if (options.source === undefined) return listSamples(shell, sources, options);
  const { type, name, events } = chooseEvents(sources, { ...options, source: options.source });
  const target = targetOf(shell, options.to);
  const outcomes = outcomesOf(shell, target, options);
  const given = {
    body: options.file === undefined ? undefined : readGiven(options.file, "--file"),
    headers: headersOf(options.header),
  };
  let failed = 0;
  for (const event of events.flatMap((each) => Array<string>(options.count).fill(each))) {
    // Signatures that cover the URL cover the one Otto knows itself by.
    const sample = await makeSample({ config, sources }, {
      name,
      event,
      given,
      origin: config.publicUrl ?? target.origin,
      path: target.path ?? (name === GENERIC && type === GENERIC ? undefined : `/webhook/${type}`),
    }).catch((error) => {
      throw error instanceof Problem ? new Refusal(`${error.message}. ${error.hint}.`) : error;
    });
    const { secretNames } = sources.all[name];
    if (!await sendOne(shell, { sample, target, event, secretNames, outcomes })) failed++;
  }
  if (failed > 0) throw new Refusal(`${failed} not accepted`);
}

/** Sends a kept message as new deliveries. @throws {Refusal} as above */
async function sendLike(
  shell: Shell,
  services: { config: Config; sources: Registry },
  options: SendOptions & { like: string },
): Promise<void> {
  const { like: id, source, to, count } = options;
  if (source !== undefined) {
    throw new Refusal("--like sends what Otto keeps: name no source besides", EXIT.wrongUse);
  }
  const target = targetOf(shell, to);
  const origin = services.config.publicUrl ?? target.origin;
  const remote = shell.remote();
  const outcomes = outcomesOf(shell, target, options);
  let failed = 0;
  for (let sent = 0; sent < count; sent++) {
    const like = await makeLike(services, { id, remote, origin, path: target.path });
    if (sent === 0) { for (const note of like.notes) shell.terminal.say(`Note: ${note}`); }
    const { secretNames } = services.sources.find(like.type).source;
    const { request: sample, event } = like;
    if (!await sendOne(shell, { sample, target, event, secretNames, outcomes })) failed++;
  }
  if (failed > 0) throw new Refusal(`${failed} not accepted`);
}

/** Where to see what becomes of a message; undefined where nobody waits for it. */
interface Outcomes {
  see?: (id: string) => Promise<SentOutcome>;
}

/** Of many messages nobody reads the ends one by one, so none is waited for. */
function outcomesOf(
  shell: Shell,
  { origin }: { origin: string },
  { wait, count }: SendOptions,
): Outcomes {
  if (!wait || count > 1) return {};
  const { signal } = shell;
  const own = shell.target();
  // The token is for the Otto that is meant, and for no other.
  const remote: Remote = own.origin === origin
    ? shell.remote()
    : openRemote({ origin, by: "--to" }, signal);
  const outcomes: Outcomes = {
    async see(id) {
      const outcome = await seeOutcome(remote, { id, signal });
      // Where one has not ended in time, or nothing is told, the next would be waited for in vain.
      if (!outcome.settled) outcomes.see = undefined;
      return outcome;
    },
  };
  return outcomes;
}

function listSamples({ terminal }: Shell, sources: Registry, { file, to }: SendOptions): void {
  if (file !== undefined || to !== undefined) {
    throw new Refusal("Name a source: otto send github --to …", EXIT.wrongUse);
  }
  for (const [source, events] of listEvents(sources)) {
    if (terminal.json) terminal.object({ source, events });
    else terminal.line(`${source.padEnd(18)} ${events.join(", ")}`);
  }
}

/** @throws {Refusal} when there is no sample of it, and no body is given. */
function chooseEvents(
  sources: Registry,
  { source, event, file }: SendOptions & { source: string },
): { type: string; name: string; events: string[] } {
  const type = source.toLowerCase();
  if (!TYPE.test(type)) {
    throw new Refusal(`"${source}" can be no name in a webhook's URL`, EXIT.wrongUse);
  }
  const { name } = sources.find(type);
  if (file !== undefined) return { type, name, events: [event ?? "file"] };
  const all = listEvents(sources);
  const known = name === GENERIC && type !== GENERIC ? undefined : all.get(name);
  if (known && (event === undefined || known.includes(event))) {
    return { type, name, events: event === undefined ? known : [event] };
  }
  throw new Refusal(
    known
      ? `There is no sample "${event}" of ${name}. There are: ${known.join(", ")}`
      : `There is no sample of "${source}". Give a body of your own with --file, or take one of: ` +
        [...all.keys()].join(", "),
    EXIT.wrongUse,
  );
}

/** Where it is sent; without a path the source's own is called. */
function targetOf(shell: Shell, to: string | undefined): { origin: string; path?: string } {
  if (to === undefined) return { origin: shell.target().origin };
  const origin = requireOrigin(to, "--to");
  const { pathname, search } = new URL(to);
  return { origin, path: pathname === "/" ? undefined : pathname + search };
}

/** Sends one and says what became of it; false when it was not accepted. */
async function sendOne(
  { terminal, signal }: Shell,
  { sample, target, event, secretNames, outcomes }: {
    sample: Request;
    target: { origin: string };
    event: string;
    secretNames?: readonly string[];
    outcomes: Outcomes;
  },
): Promise<boolean> {
  const { pathname, search } = new URL(sample.url);
  const url = target.origin + pathname + search;
  const headers = new Headers(sample.headers);
  headers.delete("host");
  const answer = await reach(url, {
    method: "POST",
    headers,
    body: await sample.arrayBuffer(),
    signal: AbortSignal.any([signal, AbortSignal.timeout(SEND_MS)]),
  });
  const said = (await answer.text()).slice(0, 2_000).trim();
  const id = answer.headers.get("x-message-id");
  const link = answer.ok && id ? `${target.origin}/messages/${encodeURIComponent(id)}` : undefined;
  if (!terminal.json) {
    terminal.line(
      event.padEnd(30),
      [` ${answer.status} `, answer.ok ? "good" : "bad"],
      link ?? sentence(said),
    );
  }
  const outcome = link && id ? await outcomes.see?.(id) : undefined;
  if (terminal.json) {
    const { settled: _, ...shown } = outcome ?? {};
    terminal.object({
      event,
      status: answer.status,
      url: maskUrl(url, secretNames),
      message_id: id,
      link: link ?? null,
      answer: said,
      outcome: outcome ? shown : null,
    });
  } else if (outcome) tell(terminal, outcome);
  return answer.ok;
}

/** What became of it, and below it why or what came of it. */
function tell(terminal: Terminal, { phase = "", title = "", link = "", said }: SentOutcome): void {
  if (phase) {
    terminal.line("  ", [phase.padEnd(10), toneOf(phase)], ` ${title}`, [`  ${link}`, "dim"]);
  }
  if (said) terminal.line("  ", phase ? " ".repeat(11) : "", said);
}

function sentence(said: string): string {
  const problem = problemIn(said);
  return problem ? `${problem.code}: ${problem.message}. ${problem.hint}` : said;
}
