import type { Description } from "./description.ts";
import { changed, firstFew, quoted, words } from "./kit/line.ts";
import { at, first, isObject, line, list, type PathKey, whole } from "./kit/json_path.ts";
import { isWithin } from "./signature/signature.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, Incoming, Verdict } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { timestampOutsideWindow } from "./kit/verdict.ts";
import { idAt, keyOf, roleIn, timeAt, toSubject } from "./kit/subject/subject_key.ts";
import type { Subject, SubjectRole } from "./subject.ts";
import { httpLink } from "./kit/link.ts";

export const label = "Linear";
export const secretVariable = "LINEAR_WEBHOOK_SECRET";
export const secretIsTheirs = true;
export const setup = "Settings → API → Webhooks: URL; the signing secret is shown there";

/** `Linear-Signature` is a bare HMAC of the body (linear.app/developers/webhooks, "Securing webhooks"). */
const signed = signedBy(
  { header: "Linear-Signature", encoding: "hex" },
  { variable: secretVariable, is: "the webhook's signing secret" },
);
export const { sign, signedContentKeys } = signed;
export const proof = `${signed.proof}, and \`webhookTimestamp\` in the body, ± 1 min`;

const ONE_MINUTE = { past: 60, future: 60 };

/** The time that is signed lies in the body; a minute is what Linear's page asks for. */
export async function verify(request: Incoming, secrets: readonly string[]): Promise<Verdict> {
  const verdict = await signed.verify(request, secrets);
  const time = at(payloadOf(request), "webhookTimestamp");
  if (!verdict.ok || typeof time !== "number") return verdict;
  return isWithin(ONE_MINUTE, time / 1000, request.receivedAt)
    ? verdict
    : timestampOutsideWindow(time / 1000, request.receivedAt, ONE_MINUTE.past);
}

/** The delivery's UUID, the same on every retry. */
export function deliveryId({ headers }: Incoming): string | undefined {
  return usableId(headers.get("linear-delivery"));
}

/** When it was sent, which Linear wants to be of the last minute. */
export const changesOnRetry = ["webhookTimestamp"];

const DID: Record<string, string> = { create: "created", update: "updated", remove: "removed" };

/** Says what happened, such as `Ada updated Issue ENG-12 "Title" (state)`. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const type = line(payload, "type");
  const action = line(payload, "action");
  const data = at(payload, "data");
  const actor = line(payload, "actor", "name");
  const about = type === "Comment" ? at(data, "issue") : data;
  const changes = changesOf(payload);
  const isComment = type === "Comment";
  const said = isComment ? line(data, "body") : undefined;
  const issue = first(
    at(about, "issue"),
    at(payload, "issueData"),
    at(payload, "notification", "issue"),
    at(payload, "agentSession", "issue"),
    about,
  );
  const did = (action && DID[action]) ??
    action?.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  const title = type && words(
    actor,
    isComment && action === "create" ? "commented" : isComment ? `${did} a comment` : did,
    isComment ? "on" : type,
    line(issue, "identifier"),
    quoted(
      first(line(issue, "title"), line(issue, "name"), isComment ? undefined : line(data, "body")),
    ),
    line(data, "emoji") && `:${line(data, "emoji")}:`,
    changes && `(${changes})`,
  );
  return toDescription({ name: "linear", label }, payload, context, {
    event: type && action ? `${type}.${action}` : first(type, action),
    title: title && said ? `${title.replace(/ on$/, "")}: ${said}` : title,
    links: [at(payload, "url"), at(data, "url"), at(issue, "url")],
    actor,
    fields: {
      issue: first(line(about, "identifier"), line(data, "issue", "identifier")),
      state: line(data, "state", "name"),
      team: first(line(data, "team", "name"), line(data, "team", "key")),
      assignee: line(data, "assignee", "name"),
      priority: line(data, "priorityLabel"),
      changed: changes,
    },
    text: first(whole(data, "body"), whole(data, "description")),
  });
}

/** Where the value of a changed id is told in words. */
const NOW: Record<string, readonly PathKey[]> = {
  stateId: ["state", "name"],
  assigneeId: ["assignee", "name"],
  projectId: ["project", "name"],
  cycleId: ["cycle", "name"],
  teamId: ["team", "name"],
  parentId: ["parent", "identifier"],
  priority: ["priorityLabel"],
};

