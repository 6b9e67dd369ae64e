import { readQuery } from "../../sources/kit/query.ts";
import type { Registry } from "../../sources/rules/registry.ts";
import type { Incoming, Source } from "../../sources/source.ts";
import { groupKey } from "../message/group.ts";
import type { GuardEntry } from "../message/replay_guard.ts";
import type { Config } from "../config/config.ts";
import type { Description } from "../../sources/description.ts";
import type { ClaimedMessage } from "../message/claim.ts";
import { parseBody } from "../../sources/kit/payload.ts";
import { toPublicUrl } from "../config/public_url.ts";
import { mergeOf, reasonToFilter } from "../../sources/rules/source_rules.ts";

/** What a message says, and what the operator's rules make of it. */
export interface Reading {
  payload: unknown;
  description: Description;
  /** Why it makes no task. */
  filtered?: string;
  /** What nobody can have changed in it, where it is verified. */
  guard: GuardEntry[];
  /** It waits for so many seconds, from the first of them on, for others with the same key. */
  merge?: { key: string; seconds: number };
}

/**
 * Reads one message; depends on nothing else. Whatever a payload does to it, it is
 * the message that fails.
 *
 * @throws whatever a source's `describe` does, or that the body cannot be parsed.
 */
export function readClaimed(
  { config, sources }: { config: Config; sources: Registry },
  message: ClaimedMessage,
  body: Uint8Array,
): Reading {
  const { id: messageId, headers, webhookType: type, verification, fromHere } = message;
  const { name, source } = sources.find(type);
  const settings = sources.settingsOf(name);
  const { payload, kind } = parseBody(body, headers.get("content-type") ?? undefined);
  const description = source.describe(payload, { headers, type });
  const ruled = { headers, payload, isRaw: kind === "raw", description };
  const filtered = reasonToFilter({ settings, agentAccounts: config.agentAccounts }, ruled);
  // A person who replays a message wants to see what becomes of it, at once.
  if (filtered !== undefined || message.isReplay) {
    return { payload, description, filtered, guard: [] };
  }
  const keys = verification === "verified"
    ? source.signedContentKeys?.(incomingOf(source, message, body, config)) ?? []
    : [];
  const merge = mergeOf(settings, ruled);
  return {
    payload,
    description,
    guard: keys.map((key) => ({ messageId, source: name, key })),
    merge: merge && {
      seconds: merge.seconds,
      key: groupKey({
        source: name,
        webhookType: type,
        verification,
        fromHere,
        key: merge.key,
      }),
    },
  };
}

function incomingOf(
  source: Source,
  message: ClaimedMessage,
  body: Uint8Array,
  config: Config,
): Incoming {
  return readQuery(source, {
    type: message.webhookType,
    method: message.method,
    url: toPublicUrl(config, message.url),
    headers: message.headers,
    body,
    receivedAt: message.receivedAt.getTime(),
  });
}
