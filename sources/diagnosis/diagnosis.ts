import { oneLine } from "../kit/line.ts";
import { secretVariable } from "../kit/secret_variable.ts";
import { hintFor, recogniseSender } from "./fingerprint.ts";
import { rewrittenBodies } from "../kit/rewritten.ts";
import { plainRequest } from "../kit/incoming.ts";
import type { Incoming, Source, Verdict } from "../source.ts";

/** The longest diagnosis, in characters: a verdict and one cause, to be read in one line of the quarantine. */
const MOST_LENGTH = 600;
/** The most secrets of other sources that are tried, because each costs a signature. */
const MOST_SECRETS = 48;

/** What the operator has set, by the name of its variable. */
interface Keyring {
  /** The secrets that count for the source which the request was sent to. */
  own: readonly string[];
  /** The variable for those. */
  variable: string;
  /** All that are set, of all sources. */
  all: ReadonlyMap<string, readonly string[]>;
  /** No longer accepted; known only to tell an old secret from a forgery. */
  retired: readonly string[];
  /** The sources there are, by name. */
  sources: Readonly<Record<string, Source>>;
}

type RefusedVerdict = Extract<Verdict, { ok: false }>;

/**
 * Why a request was refused, in one line for a person who can change something:
 * the verdict, and what the signature fits instead. It names variables and
 * never a secret, and is for the operator only: a sender who heard it could
 * find out what is set.
 */
export async function diagnose(
  refused: Pick<RefusedVerdict, "code" | "message" | "hint">,
  request: Incoming,
  { name, source }: { name: string; source: Source },
  keyring: Keyring,
): Promise<string> {
  const cause = await causeOf(refused, request, { name, source }, keyring)
    .catch(() => undefined);
  const encoded = encodingOf(request);
  return oneLine(
    `${refused.message}. ${encoded ? `${encoded} ` : ""}${cause ?? refused.hint}`,
    MOST_LENGTH,
  );
}

/** What a body's encoding has to do with it: a proxy may have encoded what was signed, or decoded it. */
function encodingOf(request: Incoming): string | undefined {
  const encoding = request.headers.get("content-encoding");
  if (!encoding) return undefined;
  const checked = plainRequest(request)
    ? "the signature was checked on its bytes as they came and as they were decoded"
    : "the signature was checked on its bytes as they came: they could not be decoded";
  return `Its Content-Encoding is ${encoding.slice(0, 60)}; ${checked}.`;
}

async function causeOf(
  { code }: Pick<RefusedVerdict, "code">,
  request: Incoming,
  { name, source }: { name: string; source: Source },
  keyring: Keyring,
): Promise<string | undefined> {
  switch (code) {
    case "timestamp_outside_window":
      return "The signature itself is right: the sender's clock or this machine's is wrong by " +
        "that much, or the request was held back on its way, or somebody sent an old one again.";
    case "secret_unusable":
      return undefined;
    case "signature_mismatch":
      return await differentSecret(request, source, keyring) ??
        await differentBody(request, source, keyring) ??
        await differentUrl(request, source, keyring) ??
        await differentSource(request, name, keyring) ??
        `It fits no secret that is set, in none of the usual writings of its body: either the ` +
          `sender has another secret than ${keyring.variable}, or this was not the sender.`;
    default:
      return await differentSource(request, name, keyring);
  }
}

/** Whether a signature is right, whatever its time is, on the body as it came or as it was before it was encoded. */
async function fits(source: Source, request: Incoming, secrets: readonly string[]) {
  const plain = plainRequest(request);
  for (const each of plain ? [request, plain] : [request]) {
    const verdict = await source.verify?.(each, secrets);
    if (verdict && (verdict.ok || verdict.code === "timestamp_outside_window")) return true;
  }
  return false;
}

