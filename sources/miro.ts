import type { Description } from "./description.ts";
import { spoken, words } from "./kit/line.ts";
import { at, first, isObject, line, text } from "./kit/json_path.ts";
import { isChallenge, jsonReply, notAChallenge, triedBy } from "./kit/challenge.ts";
import { contentId, payloadOf } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import type { DescribeContext } from "./source.ts";
import { toDescription, withoutTags } from "./kit/to_description.ts";
import { provenBy } from "./kit/token.ts";

export const label = "Miro";
export const secretVariable = "MIRO_WEBHOOK_SECRET";
export const setup =
  "The API's POST /v2-experimental/webhooks/board_subscriptions: callbackUrl with ?token= and the secret";

/** Miro's pages tell of no signature: a token in the URL proves it (developers.miro.com, "Getting started with webhooks"). */
export const { verify, prove, proof, secretNames } = provenBy(
  { parameters: ["token"] },
  { variable: secretVariable, is: "the token in the subscription's callbackUrl" },
);

/** Gives the challenge back, by which Miro checks a new subscription's URL. */
export const { probe, handshake } = triedBy(
  (request) =>
    text(payloadOf(request), "challenge") !== undefined && !isObject(payloadOf(request), "event"),
  (request) => {
    const challenge = at(payloadOf(request), "challenge");
    return isChallenge(challenge) ? jsonReply({ challenge }) : notAChallenge();
  },
);

/** An item has the time of its last change in it. */
export const deliveryId = contentId;

const DID: Record<string, string> = { create: "created", update: "updated", delete: "deleted" };

/** Says what happened to which item of which board, such as `Miro sticky note created on board b1: Call Ada`. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const event = isObject(payload, "event") ? at(payload, "event") : payload;
  const type = line(event, "type");
  const item = at(event, "item");
  const kind = line(item, "type");
  const said = withoutTags(
    first(text(item, "data", "content"), text(item, "data", "title"), text(item, "data", "text")),
  );
  const board = first(line(event, "boardId"), line(item, "board", "id"));
  const title = type && words(
    "Miro",
    spoken(kind ?? "item"),
    DID[type] ?? spoken(type),
    ["on board", board],
  );
  return toDescription({ name: "miro", label }, payload, context, {
    event: type && words(kind, type).replace(" ", "."),
    title: title && said ? `${title}: ${said}` : title,
    links: [at(item, "links", "self"), boardLink(board)],
    actor: first(line(item, "modifiedBy", "name"), line(item, "createdBy", "name")),
    fields: { item: line(item, "id"), kind, board, modified: line(item, "modifiedAt") },
    text: said,
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("sticky_note.create", {
    appId: "a1",
    webhookId: "w1",
    event: {
      boardId: "uXjVSAMPLE=",
      type: "create",
      item: {
        id: "3458",
        type: "sticky_note",
        data: { content: "<p>Call Ada back</p>" },
        modifiedAt: "2026-01-02T03:04:05Z",
      },
    },
  }),
];

function boardLink(id: string | undefined): string | undefined {
  return id && /^[\w=-]+$/.test(id) ? `https://miro.com/app/board/${id}/` : undefined;
}
