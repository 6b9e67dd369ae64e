import type { Description } from "./description.ts";
import { quoted, words } from "./kit/line.ts";
import { at, first, line, list, text, whole } from "./kit/json_path.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import { digest } from "./signature/signature.ts";
import type { DescribeContext, Incoming } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";

export const label = "ClickUp";
export const secretVariable = "CLICKUP_WEBHOOK_SECRET";
export const secretIsTheirs = true;
export const setup = "The API's POST /team/{id}/webhook: endpoint; its answer has the secret";

/** developer.clickup.com, "Webhook signature". */
export const { verify, sign, proof } = signedBy(
  { header: "X-Signature", encoding: "hex" },
  { variable: secretVariable, is: "the webhook's secret" },
);

/** What ClickUp's page gives as the key, the webhook and its history items; one of them is told by several events. */
export function deliveryId(request: Incoming): string | undefined {
  const payload = payloadOf(request);
  const ids = list(payload, "history_items").map((item) => text(item, "id"));
  if (ids.length === 0 || ids.some((id) => id === undefined)) return undefined;
  return usableId(
    digest(JSON.stringify([text(payload, "webhook_id"), text(payload, "event"), ids])),
  );
}

/** Says who changed what from what to what. ClickUp sends a task's id, not its name. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const event = line(payload, "event");
  const [item] = list(payload, "history_items");
  const actor = first(line(item, "user", "username"), line(item, "user", "email"));
  const [, kind, did] = /^([a-z]+?)([A-Z]\w*)$/.exec(event ?? "") ?? [];
  const id = ["task", "list", "folder", "space", "goal", "key_result"]
    .map((each) => line(payload, `${each}_id`)).find((found) => found);
  const [before, after] = [at(item, "before"), at(item, "after")].map(valueOf);
  const comment = line(item, "comment", "text_content");
  const change = after && item !== undefined && comment === undefined
    ? words(line(item, "field")?.replaceAll("_", " "), before && `${before} →`, after)
    : undefined;
  const title = kind && did && words(
    kind[0].toUpperCase() + kind.slice(1),
    first(quoted(line(payload, "payload", "name")), id),
    did.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).trim(),
    ["by", actor],
  );
  const said = comment ?? (did === "Created" || did === "Deleted" ? undefined : change);
  return toDescription({ name: "clickup", label }, payload, context, {
    event,
    title: title && said ? `${title}: ${said}` : title,
    links: [taskLink(text(payload, "task_id"))],
    actor,
    fields: { task: line(payload, "task_id"), field: line(item, "field"), before, after },
    text: whole(item, "comment", "text_content"),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("taskStatusUpdated", {
    event: "taskStatusUpdated",
    webhook_id: "7689a169-a000-4985-8676-6902b96d6627",
    task_id: "86abc123",
    history_items: [{
      id: "SAMPLE",
      type: 1,
      date: "1767323045000",
      field: "status",
      user: { id: 1, username: "Ada Byron", email: "ada@example.com" },
      before: { status: "to do" },
      after: { status: "done" },
    }],
  }),
];

/** The texts that the values of most fields have; a date is milliseconds. */
function valueOf(value: unknown): string | undefined {
  if (value === null) return "none";
  const plain = line([value], 0);
  if (plain && /^\d{13}$/.test(plain)) return new Date(Number(plain)).toISOString().slice(0, 10);
  return first(
    plain,
    line(value, "status"),
    line(value, "username"),
    line(value, "priority"),
    line(value, "name"),
  );
}

function taskLink(id: string | undefined): string | undefined {
  return id && /^\w{1,40}$/.test(id) ? `https://app.clickup.com/t/${id}` : undefined;
}
