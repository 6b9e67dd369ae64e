import type { Description } from "./description.ts";
import { oneLine, words } from "./kit/line.ts";
import { at, isObject, line } from "./kit/json_path.ts";
import { factsOf, linkOf, textOf } from "./github/digest.ts";
import { eventOf } from "./github/event.ts";
import { subjectOf } from "./github/subject.ts";
import { titleOf } from "./github/title.ts";
import { usableId } from "./kit/incoming.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, Incoming, Sample } from "./source.ts";
import type { Subject } from "./subject.ts";

export { reply, replyApi, sentReply } from "./github/reply.ts";
export const label = "GitHub";
export const secretVariable = "GITHUB_WEBHOOK_SECRET";
export const troubles = [
  "GitHub does not try again by itself: Settings → Webhooks → Recent Deliveries → Redeliver.",
];
export const setup = "Repository or organization → Settings → Webhooks: payload URL and secret";

/** GitHub's cap on payloads (docs.github.com, "Webhook events and payloads"). */
export const bodyLimit = 25 * 1024 * 1024;

/** `sha256=…` over the raw body, form bodies included (docs.github.com, "Validating webhook deliveries"). */
export const { verify, sign, proof, signedContentKeys } = signedBy(
  { header: "X-Hub-Signature-256", prefix: "sha256=", encoding: "hex" },
  { variable: secretVariable, is: "the webhook's secret in GitHub" },
);

/** The GUID of the delivery, the same on a redelivery (docs.github.com, "Best practices for using webhooks"). */
export function deliveryId(request: Incoming): string | undefined {
  return usableId(request.headers.get("x-github-delivery"));
}

/** Says what happened; without the event's header, which only the request has, by the payload's shape. */
export function describe(
  payload: unknown,
  context: DescribeContext = {},
): Description {
  const event = eventOf(payload, context.headers);
  const action = line(payload, "action");
  return {
    event: event && action ? oneLine(`${event}.${action}`) : event ?? action,
    title: titleOf(payload, event),
    description: oneLine(instruction(payload, event)),
    link: linkOf(payload),
    actor: line(payload, "sender", "login"),
    fields: factsOf(payload, event),
    text: textOf(payload, event),
  };
}

export const about =
  "a pull request, an issue, a discussion, an alert, a release or a commit; checks of a commit are the pull request's that has it at its head";

/** The pull request, issue, discussion, alert, release or commit that an event is about. */
export function subject(payload: unknown, context: DescribeContext = {}): Subject | undefined {
  return subjectOf(payload, eventOf(payload, context.headers));
}

/** Small events to try the source with; each `SAMPLE` in an id wants to be unique. */
export const samples: readonly Sample[] = [
  sample("pull_request", {
    action: "opened",
    number: 7,
    pull_request: {
      number: 7,
      title: "Answer the phone with a friendly greeting",
      body: "The greeting is read from the settings.\n\nPlease check the wording.",
      html_url: "https://github.com/octo/phone/pull/7",
      state: "open",
      draft: false,
      user: { login: "ada" },
      head: { ref: "greeting" },
      base: { ref: "main" },
      labels: [{ name: "enhancement" }],
      additions: 12,
      deletions: 3,
      changed_files: 2,
    },
  }),
  sample("push", {
    ref: "refs/heads/main",
    before: "1".repeat(40),
    after: "2".repeat(40),
    created: false,
    deleted: false,
    forced: false,
    compare: "https://github.com/octo/phone/compare/1111111...2222222",
    commits: [{
      id: "2".repeat(40),
      message: "Greet callers by name",
      url: "https://github.com/octo/phone/commit/2222222",
      author: { name: "Ada", username: "ada" },
    }],
    head_commit: { id: "2".repeat(40), message: "Greet callers by name" },
    pusher: { name: "ada" },
  }),
  sample("issues", {
    action: "opened",
    issue: {
      number: 8,
      title: "The line drops after ten minutes",
      body: "It happens on every long call.",
      html_url: "https://github.com/octo/phone/issues/8",
      state: "open",
      user: { login: "grace" },
      labels: [{ name: "bug" }],
    },
  }),
];

function sample(event: string, payload: Record<string, unknown>): Sample {
  return {
    event,
    headers: {
      "content-type": "application/json",
      "x-github-event": event,
      "x-github-delivery": "SAMPLE",
    },
    body: JSON.stringify({
      ...payload,
      repository: {
        full_name: "octo/phone",
        html_url: "https://github.com/octo/phone",
      },
      sender: { login: "ada" },
    }),
  };
}

/** The description in Otto's fixed wording. */
function instruction(payload: unknown, event: string | undefined): string {
  const sender = line(payload, "sender", "login");
  const repo = line(payload, "repository", "full_name");
  const action = line(payload, "action");
  if (action === "opened" && isObject(payload, "pull_request")) {
    const opened = words("Process GitHub pull request opened", ["by", sender], [
      "in",
      repo,
    ]);
    const title = line(payload, "pull_request", "title");
    return title ? `${opened}: ${title}` : opened;
  }
  if (event === "push") {
    const commits = at(payload, "commits");
    const count = Array.isArray(commits) ? `(${commits.length} commits)` : undefined;
    return words("Process GitHub push", ["by", sender], ["to", repo], count);
  }
  return words("Process GitHub", action ?? event, "event", ["by", sender], [
    "in repository",
    repo,
  ]);
}
