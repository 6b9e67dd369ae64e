import { isSentAgain } from "../../sources/kit/sent_headers.ts";
import { type Config, secretsOf } from "../../lib/config/config.ts";
import { Refusal } from "../../lib/process/refusal.ts";
import { isId } from "../../lib/store/id.ts";
import { signedAs } from "../../sources/kit/signed.ts";
import { type Registry, variableOf } from "../../sources/rules/registry.ts";

/** More than Otto takes for an answer of its own. */
const ASK_MS = 15_000;
/** Stands where Otto shows no secret. */
const MASK = "•••";

/** What is asked of a kept message. */
interface Kept {
  webhook_type: string;
  event: string | null;
  delivery_id: string | null;
  url: string;
  headers: Record<string, string>;
}

/** A kept message as a new delivery of its sender. */
export interface Like {
  request: Request;
  /** The name in the URL, and the event. */
  type: string;
  event: string;
  /** What is other than the sender would have it, in words. */
  notes: string[];
}

/**
 * A message that a running Otto keeps, to be sent once more: with a delivery id of its own, signed
 * anew with the secret that is set here.
 *
 * @param options `from` is the Otto that keeps it, `origin` the one that the signature is made for.
 * @throws {Refusal} in words when it cannot be had, or not be signed.
 */
export async function makeLike(
  { config, sources }: { config: Config; sources: Registry },
  { id, from, origin, signal }: { id: string; from: string; origin: string; signal: AbortSignal },
): Promise<Like> {
  if (!isId(id)) throw new Refusal(`--like needs a message's id, and "${id.slice(0, 80)}" is none`);
  const ask = (path: string) => askOtto(config, { url: `${from}${path}`, id, signal });
  const kept = await (await ask(`/api/messages/${id}`)).json() as Kept;
  const bytes = new Uint8Array(await (await ask(`/api/messages/${id}/body`)).arrayBuffer());
  const { webhook_type: type, delivery_id, event } = kept;
  const { name, source } = sources.find(type);
  const notes: string[] = [];
  const shown = Object.entries(kept.headers).filter(([header]) => isSentAgain(header));
  const { headers, body, isFresh } = withFreshId(
    { headers: shown.filter(([, value]) => !value.includes(MASK)), body: bytes },
    delivery_id,
  );
  if (delivery_id !== null && !isFresh) {
    notes.push("its delivery id could not be made new: Otto takes it for a repeat");
  }
  const incoming = {
    type,
    method: "POST",
    url: origin + pathOf(kept.url, type),
    headers: new Headers([["host", new URL(origin).host], ...headers]),
    body,
    queryForm: undefined,
    receivedAt: Date.now(),
  };
  const secret = secretsOf(config, name, source.secretVariable)[0];
  const canSign = source.sign !== undefined || source.prove !== undefined;
  if (source.verify && !(secret && canSign)) {
    notes.push(
      canSign
        ? `it is not signed: set ${variableOf({ name, source })}`
        : "it is not signed: only the sender has the key",
    );
  }
  const sent = secret && canSign
    ? await signedAs(source, incoming, secret).catch(() => {
      throw new Refusal(
        `Cannot sign it: ${variableOf({ name, source })} is set to what cannot be its secret. ` +
          "Set it to what the sender shows",
      );
    })
    : incoming;
  return {
    request: new Request(sent.url, {
      method: "POST",
      headers: sent.headers,
      body: sent.body as BodyInit,
    }),
    type,
    event: event ?? type,
    notes,
  };
}

/** @throws {Refusal} when Otto does not answer, or has no such message. */
async function askOtto(
  { adminToken, readToken }: Pick<Config, "adminToken" | "readToken">,
  { url, id, signal }: { url: string; id: string; signal: AbortSignal },
): Promise<Response> {
  const token = adminToken ?? readToken;
  const { origin } = new URL(url);
  const answer = await fetch(url, {
    headers: { accept: "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) },
    redirect: "manual",
    signal: AbortSignal.any([signal, AbortSignal.timeout(ASK_MS)]),
  }).catch(() => {
    throw new Refusal(`Nothing answers at ${origin}. Is Otto running? --to names another one`);
  });
  if (answer.ok) return answer;
  await answer.body?.cancel();
  throw new Refusal(
    answer.status === 401 || answer.status === 403
      ? `${origin} does not show its messages: set ADMIN_TOKEN to the token it was started with`
      : answer.status === 404
      ? `${origin} has no message ${id}`
      : answer.status === 410
      ? `The body of ${id} is gone: it was older than BODY_RETENTION_DAYS`
      : `${origin} answered ${answer.status} when it was asked for the message ${id}`,
  );
}

interface Parts {
  headers: [name: string, value: string][];
  body: Uint8Array;
}

/** The delivery's id is in a header or in the body, wherever its text stands; both may name it. */
function withFreshId({ headers, body }: Parts, id: string | null): Parts & { isFresh: boolean } {
  if (id === null || id.length < 6) return { headers, body, isFresh: false };
  const fresh = freshLike(id);
  const text = textOf(body);
  const isInHeaders = headers.some(([, value]) => value.includes(id));
  const isInBody = text?.includes(id) ?? false;
  return {
    headers: headers.map(([name, value]) => [name, value.replaceAll(id, fresh)]),
    body: isInBody ? new TextEncoder().encode(text!.replaceAll(id, fresh)) : body,
    isFresh: isInHeaders || isInBody,
  };
}

/** An id of the same shape, so that whoever checks the shape takes it. */
function freshLike(id: string): string {
  if (isId(id)) return crypto.randomUUID();
  const random = crypto.randomUUID().replaceAll("-", "");
  if (/^\d+$/.test(id)) return String(Date.now()).padEnd(id.length, "0").slice(-id.length);
  const kept = Math.max(...["_", "-", ":", ".", "/"].map((mark) => id.lastIndexOf(mark))) + 1;
  return id.slice(0, kept) + random.slice(0, 24);
}

/** Its text; undefined for what is none, or was encoded. */
function textOf(body: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return undefined;
  }
}

/** The path that it was sent to; parameters that were secrets are not known here. */
function pathOf(url: string, type: string): string {
  const { searchParams } = URL.parse(url) ?? new URL(`http://otto/webhook/${type}`);
  const open = new URLSearchParams([...searchParams].filter(([, value]) => !value.includes(MASK)));
  return `/webhook/${type}${open.size > 0 ? `?${open}` : ""}`;
}
