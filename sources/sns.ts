import type { Description } from "./description.ts";
import { words } from "./kit/line.ts";
import { first, line, text } from "./kit/json_path.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import type { DescribeContext, Incoming } from "./source.ts";
import { sayingOf, stackTitle } from "./sns/message.ts";
import { toDescription } from "./kit/to_description.ts";
import { provenBy } from "./kit/token.ts";

export const label = "Amazon SNS";
export const secretVariable = "SNS_WEBHOOK_SECRET";
export const troubles = [
  "Nothing comes until the subscription is confirmed: open the link of its first task.",
];
export const setup = "The topic → Create subscription (HTTPS): URL with ?token= and the secret; " +
  "then follow the link of the task that asks to confirm";

/** SNS signs with a certificate, which is not checked: a token in the subscription's URL proves the sender. */
export const { verify, prove, proof, secretNames } = provenBy(
  { parameters: ["token"] },
  { variable: secretVariable, is: "the token in the subscription's URL" },
);

/** The message's id, the same on every retry. */
export function deliveryId(request: Incoming): string | undefined {
  return usableId(text(payloadOf(request), "MessageId")) ??
    usableId(request.headers.get("x-amz-sns-message-id"));
}

/** Says what was published, CloudWatch's alarms by their names, or that a subscription waits for a person. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const type = line(payload, "Type");
  const topic = line(payload, "TopicArn")?.split(":").at(-1);
  const message = text(payload, "Message");
  const alarm = parse(message);
  const name = line(alarm, "AlarmName");
  const state = line(alarm, "NewStateValue");
  const isRequest = type === "SubscriptionConfirmation" || type === "UnsubscribeConfirmation";
  const said = first(
    sayingOf(alarm),
    stackTitle(message),
    line(payload, "Subject"),
    line(payload, "Message"),
  );
  return toDescription({ name: "sns", label }, payload, context, {
    event: type,
    title: isRequest
      ? words(
        type === "SubscriptionConfirmation"
          ? "Confirm the SNS subscription"
          : "The SNS subscription has ended",
        ["to", topic],
      )
      : type && words(said, topic && `(${topic})`),
    links: [subscribeLink(text(payload, "SubscribeURL"))],
    fields: {
      topic,
      subject: line(payload, "Subject"),
      alarm: name,
      state,
      time: line(payload, "Timestamp"),
    },
    text: isRequest ? undefined : message,
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("Notification", {
    Type: "Notification",
    MessageId: "SAMPLE",
    TopicArn: "arn:aws:sns:eu-central-1:1:phone",
    Subject: "ALARM: the line is down",
    Message: "No call was answered for five minutes",
    Timestamp: "2026-01-02T03:04:05Z",
  }, { "content-type": "text/plain; charset=UTF-8" }),
];

/** Confirming is one request to Amazon, and to nobody else. */
function subscribeLink(url: string | undefined): string | undefined {
  const host = URL.parse(url ?? "")?.host;
  return /^sns\.[\w-]+\.amazonaws\.com(\.cn)?$/.test(host ?? "") ? url : undefined;
}

/** The longest message that is parsed to see whether it is an alarm, in characters. */
const MAX_ALARM = 64 * 1024;

function parse(message: string | undefined): unknown {
  if (!message?.startsWith("{") || message.length > MAX_ALARM) return undefined;
  try {
    return JSON.parse(message);
  } catch {
    return undefined;
  }
}
