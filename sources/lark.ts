import type { Description } from "./description.ts";
import { spoken, words } from "./kit/line.ts";
import { at, first, isObject, line, text, whole } from "./kit/json_path.ts";
import { decodeHex, equalBytes, isSecret, prefixed, sha256 } from "./signature/signature.ts";
import { isChallenge, jsonReply, notAChallenge } from "./kit/challenge.ts";
import { contentId, payloadOf, usableId, withFields } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import type { DescribeContext, HandshakeReply, Incoming, Verdict } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import {
  signatureMalformed,
  signatureMismatch,
  tokenMismatch,
  tokenMissing,
  verified,
} from "./kit/verdict.ts";

export const label = "Lark";
export const aliases = ["feishu"];
export const secretVariable = "LARK_VERIFY_TOKEN";
export const secretIsTheirs = true;
export const setup =
  "Developer console → Events & callbacks: request URL; the verification token is under " +
  "Encryption strategy (leave the encrypt key empty: encrypted events cannot be read)";
export const troubles = [
  "Set the variable before the request URL is saved: the challenge is given back to whoever knows the token, within a second.",
  "Events that come encrypted are kept, but nobody can read them: empty the encrypt key.",
];

/**
 * Without an encrypt key an event carries the app's verification token. With one it is signed,
 * over the body as it came, and also encrypted: then it is verified by the encrypt key, and told
 * as encrypted. The page names no window for the signed time, so none is refused for its age
 * (open.feishu.cn, "Request URL configuration", "Receive events").
 */
export const proof = "the verification token in `header.token` (or `token`) of the body; " +
  "with an encrypt key: SHA-256 of `{time}{nonce}{encrypt key}{body}` in `X-Lark-Signature`";

const HEADER = "X-Lark-Signature";
const TOKEN = "token in its body";

/** Checks the signature where there is one, else the token in the body. */
export async function verify(request: Incoming, secrets: readonly string[]): Promise<Verdict> {
  const { headers } = request;
  const written = headers.get(HEADER);
  if (written && isEncrypted(request)) {
    const signature = decodeHex(written);
    if (signature?.length !== 32) return signatureMalformed(HEADER, "{64 hexadecimal digits}");
    let matches = false;
    for (const secret of secrets) {
      if (secret === "") continue;
      const start = (headers.get("X-Lark-Request-Timestamp") ?? "") +
        (headers.get("X-Lark-Request-Nonce") ?? "") + secret;
      if (equalBytes(signature, await sha256(prefixed(start, request.body)))) matches = true;
    }
    return matches
      ? verified
      : signatureMismatch(HEADER, `Set ${secretVariable} to the app's encrypt key.`);
  }
  const token = tokenOf(payloadOf(request));
  if (token === undefined) {
    return tokenMissing(TOKEN, `Set ${secretVariable} to the app's verification token.`);
  }
  return await isSecret(token, secrets)
    ? verified
    : tokenMismatch(TOKEN, `Set ${secretVariable} to the app's verification token.`);
}

/** Puts the token into the body, where Lark sends it. */
export function prove(request: Incoming, secret: string): Promise<Incoming> {
  const header = at(payloadOf(request), "header");
  return Promise.resolve(
    withFields(
      request,
      typeof header === "object" ? { header: { ...header, token: secret } } : { token: secret },
    ),
  );
}

/** Gives the challenge back, by which Lark checks the URL: it knows the verification token. */
export function handshake(request: Incoming): HandshakeReply | undefined {
  const payload = payloadOf(request);
  if (text(payload, "type") !== "url_verification") return undefined;
  const challenge = at(payload, "challenge");
  return isChallenge(challenge) ? jsonReply({ challenge }) : notAChallenge();
}

/** The event's id: `header.event_id`, or `uuid` in the first version. */
export function deliveryId(request: Incoming): string | undefined {
  const payload = payloadOf(request);
  const id = first(text(payload, "header", "event_id"), text(payload, "uuid"));
  return usableId(id) ?? (isEncrypted(request) ? contentId(request) : undefined);
}

/** Says who wrote what, or what happened. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const type = first(line(payload, "header", "event_type"), line(payload, "event", "type"));
  const event = at(payload, "event");
  const message = at(event, "message");
  const said = textOf(text(message, "content")) ?? whole(event, "text_without_at_bot");
  const sender = first(at(event, "sender", "sender_id"), at(event, "operator"), event);
  const actor = first(line(sender, "user_id"), line(sender, "open_id"), line(sender, "union_id"));
  const kind = line(message, "message_type");
  const isGroup = line(message, "chat_type") === "group";
  const title = isObject(event, "message") || said !== undefined
    ? words(
      "Lark",
      kind && kind !== "text" ? kind : undefined,
      "message",
      ["from", actor],
      ["in", isGroup ? line(message, "chat_id") : undefined],
    )
    : type
    ? words("Lark", spoken(type.replace(/_v\d$/, "")), ["by", actor])
    : text(payload, "encrypt") !== undefined
    ? "Lark event that is encrypted: remove the app's encrypt key"
    : undefined;
  return toDescription({ name: "lark", label }, payload, context, {
    event: type ?? (text(payload, "encrypt") === undefined ? line(payload, "type") : "encrypted"),
    title: title && said ? `${title}: ${said}` : title,
    actor,
    fields: {
      message: line(message, "message_id"),
      chat: line(message, "chat_id"),
      sender: actor,
      app: line(payload, "header", "app_id"),
      tenant: line(payload, "header", "tenant_key"),
    },
    text: said,
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("im.message.receive_v1", {
    schema: "2.0",
    header: {
      event_id: "SAMPLE",
      event_type: "im.message.receive_v1",
      create_time: "1767322645000",
      app_id: "cli_1",
      tenant_key: "t1",
    },
    event: {
      sender: { sender_id: { open_id: "ou_ada", user_id: "ada" }, sender_type: "user" },
      message: {
        message_id: "om_1",
        chat_id: "oc_phone",
        chat_type: "group",
        message_type: "text",
        content: '{"text":"Why did last night\'s backup take so long?"}',
      },
    },
  }),
];

function isEncrypted(request: Incoming): boolean {
  return text(payloadOf(request), "encrypt") !== undefined;
}

function tokenOf(payload: unknown): string | undefined {
  return first(text(payload, "header", "token"), text(payload, "token"));
}

/** The longest content that is parsed for its text, in characters. */
const MOST_CONTENT = 64 * 1024;

/** A message's content is JSON in a text. */
function textOf(content: string | undefined): string | undefined {
  if (!content?.startsWith("{") || content.length > MOST_CONTENT) return undefined;
  try {
    const parsed: unknown = JSON.parse(content);
    return first(whole(parsed, "text"), whole(parsed, "title"), whole(parsed, "file_name"));
  } catch {
    return undefined;
  }
}
