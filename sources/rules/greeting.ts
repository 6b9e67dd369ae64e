import { z } from "zod";
import { echo, parameter } from "../kit/challenge.ts";
import { contentOf, payloadOf } from "../kit/incoming.ts";
import { readQuery } from "../kit/query.ts";
import { isSecret } from "../signature/signature.ts";
import { type Filter, heldBackBy } from "./filter.ts";
import { filter } from "./filter_settings.ts";
import { parsePath, pathExpressionFault, textAt } from "./path_expression.ts";
import type { HandshakeReply, Incoming, Source, SourceSecrets } from "../source.ts";

/** A handshake or a ping is short: a longer body is not parsed before its sender is checked. */
const MOST_BYTES = 8_192;

const QUERY = /^query:([\w.$~-]{1,100})$/;

const place = z.string().max(300).superRefine((text, context) => {
  if (QUERY.test(text)) return;
  const fault = pathExpressionFault(text);
  if (fault === undefined) return;
  context.addIssue({
    code: "custom",
    message: `${fault}, or "query:" and the name of a parameter in the URL`,
  });
});

const mediaType = z.string().regex(/^[\w.+-]{1,60}\/[\w.+-]{1,60}(; ?charset=[\w-]{1,40})?$/, {
  error: 'must be a content type, such as "text/plain" or "text/xml; charset=utf-8"',
});

const CHALLENGE_PART = "{challenge}";
const status = z.number().int().min(200, {
  error: "must be from 200 to 299: any other says that it was not taken",
}).max(299, { error: "must be from 200 to 299: any other says that it was not taken" });

const greeting = z.strictObject({
  method: z.enum(["POST", "GET", "HEAD", "OPTIONS"], {
    error: 'must be "POST", "GET", "HEAD" or "OPTIONS"',
  }).default("POST"),
  when: filter.optional(),
  challenge: place.optional(),
  token: place.optional(),
  signed: z.boolean().default(false),
  status: status.default(200),
  type: mediaType.optional(),
  text: z.string().max(2_000).optional(),
  header: z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/, {
    error: "must be the name of a header, without a colon",
  }).optional(),
}).superRefine(({ method, when, challenge, token, signed, text, header }, context) => {
  const fault = (path: string, message: string) =>
    context.addIssue({ code: "custom", path: [path], message });
  if (challenge === undefined && (header || text?.includes(CHALLENGE_PART))) {
    fault("challenge", "is missing: say where the challenge stands that is given back");
  }
  if (method === "POST" && !challenge && !when) {
    fault("when", "is missing: without it and without a challenge all events would be handshakes");
  }
  if (method !== "POST" && signed) {
    fault("signed", "is for POST: what comes by another method is answered before it is verified");
  }
  if (method !== "POST") {
    for (const [name, path] of [["challenge", challenge], ["token", token]]) {
      if (path !== undefined && !path.startsWith("query:") && !path.startsWith("header:")) {
        fault(name!, `must be in the URL ("query:…") or in a header: a ${method} has no body`);
      }
    }
  }
});

/** What a sender asks before it sends events, and how it is answered: see docs/sources-file.md. */
export const handshake = z.preprocess(
  (given) => given !== undefined && !Array.isArray(given) ? [given] : given,
  z.array(greeting).min(1).max(8),
);

/** What an accepted message is answered with, instead of Otto's own JSON. */
export const answer = z.strictObject({
  status: status.default(200),
  type: mediaType.optional(),
  text: z.string().max(10_000).optional(),
}).superRefine(({ status, text }, context) => {
  if (text && (status === 204 || status === 205)) {
    context.addIssue({
      code: "custom",
      path: ["text"],
      message: `cannot be there: an answer with the status ${status} has no text`,
    });
  }
});

type Greeting = z.output<typeof greeting>;

/** What the file says of how a sender is answered. */
export interface GreetingSettings {
  handshake?: Greeting[];
  ping?: Filter;
  answer?: z.output<typeof answer>;
}

