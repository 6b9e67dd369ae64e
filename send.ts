import process from "node:process";
import { listEvents, makeSample } from "./handlers/webhook/sample.ts";
import { makeLike } from "./handlers/webhook/like.ts";
import { Problem } from "./handlers/problem.ts";
import { type Config, readConfig } from "./lib/config/config.ts";
import { errorText } from "./lib/process/log.ts";
import { maskUrl } from "./lib/redaction/mask.ts";
import { Refusal } from "./lib/process/refusal.ts";
import { run } from "./lib/process/run.ts";
import { readSources } from "./lib/config/source_file.ts";

const HELP = `Sends a sample webhook, signed with the secret that is set for its source.

  send.ts                        list all sources and their events
  send.ts github                 send one of each event of GitHub's
  send.ts github push            send a push
  send.ts github push --to URL   … to another Otto, or to any URL
  send.ts --like ID              send a message again that Otto keeps: with a delivery id of its own,
                                 signed anew; reads it with ADMIN_TOKEN

Without --to it goes to PUBLIC_URL, or to this machine. A URL without a path gets /webhook/{source}.`;

/** More than Otto gives the body of a request (10 s), so that its own answer is seen. */
const SEND_MS = 15_000;

/** Sends samples: args → request, signed → answer. Ends with 1 when one is not accepted. */
await run(async (signal) => {
  const { help, to, like, name, event } = readArguments(process.argv.slice(2));
  if (help) return console.log(HELP);
  const config = readConfig();
  const sources = readSources(config);
  const target = new URL(to ?? config.publicUrl ?? `http://localhost:${config.port}`);
  if (like !== undefined) return await sendLike(like, { config, sources, target, signal });
  const events = listEvents(sources);
  if (name === undefined) {
    for (const [source, names] of events) console.log(`${source.padEnd(18)} ${names.join(", ")}`);
    return;
  }
  const known = events.get(name);
  if (!known || event && !known.includes(event)) {
    throw new Refusal(
      known
        ? `There is no sample "${event}" of ${name}. There are: ${known.join(", ")}`
        : `There is no sample of "${name}". There are samples of: ${[...events.keys()].join(", ")}`,
    );
  }
  let failed = 0;
  for (const each of event ? [event] : known) {
    // Signatures that cover the URL cover the one Otto knows itself by.
    const sample = await makeSample({ config, sources }, {
      name,
      event: each,
      origin: config.publicUrl ?? target.origin,
      path: target.pathname === "/" ? undefined : target.pathname + target.search,
    }).catch((error) => {
      throw error instanceof Problem ? new Refusal(`${error.message}. ${error.hint}.`) : error;
    });
    const { pathname, search } = new URL(sample.url);
    const url = target.origin + pathname + search;
    const shown = maskUrl(url, sources.all[name].secretNames);
    if (!await send(sample, { url, shown, event: each, signal })) failed++;
  }
  if (failed > 0) throw new Refusal(`${failed} not accepted`);
}, () => undefined);

/** Sends a kept message as a new delivery. */
async function sendLike(
  id: string,
  { config, sources, target, signal }: {
    config: Config;
    sources: ReturnType<typeof readSources>;
    target: URL;
    signal: AbortSignal;
  },
): Promise<void> {
  const origin = config.publicUrl ?? target.origin;
  const like = await makeLike({ config, sources }, { id, from: target.origin, origin, signal });
  const { pathname, search } = new URL(like.request.url);
  const url = target.origin + pathname + search;
  const shown = maskUrl(url, sources.find(like.type).source.secretNames);
  for (const note of like.notes) console.log(`Note: ${note}`);
  if (!await send(like.request, { url, shown, event: like.event, signal })) {
    throw new Refusal("It was not accepted");
  }
}

async function send(
  sample: Request,
  { url, shown, event, signal }: { url: string; shown: string; event: string; signal: AbortSignal },
) {
  const headers = new Headers(sample.headers);
  headers.delete("host");
  const answer = await fetch(url, {
    method: "POST",
    headers,
    body: await sample.arrayBuffer(),
    redirect: "manual",
    signal: AbortSignal.any([signal, AbortSignal.timeout(SEND_MS)]),
  }).catch((error) => {
    throw new Refusal(`Cannot send to ${shown}: ${errorText(error)}`);
  });
  const said = (await answer.text()).slice(0, 2_000).trim();
  console.log(`${event.padEnd(30)} ${answer.status} ${said}`);
  return answer.ok;
}

function readArguments(given: string[]) {
  const words = given.filter((word) => word !== "--help");
  const at = words.indexOf("--to");
  const [, to] = at < 0 ? [] : words.splice(at, 2);
  const liked = words.indexOf("--like");
  const [, like] = liked < 0 ? [] : words.splice(liked, 2);
  if (liked >= 0 && (like === undefined || words.length > 0)) {
    throw new Refusal("--like needs a message's id, and names no source besides");
  }
  const unknown = words.find((word) => word.startsWith("-"));
  if (unknown || words.length > 2 || (at >= 0 && !isHttp(to))) {
    throw new Refusal(
      unknown
        ? `Cannot understand "${unknown}"; --help says what there is`
        : words.length > 2
        ? "Name one source and one event; --help says how"
        : "--to needs a URL that starts with http:// or https://",
    );
  }
  const [name, event] = words;
  return { help: given.includes("--help"), to, like, name: name?.toLowerCase(), event };
}

function isHttp(text: string | undefined): boolean {
  return /^https?:$/.test(URL.parse(text ?? "")?.protocol ?? "");
}
