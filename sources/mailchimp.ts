import type { Description } from "./description.ts";
import { quoted, words } from "./kit/line.ts";
import { at, first, line, text } from "./kit/json_path.ts";
import { idWithContent, payloadOf } from "./kit/incoming.ts";
import type { DescribeContext, HandshakeReply, Incoming, Sample } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { provenBy } from "./kit/token.ts";

export const label = "Mailchimp";
export const secretVariable = "MAILCHIMP_WEBHOOK_SECRET";
export const setup = "Audience → Settings → Webhooks: callback URL with ?token= and the secret";

/** Nothing is signed: mailchimp.com/developer, "Sync audience data with webhooks", asks for a secret in the URL. */
export const { verify, prove, proof, secretNames } = provenBy(
  { parameters: ["token"] },
  { variable: secretVariable, is: "the token in the callback URL" },
);

/** Answers the GET by which Mailchimp checks that the URL is there. */
export function probe({ method }: Incoming): HandshakeReply | undefined {
  return method === "GET" || method === "HEAD" ? { status: 200 } : undefined;
}

/** Mailchimp sends no id, and its time has no fractions: all that it says. */
export function deliveryId(request: Incoming): string | undefined {
  return idWithContent(request, text(payloadOf(request), "fired_at"));
}

/** Says what became of whom, or of which campaign. The form's fields are named `data[email]` and so on. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const event = line(payload, "type");
  const data = (...path: string[]) =>
    first(
      line(payload, ["data", ...path.map((key) => `[${key}]`)].join("")),
      line(at(payload, "data"), ...path),
    );
  const name = words(data("merges", "FNAME"), data("merges", "LNAME")) || undefined;
  const email = data("email");
  const person = name ?? email;
  const from = data("old_email");
  const reason = data("reason");
  return toDescription({ name: "mailchimp", label }, payload, context, {
    event,
    title: event && titleOf(event, {
      person: name && email ? `${name} <${email}>` : person,
      from,
      to: data("new_email"),
      subject: quoted(data("subject")),
      status: data("status"),
      reason,
    }),
    actor: event === "campaign" || event === "cleaned" ? undefined : email ?? from,
    fields: {
      list: data("list_id"),
      email,
      reason,
      campaign: first(data("campaign_id"), event === "campaign" ? data("id") : undefined),
      fired: line(payload, "fired_at"),
    },
  });
}

/** Small events to try the source with. */
export const samples: readonly Sample[] = [{
  event: "subscribe",
  headers: { "content-type": "application/x-www-form-urlencoded" },
  body: new URLSearchParams({
    type: "subscribe",
    fired_at: "2026-01-02 03:04:05",
    "data[id]": "SAMPLE",
    "data[list_id]": "a6b5da1054",
    "data[email]": "ada@example.com",
    "data[email_type]": "html",
    "data[merges][EMAIL]": "ada@example.com",
    "data[merges][FNAME]": "Ada",
    "data[merges][LNAME]": "Byron",
  }).toString(),
}];

function titleOf(
  event: string,
  { person, from, to, subject, status, reason }: Record<
    "person" | "from" | "to" | "subject" | "status" | "reason",
    string | undefined
  >,
): string {
  const because = reason && `(${reason})`;
  switch (event) {
    case "subscribe":
      return words(person ?? "Somebody", "subscribed");
    case "unsubscribe":
      return words(person ?? "Somebody", "unsubscribed", because);
    case "profile":
      return words(person ?? "Somebody", "changed their profile");
    case "upemail":
      return words("Address changed", ["from", from], ["to", to]);
    case "cleaned":
      return words("Address", person, "cleaned", because);
    case "campaign":
      return words("Campaign", subject, status);
    default:
      return words("Mailchimp", event.replaceAll("_", " "), person ?? subject);
  }
}