/** `probe`, `handshake` and `answer` of a source, with what the file says before what it has itself. */
export function greeted(
  { handshake = [], ping, answer }: GreetingSettings,
  base: Source,
): Pick<Source, "probe" | "handshake" | "answer"> {
  const unsigned = handshake.filter(({ signed }) => !signed);
  const signed = handshake.filter(({ signed }) => signed);
  const reply = answer && toReply(answer);
  return {
    probe: unsigned.length > 0 || ping
      ? async (request, known) =>
        await firstAnswer(unsigned, request, known) ??
          (ping && isPing(ping, request) ? reply ?? { status: 200 } : undefined) ??
          await base.probe?.(request, known)
      : base.probe,
    handshake: signed.length > 0
      ? async (request, known) =>
        await firstAnswer(signed, request, known) ?? await base.handshake?.(request, known)
      : base.handshake,
    answer: reply ? () => reply : base.answer,
  };
}

function toReply({ status, type, text = "" }: z.output<typeof answer>): HandshakeReply {
  return {
    status,
    contentType: type ?? (text === "" ? undefined : "text/plain; charset=utf-8"),
    body: text === "" ? undefined : text,
  };
}

function isPing(ping: Filter, request: Incoming): boolean {
  return request.method === "POST" && contentOf(request).length <= MOST_BYTES &&
    heldBackBy(ping, { headers: request.headers, payload: payloadOf(request) }) === undefined;
}

async function firstAnswer(
  greetings: readonly Greeting[],
  request: Incoming,
  known: SourceSecrets,
): Promise<HandshakeReply | undefined> {
  for (const greeting of greetings) {
    const reply = await answerTo(greeting, request, known);
    if (reply) return reply;
  }
}

async function answerTo(
  greeting: Greeting,
  request: Incoming,
  { verifyTokens }: SourceSecrets,
): Promise<HandshakeReply | undefined> {
  if (request.method !== greeting.method) return undefined;
  if (!greeting.signed && contentOf(request).length > MOST_BYTES) return undefined;
  const { headers } = request;
  // A greeting by GET has all that it says in its URL.
  const payload = payloadOf(readQuery({}, request));
  if (greeting.when && heldBackBy(greeting.when, { headers, payload }) !== undefined) {
    return undefined;
  }
  const find = (path: string) => {
    const [, name] = QUERY.exec(path) ?? [];
    return name === undefined ? textAt(path, { headers, payload }) : parameter(request.url, name);
  };
  const challenge = greeting.challenge && find(greeting.challenge);
  if (greeting.challenge && !challenge) return undefined;
  if (greeting.token && !await isSecret(find(greeting.token), verifyTokens)) {
    return {
      status: 403,
      contentType: "text/plain; charset=utf-8",
      body: "The word that should prove who asks is not the one that is set for it",
    };
  }
  return giveBack(greeting, challenge || undefined);
}

/** The challenge as the sender wants it back: all that is not a short token is refused. */
function giveBack(greeting: Greeting, challenge: string | undefined): HandshakeReply {
  const { status, header } = greeting;
  if (challenge !== undefined) {
    const plain = echo(challenge);
    if (plain.status !== 200) return plain;
  }
  const { text, type } = textOf(greeting);
  const body = text.replaceAll(CHALLENGE_PART, () => challenge ?? "");
  return {
    status,
    contentType: body === "" ? undefined : type,
    body: body === "" ? undefined : body,
    headers: header && challenge !== undefined ? { [header.toLowerCase()]: challenge } : undefined,
  };
}

/** As it was asked for: a challenge out of JSON is given back in JSON, under its own name. */
function textOf({ challenge, text, type, header }: Greeting): { text: string; type: string } {
  const plain = "text/plain; charset=utf-8";
  if (text !== undefined) {
    return { text, type: type ?? (/^\s*[{[]/.test(text) ? "application/json" : plain) };
  }
  if (challenge === undefined || header !== undefined) return { text: "", type: type ?? plain };
  const isElsewhere = /^(query|header):/.test(challenge);
  const name = isElsewhere ? undefined : parsePath(challenge)?.at(-1);
  return typeof name === "string"
    ? { text: JSON.stringify({ [name]: CHALLENGE_PART }), type: type ?? "application/json" }
    : { text: CHALLENGE_PART, type: type ?? plain };
}