async function differentSecret(
  request: Incoming,
  source: Source,
  { own, variable, all, retired }: Keyring,
): Promise<string | undefined> {
  if (retired.length > 0 && await fits(source, request, retired)) {
    return `It fits a secret in RETIRED_WEBHOOK_SECRETS: the sender still has the previous one. ` +
      `Give the sender the new one, or put the old one beside it in ${variable} meanwhile.`;
  }
  for (const [altered, how] of own.flatMap(alteredSecrets)) {
    if (await fits(source, request, [altered])) {
      return `It fits the secret in ${variable} ${how}: set it anew at the sender, or here.`;
    }
  }
  const others = [...all].flatMap(([other, secrets]) => secrets.map((secret) => [other, secret]))
    .filter(([, secret]) => !own.includes(secret)).slice(0, MOST_SECRETS);
  for (const [other, secret] of others) {
    if (await fits(source, request, [secret])) {
      return `It fits the secret in ${other}: set ${variable} to that one, or give the sender its own.`;
    }
  }
  return undefined;
}

/** The secret as it often becomes when somebody copies it, and what is wrong with it then. */
function alteredSecrets(secret: string): [altered: string, how: string][] {
  const bare = secret.replace(/^(["'])(.*)\1$/, "$2");
  return [
    [`${secret}\n`, "with a line break at its end"],
    [` ${secret}`, "with a space before it"],
    [`${secret} `, "with a space after it"],
    [`"${secret}"`, "in quotes"],
    ...(bare === secret ? [] : [[bare, "without its quotes"] as [string, string]]),
  ];
}

async function differentBody(
  request: Incoming,
  source: Source,
  { own }: Keyring,
): Promise<string | undefined> {
  const signed = plainRequest(request) ?? request;
  for (const { body, is } of rewrittenBodies(signed.body)) {
    if (await fits(source, { ...signed, body }, own)) {
      return `It fits ${is}: something on the way (a proxy, a gateway) writes bodies anew. ` +
        "Let it forward them unchanged.";
    }
  }
  return undefined;
}

async function differentUrl(
  request: Incoming,
  source: Source,
  { own }: Keyring,
): Promise<string | undefined> {
  for (const url of otherUrls(request)) {
    if (!await fits(source, { ...request, url }, own)) continue;
    const { origin } = new URL(url);
    return origin === new URL(request.url).origin
      ? `It fits the URL ${url}: give the sender ${request.url} instead.`
      : `It fits the URL ${url}: set PUBLIC_URL=${origin}, the address that the sender has on file.`;
  }
  return undefined;
}

/** The addresses under which a sender may know this one. */
function otherUrls({ url, headers }: Incoming): string[] {
  const given = URL.parse(url);
  if (!given) return [];
  const hosts = [given.host, headers.get("host"), headers.get("x-forwarded-host"), given.hostname]
    .flatMap((host) => host?.split(",").map((each) => each.trim()) ?? []);
  const { pathname, search } = given;
  const paths = [pathname + search, `${pathname}/${search}`, pathname];
  const urls = new Set<string>();
  for (const host of hosts.slice(0, 6)) {
    for (const scheme of ["https", "http"]) {
      for (const path of paths) {
        if (URL.canParse(`${scheme}://${host}${path}`)) urls.add(`${scheme}://${host}${path}`);
      }
    }
  }
  urls.delete(url);
  return [...urls];
}

async function differentSource(
  request: Incoming,
  name: string,
  { all, sources }: Keyring,
): Promise<string | undefined> {
  const sender = recogniseSender(request.headers);
  const names = Object.keys(sources);
  // The likeliest first; a token, or a signature over the body alone, may be of any of them.
  for (const other of sender ? [sender, ...names] : names) {
    const source = sources[other];
    if (other === name) continue;
    const variables = [source.secretVariable ?? "", secretVariable(other)];
    const secrets = variables.flatMap((variable) => all.get(variable) ?? []);
    if (secrets.length > 0 && await fits(source, request, secrets)) {
      return `It is signed as ${
        source.label ?? other
      } signs, with its secret: send it to /webhook/${other}.`;
    }
  }
  const hint = hintFor(request.headers, name);
  return hint && `It ${hint}.`;
}
