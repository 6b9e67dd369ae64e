import type { Description } from "../../sources/description.ts";
import { parseContent } from "../../sources/kit/body/content.ts";
import { readQuery } from "../../sources/kit/query.ts";
import { signedKeysOf } from "../../sources/kit/signed.ts";
import { bodyLimitOf, type Registry } from "../../sources/rules/registry.ts";
import { redactParsed } from "../../sources/rules/redaction.ts";
import { subjectIn } from "../../sources/rules/subject/subject.ts";
import { heldBack, mergeOf, reasonToFilter } from "../../sources/rules/source_rules.ts";
import type { Incoming, Source } from "../../sources/source.ts";
import type { Subject } from "../../sources/subject.ts";
import type { Config } from "../config/config.ts";
import { toPublicUrl } from "../config/public_url.ts";
import type { ClaimedMessage } from "../message/claim.ts";
import { type GuardEntry, guardKey } from "../message/replay_guard.ts";

/** What a body is read with: nothing of it does I/O, so a thread can have it, too. */
export interface ReadingRules {
  config: Pick<Config, "agentAccounts" | "publicUrl" | "maxBodyBytes">;
  sources: Registry;
}

/** A message, as far as its source has to know it. */
export type DescribedMessage = Pick<ClaimedMessage, "webhookType" | "headers">;

/** What a message says. */
export interface DescribedPayload {
  /** Of a large body only an excerpt: see `excerpt.ts`. */
  payload: unknown;
  description: Description;
}

/** What a message says, and what the operator's rules make of it. */
export interface Reading extends DescribedPayload {
  /** Why it makes no task. */
  filtered?: string;
  /** What it is about, where that can be said. */
  subject?: Subject;
  /** Who alone may read it: see `Source.audience`. */
  audience?: string;
  /** It goes to the open task about the same, if there is one. */
  continues?: boolean;
  /** Why it makes no task where there is none. */
  unlessJoined?: string;
  /** What nobody can have changed in it, where it is verified. */
  guard: GuardEntry[];
  /** It waits for so many seconds, from the first of them on, for others with the same key or subject. */
  merge?: { key?: string; seconds: number };
}

/**
 * Says what a message is about.
 *
 * @throws whatever a source's `describe` does, or that the body cannot be parsed.
 */
export function readDescribed(
  { config, sources }: ReadingRules,
  { webhookType: type, headers }: DescribedMessage,
  body: Uint8Array,
): DescribedPayload & { isRaw: boolean } {
  const { name, source } = sources.find(type);
  const most = bodyLimitOf(source, config.maxBodyBytes);
  const { payload, kind } = redactParsed(
    parseContent(body, headers, most),
    sources.settingsOf(name).redact,
  );
  return {
    payload,
    isRaw: kind === "raw",
    description: source.describe(payload, { headers, type }),
  };
}

/**
 * Reads one message; depends on nothing else. Whatever a payload does to it, it is
 * the message that fails.
 *
 * @throws whatever a source's `describe` does, or that the body cannot be parsed.
 */
export function readClaimed(
  rules: ReadingRules,
  message: ClaimedMessage,
  body: Uint8Array,
): Reading {
  const { config, sources } = rules;
  const { id: messageId, headers, webhookType: type, verification } = message;
  const { name, source } = sources.find(type);
  const settings = sources.settingsOf(name);
  const { payload, isRaw, description } = readDescribed(rules, message, body);
  const ruled = { headers, payload, isRaw, description };
  const subject = subjectIn({ name, source }, settings, { type, headers, payload, isRaw });
  const read = { payload, description, subject, audience: source.audience?.(payload) };
  const continues = subject !== undefined && settings.later === "continue" && !message.isReplay;
  const reason = reasonToFilter({ settings, agentAccounts: config.agentAccounts }, ruled);
  // What a machine reports of our agent's own push is what that agent waits for.
  const mayJoin = continues && subject.role === "result" && heldBack(settings, ruled) === undefined;
  const filtered = mayJoin ? undefined : reason;
  // A person who replays a message wants to see what becomes of it, at once.
  if (filtered !== undefined || message.isReplay) {
    return { ...read, filtered, guard: [] };
  }
  const keys = verification === "verified"
    ? signedKeysOf(source, incomingOf(source, message, body, config))
    : [];
  return {
    ...read,
    continues,
    unlessJoined: reason,
    guard: keys.map((key) => ({ messageId, source: name, key: guardKey(key) })),
    merge: mergeOf(settings, ruled),
  };
}

function incomingOf(
  source: Source,
  message: ClaimedMessage,
  body: Uint8Array,
  config: ReadingRules["config"],
): Incoming {
  return readQuery(source, {
    type: message.webhookType,
    method: message.method,
    url: toPublicUrl(config, message.url),
    headers: message.headers,
    body,
    receivedAt: message.receivedAt.getTime(),
    bodyLimit: bodyLimitOf(source, config.maxBodyBytes),
  });
}
