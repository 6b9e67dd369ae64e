import type { Description } from "./description.ts";
import { quoted, words } from "./kit/line.ts";
import { first } from "./kit/json_path.ts";
import { isSecret } from "./signature/signature.ts";
import { echo, parameter } from "./kit/challenge.ts";
import { contentId } from "./kit/incoming.ts";
import { signedBy } from "./kit/signed.ts";
import type {
  DescribeContext,
  HandshakeReply,
  Incoming,
  SourceSecrets,
  Verdict,
} from "./source.ts";
import { titleOfAll, toDescription, withoutTags } from "./kit/to_description.ts";
import { child, textIn, type XmlElement, xmlOf } from "./xml/xml.ts";

export const label = "WebSub";
export const aliases = ["pubsubhubbub"];
export const secretVariable = "WEBSUB_WEBHOOK_SECRET";
export const verifyTokenVariable = "WEBSUB_VERIFY_TOKEN";
export const setup =
  "The hub's subscription: hub.callback, hub.secret; set WEBSUB_VERIFY_TOKEN to the feeds' own URLs (hub.topic)";
export const troubles = [
  "Set WEBSUB_VERIFY_TOKEN to the topic's own URL first: without it a subscription is not confirmed.",
  "Leases end: subscribe again before `hub.lease_seconds` are over.",
];

const HEADER = "X-Hub-Signature";
const setting = { variable: secretVariable, is: "the subscription's hub.secret" };
const [sha256, sha1, sha512] = ([["sha256", "HMAC-SHA-256"], ["sha1", "HMAC-SHA-1"], [
  "sha512",
  "HMAC-SHA-512",
]] as const).map(([name, algorithm]) =>
  signedBy({ algorithm, header: HEADER, prefix: `${name}=`, encoding: "hex" }, setting)
);

export const { sign } = sha256;
export const proof = `${sha256.proof} (or \`sha1=\`, \`sha512=\`, as the hub chooses)`;

/** The hub names its method before the signature (w3.org/TR/websub, "Authenticated Content Distribution"). */
export async function verify(request: Incoming, secrets: readonly string[]): Promise<Verdict> {
  const method = request.headers.get(HEADER)?.split("=", 1)[0];
  const by = method === "sha1" ? sha1 : method === "sha512" ? sha512 : sha256;
  return await by.verify(request, secrets);
}

/**
 * Confirms a subscription to a topic that the operator has named (or one that knows a token of
 * theirs, as older hubs send it): anybody can ask a hub to send to our URL. Leaving is always
 * confirmed.
 */
export async function probe(
  { method, url }: Incoming,
  { verifyTokens }: SourceSecrets,
): Promise<HandshakeReply | undefined> {
  const mode = method === "GET" ? parameter(url, "hub.mode") : undefined;
  if (mode === "denied") return { status: 200 };
  if (mode !== "subscribe" && mode !== "unsubscribe") return undefined;
  const isOurs = await isSecret(parameter(url, "hub.topic"), verifyTokens) ||
    await isSecret(parameter(url, "hub.verify_token"), verifyTokens);
  if (isOurs !== (mode === "subscribe")) {
    return {
      status: 404,
      contentType: "text/plain; charset=utf-8",
      body: isOurs
        ? `The topic is still named in ${verifyTokenVariable}`
        : `The topic is none of those in ${verifyTokenVariable}`,
    };
  }
  return echo(parameter(url, "hub.challenge"));
}

/** A hub sends what its feed says now: the same again is a repeat. */
export const deliveryId = contentId;

/** Says what is new in a feed (Atom, RSS), and how many entries more. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const root = xmlOf(payload);
  const feed = child(root, "channel") ?? root;
  const entries = root === undefined ? [] : [...feed!.children, ...root.children]
    .filter(({ name }) => name === "entry" || name === "item");
  const deleted = feed?.children.find(({ name }) => name === "deleted-entry");
  const [entry] = entries;
  const from = textIn(feed, "title");
  const author = first(
    textIn(entry, "author", "name"),
    textIn(entry, "author"),
    textIn(entry, "creator"),
    textIn(feed, "author", "name"),
  );
  const name = textIn(entry, "title");
  const unique = new Set(entries);
  return toDescription({ name: "websub", label }, payload, context, {
    event: entry ? "entry" : deleted ? "deleted-entry" : undefined,
    title: entry
      ? titleOfAll(
        unique.size,
        words("New entry", quoted(name), ["by", author], ["in", from]),
        "feed item",
      )
      : deleted && words("An entry was deleted", ["from", from]),
    links: [...(entry?.children ?? []).map(linkOf), textIn(feed, "link")],
    actor: author,
    fields: {
      feed: from,
      id: textIn(entry, "id") ?? textIn(entry, "guid") ?? deleted?.attributes.ref,
      published: textIn(entry, "published") ?? textIn(entry, "pubDate"),
      updated: textIn(entry, "updated"),
      entries: unique.size > 1 ? String(unique.size) : undefined,
    },
    text: withoutTags(
      first(textIn(entry, "summary"), textIn(entry, "content"), textIn(entry, "description")),
    ),
  });
}

/** Small events to try the source with. */
export const samples = [{
  event: "entry",
  headers: { "content-type": "application/atom+xml; charset=utf-8" },
  body: '<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom">' +
    '<link rel="hub" href="https://hub.example.com/"/><title>The phone’s diary</title>' +
    "<entry><id>tag:example.com,2026:SAMPLE</id><title>A new greeting</title>" +
    '<link rel="alternate" href="https://example.com/diary/1"/>' +
    "<author><name>Ada Byron</name></author><updated>2026-01-02T03:04:05Z</updated>" +
    "<summary>Callers are greeted by name.</summary></entry></feed>",
}];

function linkOf({ name, attributes, text }: XmlElement): string | undefined {
  if (name !== "link" || (attributes.rel ?? "alternate") !== "alternate") return undefined;
  return attributes.href ?? text.trim();
}