/** Changes that say nothing to a person. */
const INTERNAL =
  /^(?:updatedAt|editedAt|sortOrder|subIssueSortOrder|prioritySortOrder|boardOrder|.*edAt|.*Data)$/;

/** What changed, by `updatedFrom`: `state Done, title Old → New`; of an id only what it is now is known. */
function changesOf(payload: unknown): string | undefined {
  const from = at(payload, "updatedFrom");
  if (!isObject(from)) return undefined;
  const data = at(payload, "data");
  const keys = Object.keys(from as object).slice(0, 30).filter((key) => !INTERNAL.test(key));
  return firstFew(
    keys.map((key) => {
      const name = key.replace(/Ids?$/, "").replace(
        /[A-Z]/g,
        (letter) => ` ${letter.toLowerCase()}`,
      );
      if (Object.hasOwn(NOW, key)) {
        return words(
          name,
          line(data, ...NOW[key]) ?? (at(data, key) === null ? "none" : undefined),
        );
      }
      if (key === "labelIds") {
        return words("labels", firstFew(list(data, "labels").map((each) => line(each, "name"))));
      }
      return /Ids?$/.test(key) ? name : changed(name, line(from, key), line(data, key));
    }),
  );
}

export const about = "an issue, with the comments on it, or a session of an agent";

/** What an event is about: an issue, known by its id, as its number changes with the team; or a session of an agent. */
export function subject(payload: unknown): Subject | undefined {
  const type = line(payload, "type");
  const data = at(payload, "data");
  const session = at(payload, "agentSession");
  const isSession = type === "AgentSessionEvent";
  const issue = isSession
    ? at(session, "issue")
    : type === "Issue"
    ? data
    : first(at(data, "issue"), at(payload, "issueData"));
  const id = isSession
    ? keyOf`session:${idAt(session, "id")}`
    : type === "Issue"
    ? idAt(data, "id")
    : ABOUT_ISSUES.includes(type ?? "")
    ? first(idAt(issue, "id"), idAt(data, "issueId"))
    : undefined;
  const title = line(issue, "title");
  return toSubject(id, {
    role: isSession ? sessionRole(payload) : issueRole(payload, type),
    name: title && words(line(issue, "identifier"), quoted(title)),
    link: first(
      httpLink(at(issue, "url")),
      type === "Issue" ? httpLink(at(payload, "url")) : undefined,
    ),
    at: first(timeAt(payload, "createdAt"), timeAt(data, "updatedAt")),
  });
}

/** What is told of an issue besides itself. */
const ABOUT_ISSUES = ["Comment", "Attachment", "IssueAttachment", "IssueSLA", "Reaction"];

function issueRole(payload: unknown, type: string | undefined): SubjectRole {
  const action = line(payload, "action");
  if (type === "Comment") return action === "create" ? "continues" : "notes";
  if (type !== "Issue") return "notes";
  if (action !== "update") return roleIn({ opens: ["create"], closes: ["remove"] }, action);
  const from = at(payload, "updatedFrom");
  // An issue that is over may be edited later.
  const isMoved = !isObject(from) || at(from, "stateId") !== undefined;
  const state = line(payload, "data", "state", "type");
  if (!isMoved) return "notes";
  const wasOver = line(from, "completedAt") ?? line(from, "canceledAt");
  const role = roleIn({ closes: ["completed", "canceled"] }, state);
  return role === "notes" && wasOver !== undefined ? "opens" : role;
}

/** A person who wants the agent to stop says so by a signal. */
function sessionRole(payload: unknown): SubjectRole {
  return line(payload, "agentActivity", "signal") === "stop"
    ? "closes"
    : roleIn({ opens: ["created"], continues: ["prompted"] }, line(payload, "action"));
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("Issue.create", {
    action: "create",
    type: "Issue",
    actor: { name: "Ada Byron", type: "user" },
    url: "https://linear.app/otto/issue/OTT-12",
    data: {
      id: "2174add1-f7c8-44e3-bbf3-2d60b5ea8bc9",
      identifier: "OTT-12",
      title: "The line drops after ten minutes",
      description: "It happens on every long call.",
      state: { name: "Todo" },
      team: { key: "OTT", name: "Otto" },
      priorityLabel: "High",
    },
  }, { "linear-delivery": "SAMPLE", "linear-event": "Issue" }),
];
