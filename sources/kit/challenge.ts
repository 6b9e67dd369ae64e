import type { HandshakeReply, Incoming, SourceSecrets } from "../source.ts";

/** A challenge is a short token of visible characters: whoever asks must not make us answer with text of their choice. */
const CHALLENGE = /^[\w.~+/=:-]{1,500}$/;

/** Answers with the challenge as plain text, or refuses what is none. */
export function echo(challenge: unknown, allowed: RegExp = CHALLENGE): HandshakeReply {
  return isChallenge(challenge, allowed)
    ? { status: 200, contentType: "text/plain; charset=utf-8", body: challenge }
    : notAChallenge();
}

/** Whether a challenge may be given back. */
export function isChallenge(challenge: unknown, allowed: RegExp = CHALLENGE): challenge is string {
  return typeof challenge === "string" && allowed.test(challenge);
}

/** Refuses a handshake whose challenge is missing or no token. */
export function notAChallenge(): HandshakeReply {
  return {
    status: 400,
    contentType: "text/plain; charset=utf-8",
    body: "Answering the handshake failed: it has no challenge of 1 to 500 letters and digits",
  };
}

/** An answer in JSON. */
export function jsonReply(body: unknown): HandshakeReply {
  return { status: 200, contentType: "application/json", body: JSON.stringify(body) };
}

/** A parameter of the URL that was called. */
export function parameter(url: string, name: string): string | undefined {
  return URL.parse(url)?.searchParams.get(name) ?? undefined;
}

/**
 * `probe` and `handshake` of a sender that tries the URL with a request that says nothing: it is
 * answered (with 200), after its signature where there is a secret to check it with, and never kept.
 */
export function triedBy(
  isTrial: (request: Incoming) => boolean,
  reply: (request: Incoming) => HandshakeReply = () => ({ status: 200 }),
) {
  const answer = (request: Incoming): HandshakeReply | undefined =>
    request.method === "POST" && isTrial(request) ? reply(request) : undefined;
  return {
    probe: (request: Incoming, { secrets }: SourceSecrets): HandshakeReply | undefined =>
      secrets.length === 0 ? answer(request) : undefined,
    handshake: answer,
  };
}
