import type { Description } from "./description.ts";
import { wholeText, words } from "./kit/line.ts";
import { at, first, line, list, text } from "./kit/json_path.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, Incoming } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { idAt, timeAt, toSubject } from "./kit/subject/subject_key.ts";
import type { Subject } from "./subject.ts";

export const label = "Typeform";
export const secretVariable = "TYPEFORM_WEBHOOK_SECRET";
export const troubles = [
  "Typeform switches a webhook off that answers 404 or 410, and after many failures: switch it on again.",
];
export const setup = "The form → Connect → Webhooks: URL and secret";

/** typeform.com/developers/webhooks, "Secure your webhooks". */
export const { verify, sign, proof } = signedBy(
  { header: "Typeform-Signature", prefix: "sha256=", encoding: "base64" },
  { variable: secretVariable, is: "the webhook's secret" },
);

/** The event's id, else the answer's token. */
export function deliveryId(request: Incoming): string | undefined {
  const payload = payloadOf(request);
  return usableId(text(payload, "event_id")) ?? usableId(text(payload, "form_response", "token"));
}

/** The most answers that are described: a form with more is a survey, whose task nobody reads through. */
const MAX_ANSWERS = 50;

/** Says which form was filled in and with what. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const event = line(payload, "event_type");
  const form = at(payload, "form_response");
  const titles = new Map(
    list(form, "definition", "fields").map((field) => [text(field, "id"), line(field, "title")]),
  );
  const answers = list(form, "answers").slice(0, MAX_ANSWERS).map((answer) => ({
    question: first(
      line(answer, "field", "title"),
      titles.get(text(answer, "field", "id")),
      line(answer, "field", "ref"),
    ),
    value: valueOf(answer),
  })).filter(({ value }) => value !== undefined);
  const email = list(form, "answers").map((answer) => line(answer, "email")).find((found) => found);
  const name = first(line(form, "definition", "title"), line(form, "form_id"));
  const title = event && words(
    event === "form_response_partial" ? "Partial answer" : "New answer",
    ["to", name],
    ["from", email],
  );
  const summary = answers.map(({ value }) => value).filter((value) => value !== email).join(", ");
  return toDescription({ name: "typeform", label }, payload, context, {
    event,
    title: title && summary ? `${title}: ${summary}` : title,
    actor: email,
    fields: {
      form: name,
      submitted: line(form, "submitted_at"),
      score: line(form, "calculated", "score"),
    },
    text: wholeText(
      answers.map(({ question, value }) => `${question ?? "?"}: ${value}`).join("\n"),
    ) ||
      undefined,
  });
}

export const about = "an answer to a form";

/** What an event is about: one answer, of which a part may come before the whole. */
export function subject(payload: unknown): Subject | undefined {
  const form = at(payload, "form_response");
  const name = first(line(form, "definition", "title"), line(form, "form_id"));
  return toSubject(idAt(form, "token"), {
    role: line(payload, "event_type") === "form_response" ? "opens" : "continues",
    name: name && words("Answer to", name),
    at: timeAt(form, "submitted_at"),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("form_response", {
    event_id: "SAMPLE",
    event_type: "form_response",
    form_response: {
      form_id: "f1",
      token: "SAMPLE",
      submitted_at: "2026-01-02T03:04:05Z",
      definition: { title: "Contact us", fields: [{ id: "q1", title: "How can we help?" }] },
      answers: [
        { type: "text", text: "Please call me back", field: { id: "q1" } },
        { type: "email", email: "ada@example.com", field: { ref: "email" } },
      ],
    },
  }),
];

/** The value sits under the key that its type names. */
function valueOf(answer: unknown): string | undefined {
  const type = text(answer, "type") ?? "";
  const value = at(answer, type);
  if (typeof value === "boolean") return value ? "yes" : "no";
  const labels = list(value, "labels").map((_, i) => line(value, "labels", i));
  return first(
    line(answer, type),
    line(value, "label"),
    labels.filter((each) => each).join(", ") || undefined,
    line(value, "other"),
  );
}
