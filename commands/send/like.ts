import { isSentAgain } from "../../sources/kit/sent_headers.ts";
import { type Config, secretsOf } from "../../lib/config/config.ts";
import { Refusal } from "../../lib/process/refusal.ts";
import { isId } from "../../lib/store/id.ts";
import { withMark } from "../../sources/kit/sample.ts";
import { signedAs } from "../../sources/kit/signed.ts";
import { type Registry, variableOf } from "../../sources/rules/registry.ts";
import { EXIT } from "../exit.ts";
import type { Remote } from "../remote.ts";

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
 * @param options `remote` keeps it; `origin` and `path` are what the signature is made for, the path
 * being the sender's where none is given.
 * @throws {Refusal} in words when it cannot be had, or not be signed.
 */
export async function makeLike(
  { config, sources }: { config: Config; sources: Registry },
  { id, remote, origin, path }: { id: string; remote: Remote; origin: string; path?: string },
): Promise<Like> {
  if (!isId(id)) {
    throw new Refusal(
      `--like needs a message's id, and "${id.slice(0, 80)}" is none`,
      EXIT.wrongUse,
    );
  }
  const kept = await remote.read<Kept>(`/api/messages/${id}`);
  const answer = await remote.ask(`/api/messages/${id}/body`);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const { webhook_type: type, delivery_id, event } = kept;
  const { name, source } = sources.find(type);
  const notes: string[] = [];
  const shown = Object.entries(kept.headers).filter(([header]) => isSentAgain(header));
  const { headers, body: same, isFresh } = withFreshId(
    { headers: shown.filter(([, value]) => !value.includes(MASK)), body: bytes },
    delivery_id,
  );
  if (delivery_id !== null && !isFresh) {
    notes.push("its delivery id could not be made new: Otto takes it for a repeat");
  }
  const secret = secretsOf(config, name, source.secretVariable)[0];
  const canSign = source.sign !== undefined || source.prove !== undefined;
  const body = secret && canSign ? asNew(same, bytes) : same;
  if (body !== same) {
    notes.push(
      "its body has one more field, otto_sample: the same signed bytes make no second task",
    );
  }
  const incoming = {
    type,
    method: "POST",
    url: origin + (path ?? pathOf(kept.url, type)),
    headers: new Headers([["host", new URL(origin).host], ...headers]),
    body,
    queryForm: undefined,
    receivedAt: Date.now(),
  };
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

/** A signed body that is none that was kept: where its id was not made new in it, by a mark. */
function asNew(body: Uint8Array, kept: Uint8Array): Uint8Array {
  const text = body === kept ? textOf(body) : undefined;
  const marked = text === undefined ? undefined : withMark(text, crypto.randomUUID());
  return marked === undefined || marked === text ? body : new TextEncoder().encode(marked);
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
