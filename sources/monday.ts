import type { Description } from "./description.ts";
import { quoted, words } from "./kit/line.ts";
import { at, first, isObject, line, text, whole } from "./kit/json_path.ts";
import { echo, jsonReply } from "./kit/challenge.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { toVerdict } from "./kit/signed.ts";
import { checkJwt, signJwt } from "./signature/signature.ts";
import type { DescribeContext, HandshakeReply, Incoming, Verdict } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { provenBy } from "./kit/token.ts";

export const label = "monday.com";
export const secretVariable = "MONDAY_SIGNING_SECRET";
export const secretIsTheirs = true;
export const setup =
  "The app's signing secret; for a board's webhook (Integrate → Webhooks), which " +
  "monday.com does not sign, ?token= and a secret of yours in the URL";

const HEADER = "Authorization";
const setting = {
  variable: secretVariable,
  is: "the app's signing secret, or the URL's token, and PUBLIC_URL to the origin of its URL",
};
const proven = provenBy({ parameters: ["token"] }, setting);

export const { secretNames } = proven;
export const proof = `a JSON Web Token (HS256) in \`${HEADER}\`, which does not cover the body ` +
  `(webhooks of an app), or ${proven.proof}`;

/**
 * The token stands alone in its header, and is made for the URL in its `aud` where it has one
 * (developer.monday.com, "Authorization header"). Those with a `backToUrl` go through the browser of
 * whoever installs the app, and so prove nothing.
 */
export async function verify(request: Incoming, secrets: readonly string[]): Promise<Verdict> {
  const token = request.headers.get(HEADER)?.replace(/^Bearer +/i, "");
  if (!token) return await proven.verify(request, secrets);
  const finding = await checkJwt(
    {
      header: HEADER,
      scheme: "",
      token,
      isForUs: ({ aud, backToUrl }) =>
        backToUrl === undefined && (aud === undefined || isUrlOf(request, aud)),
    },
    secrets,
    request.receivedAt,
  );
  return toVerdict(finding, request, setting);
}

/** Whether a URL has the host and the path of a request's. */
function isUrlOf({ url }: Incoming, aud: unknown): boolean {
  const [ours, theirs] = [url, String(aud)].map((each) => URL.parse(each));
  return ours !== null && theirs !== null && ours.host === theirs.host &&
    ours.pathname === theirs.pathname;
}

/** How long a token of ours is good for, in seconds: as long as monday.com's. */
const TOKEN_S = 300;

/** Signs a request as an app's webhook is. */
export async function sign(
  { url, receivedAt }: Incoming,
  secret: string,
): Promise<Record<string, string>> {
  const iat = Math.floor(receivedAt / 1000);
  return { authorization: await signJwt({ aud: url, iat, exp: iat + TOKEN_S }, secret) };
}

/** A challenge is one short token: a longer body is not parsed before its signature is checked. */
const MAX_CHALLENGE_SIZE = 1_024;

/** Gives a new webhook its challenge back; it may come without a signature. */
export function probe(request: Incoming): HandshakeReply | undefined {
  if (request.method !== "POST" || request.body.length > MAX_CHALLENGE_SIZE) return undefined;
  const payload = payloadOf(request);
  if (!isObject(payload) || at(payload, "event") !== undefined) return undefined;
  const challenge = at(payload, "challenge");
  if (challenge === undefined) return undefined;
  const reply = echo(challenge);
  return reply.status === 200 ? jsonReply({ challenge }) : reply;
}

/** What was triggered, and for which subscription: several may be told of one change. */
export function deliveryId(request: Incoming): string | undefined {
  const event = at(payloadOf(request), "event");
  const trigger = text(event, "triggerUuid");
  const parts = [text(event, "subscriptionId"), text(event, "type")];
  return trigger && usableId([trigger, ...parts].join("|"));
}

const DID: Record<string, string> = {
  create_pulse: "created",
  create_item: "created",
  create_update: "wrote an update on",
  edit_update: "edited an update on",
  delete_update: "deleted an update on",
  update_name: "renamed",
  update_column_value: "changed",
  change_column_value: "changed",
  archive_pulse: "archived",
  delete_pulse: "deleted",
  move_pulse_into_group: "moved",
  move_pulse_into_board: "moved",
};

/** Says what was changed from what to what; monday.com sends people as ids. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const event = at(payload, "event");
  const type = line(event, "type");
  const column = line(event, "columnTitle") ?? line(event, "columnId");
  const [before, after] = [at(event, "previousValue"), at(event, "value")].map(valueOf);
  const user = line(event, "userId");
  const item = first(line(event, "pulseName"), line(event, "itemName"));
  const change = after && words(column, before && `${before} →`, after);
  const did = type && (DID[type] ?? type.replaceAll("_", " "));
  const what = quoted(item) ?? (line(event, "pulseId") && `item ${line(event, "pulseId")}`);
  const group = first(line(event, "destGroup", "title"), line(event, "groupName"));
  const said = first(line(event, "textBody"), change, column);
  const title = did && words(
    user ? `User ${user}` : undefined,
    did,
    at(event, "parentItemId") === undefined ? undefined : "subitem",
    what,
    [type?.startsWith("move") ? "to" : "in", group],
  );
  return toDescription({ name: "monday", label }, payload, context, {
    event: type,
    title: title && said ? `${title}: ${said}` : title,
    actor: user,
    fields: {
      board: line(event, "boardId"),
      item: line(event, "pulseId"),
      group,
      column,
      before,
      after,
    },
    text: whole(event, "textBody"),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("update_column_value", {
    event: {
      userId: 11,
      boardId: 22,
      pulseId: 33,
      pulseName: "The line drops after ten minutes",
      groupName: "This week",
      columnId: "status",
      columnType: "color",
      columnTitle: "Status",
      value: { label: { text: "Done" } },
      previousValue: { label: { text: "Working on it" } },
      type: "update_column_value",
      app: "monday",
      triggerTime: "2026-01-02T03:04:05.000Z",
      subscriptionId: 44,
      triggerUuid: "SAMPLE",
    },
  }),
];

/** What a person reads in a column, where its kind says that in one text. */
function valueOf(value: unknown): string | undefined {
  if (value === null) return "none";
  return first(
    line(value, "label", "text"),
    line(value, "name"),
    line(value, "value"),
    line(value, "date"),
    line(value, "text"),
    line([value], 0),
  );
}
