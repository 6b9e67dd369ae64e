import type { Description } from "./description.ts";
import { at, first, isObject, line, text, whole } from "./kit/json_path.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, HandshakeReply, Incoming } from "./source.ts";
import { titleOf } from "./trello/title.ts";
import { toDescription } from "./kit/to_description.ts";
import { idAt, roleIn, timeAt, toSubject } from "./kit/subject/subject_key.ts";
import type { Subject, SubjectRole } from "./subject.ts";
import { quoted, words } from "./kit/line.ts";

export const label = "Trello";
export const secretVariable = "TRELLO_APP_SECRET";
export const secretIsTheirs = true;
export const setup =
  "The API's POST /1/webhooks: callbackURL (set PUBLIC_URL to its origin); the application's secret";

/** SHA-1 of the body and then the callback URL (developer.atlassian.com, "Trello webhooks, Webhook signatures"). */
export const { verify, sign, proof } = signedBy({
  algorithm: "HMAC-SHA-1",
  header: "X-Trello-Webhook",
  encoding: "base64",
  signed: "{body}{url}",
}, {
  variable: secretVariable,
  is: "the application's OAuth secret, and PUBLIC_URL to the origin of the callback URL",
});

/** Answers the HEAD by which Trello checks the URL before it makes a webhook. */
export function probe({ method }: Incoming): HandshakeReply | undefined {
  return method === "HEAD" ? { status: 200 } : undefined;
}

/** The action's id. */
export function deliveryId(request: Incoming): string | undefined {
  return usableId(text(payloadOf(request), "action", "id"));
}

/** Says what happened on the board, such as `Ada updated card "Title" on Phone: list To do → Done`. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const action = at(payload, "action");
  const type = line(action, "type");
  const data = at(action, "data");
  const actor = first(
    line(action, "memberCreator", "fullName"),
    line(action, "memberCreator", "username"),
  );
  const board = first(line(data, "board", "name"), line(payload, "model", "name"));
  const said = line(data, "text");
  const title = titleOf(payload, actor);
  return toDescription({ name: "trello", label }, payload, context, {
    event: type,
    title: title && said ? `${title}: ${said}` : title,
    links: [cardLink(text(data, "card", "shortLink")), at(payload, "model", "url")],
    actor,
    fields: { board, card: line(data, "card", "name"), list: line(data, "list", "name") },
    text: whole(data, "text"),
  });
}

export const about = "a card";

/** What an action is about: a card. */
export function subject(payload: unknown): Subject | undefined {
  const action = at(payload, "action");
  const card = at(action, "data", "card");
  const name = line(card, "name");
  return toSubject(idAt(card, "id"), {
    role: roleOf(action),
    name: name && words("Card", quoted(name)),
    link: cardLink(text(card, "shortLink")),
    at: timeAt(action, "date"),
  });
}

/** An archived card is still named as closed when something else of it changes: `old` says what has. */
function roleOf(action: unknown): SubjectRole {
  const type = line(action, "type");
  const isClosed = at(action, "data", "card", "closed") === true;
  const old = at(action, "data", "old");
  if (type === "updateCard" && isClosed && (!isObject(old) || at(old, "closed") !== undefined)) {
    return "closes";
  }
  return roleIn({
    opens: ["createCard"],
    continues: ["commentCard"],
    closes: ["deleteCard"],
  }, type);
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("commentCard", {
    action: {
      id: "SAMPLE",
      type: "commentCard",
      memberCreator: { fullName: "Ada Byron" },
      data: {
        text: "It happens on every long call.",
        card: { id: "5abbe4b7ddc1b351ef961414", name: "The line drops", shortLink: "abc123" },
        board: { name: "Phone" },
      },
    },
    model: { name: "Phone", url: "https://trello.com/b/xyz" },
  }),
];

function cardLink(id: string | undefined): string | undefined {
  return id && /^\w{1,40}$/.test(id) ? `https://trello.com/c/${id}` : undefined;
}
