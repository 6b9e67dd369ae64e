import type { Description } from "./description.ts";
import { quoted, spoken, words } from "./kit/line.ts";
import { at, first, line, list, whole } from "./kit/json_path.ts";
import { contentId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import type { DescribeContext } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { provenBy } from "./kit/token.ts";

export const label = "Opsgenie";
export const secretVariable = "OPSGENIE_WEBHOOK_SECRET";
export const setup =
  "Settings → Integrations → Webhook: URL, custom header Authorization: Bearer and the secret";

/** Opsgenie signs nothing; an integration has custom headers (support.atlassian.com, "Integrate Opsgenie with Webhook"). */
export const { verify, sign, proof, secretNames } = provenBy(
  { authorization: true, parameters: ["token"] },
  { variable: secretVariable, is: "the secret in the integration's custom header" },
);

/** Each action changes the alert's `updatedAt`, in nanoseconds. */
export const deliveryId = contentId;

/** What was done to the alert, where its action is one of Opsgenie's own. */
const DID: Record<string, string> = {
  Create: "created",
  Acknowledge: "acknowledged",
  UnAcknowledge: "unacknowledged",
  Close: "closed",
  Delete: "deleted",
  Snooze: "snoozed",
  SnoozeEnded: "ended the snooze of",
  AddNote: "added a note to",
  AddRecipient: "added a recipient to",
  AddTeam: "added a team to",
  AddTags: "added tags to",
  RemoveTags: "removed tags from",
  TakeOwnership: "took",
  AssignOwnership: "assigned",
  Escalate: "escalated",
  EscalateNext: "escalated",
  UpdatePriority: "changed the priority of",
  UpdateDescription: "changed the description of",
  UpdateMessage: "changed the message of",
};

/** Says who did what to which alert, such as `ada@example.com acknowledged alert #23 "The line is down" (P1)`. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const action = line(payload, "action");
  const alert = at(payload, "alert");
  const actor = line(alert, "username");
  const did = action && Object.hasOwn(DID, action) ? DID[action] : undefined;
  const priority = line(alert, "priority");
  const before = line(alert, "oldPriority");
  const message = line(alert, "message");
  const which = words(
    line(alert, "tinyId")
      ? `#${line(alert, "tinyId")}`
      : message
      ? undefined
      : line(alert, "alertId"),
    quoted(message),
    priority && (before ? `(${before} → ${priority})` : `(${priority})`),
  );
  const to = action === "Escalate"
    ? line(payload, "escalationNotify", "name")
    : action?.endsWith("Ownership") && actor !== line(alert, "owner")
    ? line(alert, "owner")
    : undefined;
  const team = action === "AddTeam" ? line(alert, "team") : undefined;
  const title = action && words(
    did && actor
      ? words(actor, team ? `added team ${team} to` : did, "alert", which)
      : did && /^\w+ed$/.test(did)
      ? words("Alert", which, did)
      : words("Alert", spoken(action), which),
    ["to", to],
  );
  const note = line(alert, "note");
  const tags = list(alert, "tags").map((_, i) => line(alert, "tags", i)).filter((tag) => tag);
  return toDescription({ name: "opsgenie", label }, payload, context, {
    event: action,
    title: title && note ? `${title}: ${note}` : title,
    actor,
    fields: {
      alert: first(line(alert, "alertId"), line(alert, "alias")),
      priority,
      owner: line(alert, "owner"),
      team: line(alert, "team"),
      entity: line(alert, "entity"),
      tags: tags.join(", "),
      integration: line(payload, "integrationName"),
    },
    text: first(whole(alert, "note"), whole(alert, "description")),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("Create", {
    action: "Create",
    alert: {
      alertId: "SAMPLE",
      tinyId: "23",
      message: "The line is down",
      priority: "P1",
      username: "ada@example.com",
      tags: ["phone"],
      updatedAt: 1_767_322_645_000,
    },
    source: { name: "", type: "api" },
    integrationName: "Otto",
  }),
];
