import type { Description } from "./description.ts";
import { at, first, line, list, whole } from "./kit/json_path.ts";
import { firstFew, words } from "./kit/line.ts";
import { parseTimestamp, type Scheme } from "./signature/signature.ts";
import { alertsId, alertsSubject, extractAlerts } from "./kit/alerts.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, Incoming, Verdict } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { provenBy } from "./kit/token.ts";
import { signatureMismatch } from "./kit/verdict.ts";

export const label = "Grafana";
export const secretVariable = "GRAFANA_WEBHOOK_SECRET";
export const troubles = [
  "The contact point's Test button sends an alert named TestAlert: it makes a task.",
];
export const setup = "Alerting → Contact points → Webhook: URL, HMAC signature secret, " +
  "timestamp header X-Grafana-Alerting-Timestamp";
/** The contact point's "HTTP Method" (grafana/alerting, receivers/webhook/v1). */
export const methods = ["POST", "PUT"];

const setting = { variable: secretVariable, is: "the contact point's HMAC secret or credentials" };
const TIMESTAMP = "X-Grafana-Alerting-Timestamp";

const scheme: Scheme = { header: "X-Grafana-Alerting-Signature", encoding: "hex" };
const untimed = signedBy(scheme, setting);
const timedBy = (header: string) =>
  signedBy({ ...scheme, signed: "{time}:{body}", time: { header } }, setting);
const proven = provenBy({ authorization: true }, setting);

export const proof = `${untimed.proof} (with a timestamp header: \`{time}:{body}\`, ± 5 min), ` +
  `or ${proven.proof}`;

/** The most headers that are tried as the signed time, because each costs a signature. */
const MOST_TIMES = 4;

/** An HMAC signature when there is one, else the contact point's credentials. */
export async function verify(request: Incoming, secrets: readonly string[]): Promise<Verdict> {
  if (!request.headers.has(scheme.header)) {
    return request.headers.has("authorization")
      ? await proven.verify(request, secrets)
      : await untimed.verify(request, secrets);
  }
  let refusal: Verdict | undefined;
  for (const header of timesIn(request.headers)) {
    const verdict = await timedBy(header).verify(request, secrets);
    if (verdict.ok || verdict.code === "timestamp_outside_window") return verdict;
    if (header === TIMESTAMP) refusal = verdict;
  }
  if (refusal) return refusal;
  // "{time}:{body}" sent as a body without its header would be valid for ever.
  return /^\d{10}:/.test(new TextDecoder().decode(request.body.subarray(0, 11)))
    ? signatureMismatch(scheme.header, `Send ${TIMESTAMP} as Grafana does.`)
    : await untimed.verify(request, secrets);
}

/**
 * The headers that may hold the signed time. It has no default name
 * (grafana/alerting, receivers/webhook/v1); ours comes first, and is one whatever it holds.
 */
function timesIn(headers: Headers): string[] {
  const times = [...headers].filter(([, value]) => parseTimestamp(value) !== undefined)
    .map(([name]) => name).filter((name) => name !== TIMESTAMP.toLowerCase());
  return [...headers.has(TIMESTAMP) ? [TIMESTAMP] : [], ...times].slice(0, MOST_TIMES);
}

/** Signs a body with a timestamp, as the contact point does when it is set up as we say. */
export function sign(request: Incoming, secret: string): Promise<Record<string, string>> {
  return timedBy(TIMESTAMP).sign(request, secret);
}

export const deliveryId = alertsId;
/** As Alertmanager's. */
export const changesOnRetry = "anything";

/** Says what fires or is resolved; a custom template may have replaced the whole body. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const found = extractAlerts(payload);
  // The alerting before Grafana 8 tells of one rule, at the top.
  const rule = line(payload, "ruleName");
  const said = first(line(payload, "title"), rule);
  const message = line(payload, "message");
  const own = said && rule && message ? `${said}: ${message}` : first(said, message);
  return toDescription({ name: "grafana", label }, payload, context, {
    ...found,
    event: found.event ?? line(payload, "state"),
    title: first(found.fields?.alert && found.title, own, found.title),
    links: [at(payload, "ruleUrl"), ...found.links ?? []],
    fields: {
      ...found.fields,
      ...rule && { alert: rule, status: line(payload, "state"), value: valuesOf(payload) },
    },
    text: first(found.text, whole(payload, "message")),
  });
}

/** What a rule measured: `calls 0, lines 3`. */
function valuesOf(payload: unknown): string | undefined {
  return firstFew(
    list(payload, "evalMatches").slice(0, 20).map((each) =>
      words(line(each, "metric"), line(each, "value"))
    ),
  );
}

export const about = "a group of alerts, of one address of Grafana";

/** What a notification is about: its group of alerts. */
export const subject = alertsSubject;

/** Small events to try the source with. */
export const samples = [
  jsonSample("alert.firing", {
    version: "1",
    orgId: 1,
    groupKey: '{}:{alertname="SAMPLE"}',
    status: "firing",
    title: "[FIRING:1] NoDialTone (critical)",
    receiver: "otto",
    commonLabels: { alertname: "NoDialTone", severity: "critical" },
    externalURL: "https://grafana.example.com/",
    commonAnnotations: { summary: "No call was answered for five minutes" },
    alerts: [{
      status: "firing",
      labels: { alertname: "NoDialTone" },
      startsAt: "2026-01-02T03:04:05Z",
      fingerprint: "a1",
      panelURL: "https://grafana.example.com/d/phone?viewPanel=1",
      valueString: "calls = 0",
    }],
  }),
];
