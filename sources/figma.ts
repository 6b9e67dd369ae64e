import type { Description } from "./description.ts";
import { quoted, spoken, words } from "./kit/line.ts";
import { at, first, line, list, text } from "./kit/json_path.ts";
import { digest, isSecret } from "./signature/signature.ts";
import { triedBy } from "./kit/challenge.ts";
import { payloadOf, withFields } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import type { DescribeContext, Incoming, Verdict } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { tokenMismatch, tokenMissing, verified } from "./kit/verdict.ts";

export const label = "Figma";
export const secretVariable = "FIGMA_WEBHOOK_SECRET";
export const setup = "The API's POST /v2/webhooks: endpoint and passcode";
export const troubles = [
  "A webhook belongs to a team, a project or a file: it tells of nothing else.",
];
export const proof = "`passcode` in the body; nothing is signed";

const FIELD = "passcode in its body";

/** Every event repeats the webhook's passcode (figma.com/developers/api, "Webhooks V2"). */
export async function verify(request: Incoming, secrets: readonly string[]): Promise<Verdict> {
  const passcode = text(payloadOf(request), "passcode");
  if (passcode === undefined) {
    return tokenMissing(FIELD, `Set ${secretVariable} to the webhook's passcode.`);
  }
  return await isSecret(passcode, secrets)
    ? verified
    : tokenMismatch(FIELD, `Set ${secretVariable} to the webhook's passcode.`);
}

/** Puts the passcode into the body, where Figma sends it. */
export function prove(request: Incoming, secret: string): Promise<Incoming> {
  return Promise.resolve(withFields(request, { passcode: secret }));
}

/** A new webhook is greeted with a ping. */
export const { probe, handshake } = triedBy((request) =>
  text(payloadOf(request), "event_type") === "PING"
);

/** Figma sends no id, and counts its `retries` in the body: what an event is about, and when. */
export function deliveryId(request: Incoming): string | undefined {
  const payload = payloadOf(request);
  const parts = ["webhook_id", "event_type", "timestamp", "file_key", "comment_id", "version_id"]
    .map((name) => text(payload, name) ?? "");
  return parts[1] && parts[2] ? digest(JSON.stringify(parts)) : undefined;
}

/** How often it was tried. */
export const changesOnRetry = ["retries"];

/** Says who did what to which file, such as `ada commented on "Greeting": Could it be bigger?` */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const event = line(payload, "event_type");
  const actor = line(payload, "triggered_by", "handle");
  const who = actor ?? "Somebody";
  const file = quoted(line(payload, "file_name"));
  const said = list(payload, "comment").map((part) =>
    first(text(part, "text"), mentioned(payload, text(part, "mention")))
  ).join("");
  const version = quoted(line(payload, "label"));
  const note = first(
    said || undefined,
    line(payload, "description"),
    line(payload, "change_message"),
  );
  const title = {
    FILE_COMMENT: words(who, "commented on", file),
    FILE_UPDATE: words("File", file, "was updated"),
    FILE_VERSION_UPDATE: words(who, "saved version", version, ["of", file]),
    FILE_DELETE: words(who, "deleted file", file),
    LIBRARY_PUBLISH: words(who, "published library", file),
    DEV_MODE_STATUS_UPDATE: words(
      who,
      "set a layer of",
      file,
      ["to", line(payload, "status")?.toLowerCase().replaceAll("_", " ")],
    ),
  }[event ?? ""] ?? (event && words("Figma", spoken(event), file));
  return toDescription({ name: "figma", label }, payload, context, {
    event,
    title: title && note ? `${title}: ${note}` : title,
    links: [fileLink(line(payload, "file_key")), at(payload, "related_links", 0, "url")],
    actor,
    fields: {
      file: line(payload, "file_name"),
      key: line(payload, "file_key"),
      comment: line(payload, "comment_id"),
      version: line(payload, "version_id"),
      node: line(payload, "node_id"),
      time: line(payload, "timestamp"),
    },
    text: said || text(payload, "description"),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("FILE_COMMENT", {
    event_type: "FILE_COMMENT",
    webhook_id: "22",
    timestamp: "2026-01-02T03:04:05Z",
    file_key: "AbC123",
    file_name: "Greeting",
    comment_id: "SAMPLE",
    comment: [{ text: "Could it be " }, { mention: "7" }, { text: " size?" }],
    mentions: [{ id: "7", handle: "grace" }],
    retries: 0,
    triggered_by: { id: "6", handle: "ada" },
  }),
];

function mentioned(payload: unknown, id: string | undefined): string {
  const found = list(payload, "mentions").find((each) => text(each, "id") === id);
  return `@${line(found, "handle") ?? "somebody"}`;
}

function fileLink(key: string | undefined): string | undefined {
  return key && /^\w+$/.test(key) ? `https://www.figma.com/file/${key}` : undefined;
}
