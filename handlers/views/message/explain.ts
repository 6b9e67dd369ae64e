import { html } from "hono/html";
import { GENERIC } from "../../../sources/rules/registry.ts";
import { httpLink } from "../../../sources/kit/link.ts";
import type { SubjectRole } from "../../../sources/subject.ts";
import type { Html } from "../page.ts";
import { ROLES, subjectName } from "../subject/line.ts";
import { linkTo } from "../parts/filters.ts";
import { marked } from "../parts/marked.ts";
import { status } from "../parts/status.ts";
import type { StageView } from "../parts/stages.ts";
import { age } from "../parts/time.ts";

/** What today's settings make of a request, as the API says it. */
export interface ExplainedWebhook {
  webhook_type: string;
  source: string;
  label: string;
  verdict: "verified" | "unverified" | "rejected";
  scheme: string | null;
  why: string;
  becomes: "message" | "handshake" | "rejected";
  delivery_id: string | null;
  repeat_of: string | null;
  hint: string | null;
  event: string | null;
  title: string | null;
  description: string | null;
  link: string | null;
  error: string | null;
  gate: {
    paused_since: Date | null;
    address_allowed: boolean | null;
    rate_limit: { requests: number; seconds: number } | null;
  };
  filter: { passes: boolean; reason: string | null };
  same_signed_as: string | null;
  merge: { key: string; seconds: number } | null;
  subject: {
    id: string | null;
    key: string;
    role: SubjectRole;
    name: string | null;
    joins: string | null;
    why: string;
  } | null;
  route: { place: string; thread_ts: string | null } | null;
  answer: { status: number; content_type: string | null; body: string };
}

/** What stands under a message's second tab. */
export type ExplainTab =
  | { explanation: ExplainedWebhook; messageId: string }
  /** Why nothing can be said of it. */
  | { problem: { message: string; hint?: string } };

/** Under the tab "Explain": each step from the gate to the task, with today's settings. */
export function explainTab(tab: ExplainTab) {
  if ("problem" in tab) {
    const { message, hint } = tab.problem;
    return html`<p class="note" dir="auto"><strong>${message}.</strong> ${hint}</p>`;
  }
  const { explanation, messageId } = tab;
  return html`
    <div id="explained" data-part>
      <p class="hint lead">What would become of it today, with the settings and secrets of now, judged
        at the time it came. Nothing is kept, and nothing is done.
        <a class="write" href="${linkTo(`/sources/${explanation.webhook_type}/try`, {
          like: messageId,
        })}">Try it with another payload</a></p>
      ${explainedSteps(explanation)}
    </div>
  `;
}

interface ExplainStep {
  name: string;
  tone: StageView["state"];
  word: string;
  says?: Html | string;
}

/** The steps of an explanation, in the order in which a webhook takes them. */
export function explainedSteps(explained: ExplainedWebhook) {
  return html`
    <ol class="card steps">${stepsOf(explained).map(({ name, tone, word, says }) =>
      html`
        <li>
          <h2>${name}</h2>
          <div>${status(word, tone)}${says && html`<p dir="auto">${says}</p>`}</div>
        </li>
      `
    )}</ol>
  `;
}

function stepsOf(explained: ExplainedWebhook): ExplainStep[] {
  const { label, source, webhook_type, becomes, hint } = explained;
  const steps: ExplainStep[] = [
    {
      name: "Source",
      tone: "done",
      word: label,
      says: html`Sent to <code>/webhook/${webhook_type}</code>, which is ${
        source === GENERIC
          ? "a sender that Otto has no rules for"
          : html`the source <code>${source}</code>`
      }.${hint && ` It ${hint}.`}`,
    },
    gateStep(explained.gate),
    verificationStep(explained),
    {
      name: "Becomes",
      tone: becomes === "message" ? "done" : becomes === "rejected" ? "failed" : "none",
      word: BECOMES[becomes],
      says: deliverySays(explained),
    },
    describedStep(explained),
  ];
  return becomes === "message"
    ? [
      ...steps,
      filterStep(explained),
      groupStep(explained),
      ...subjectStep(explained),
      ...routeStep(explained),
      answerStep(explained),
    ]
    : [...steps, answerStep(explained)];
}

const BECOMES = {
  message: "a message",
  handshake: "a handshake, answered and not kept",
  rejected: "refused, and kept for diagnosis",
};

function gateStep(
  { paused_since, address_allowed, rate_limit }: ExplainedWebhook["gate"],
): ExplainStep {
  const limit = rate_limit &&
    `At most ${rate_limit.requests.toLocaleString("en")} requests in ${rate_limit.seconds} s.`;
  if (paused_since) {
    return {
      name: "Gate",
      tone: "active",
      word: "paused",
      says: html`Paused ${age(new Date(paused_since))}: it is answered with 503. ${limit}`,
    };
  }
  return {
    name: "Gate",
    tone: address_allowed === false ? "failed" : "done",
    word: address_allowed === false ? "address not allowed" : "open",
    says: limit ?? undefined,
  };
}

function verificationStep({ verdict, why, scheme }: ExplainedWebhook): ExplainStep {
  return {
    name: "Verification",
    tone: verdict === "verified" ? "done" : verdict === "rejected" ? "failed" : "none",
    word: verdict === "rejected" ? "refused" : verdict,
    says: html`${why}${
      scheme && html`<span class="scheme">It proves itself by: ${marked(scheme)}</span>`
    }`,
  };
}

function deliverySays({ delivery_id, repeat_of, same_signed_as }: ExplainedWebhook) {
  const message = (id: string) => html`<a href="/messages/${id}"><code>${id}</code></a>`;
  return html`
    ${delivery_id
      ? html`
        Delivery id <code>${delivery_id}</code>.
      `
      : "Without a delivery id: a repeat of it is not known. "}${repeat_of &&
      html`
        This delivery has become ${message(repeat_of)} already.
      `}${same_signed_as &&
      html`The same signed bytes came as ${message(same_signed_as)}: they make no second task.`}
  `;
}

function describedStep(
  { event, title, description, link, error }: ExplainedWebhook,
): ExplainStep {
  if (error) return { name: "Description", tone: "failed", word: "cannot be read", says: error };
  const its = httpLink(link ?? undefined);
  return {
    name: "Description",
    tone: "done",
    word: event ?? "no event",
    says: html`<strong>${title}</strong> ${description} ${
      its &&
      html`
        <a href="${its}" rel="noreferrer noopener" target="_blank"
          class="away">${new URL(its).hostname}<span class="words"> (opens in a new tab)</span></a>
      `
    }`,
  };
}

function filterStep({ filter: { passes, reason } }: ExplainedWebhook): ExplainStep {
  return passes
    ? { name: "Filter", tone: "done", word: "passes: it becomes a task" }
    : { name: "Filter", tone: "none", word: "no task", says: reason ?? undefined };
}

function groupStep({ merge }: ExplainedWebhook): ExplainStep {
  return merge
    ? {
      name: "Group",
      tone: "waiting",
      word: "waits for others",
      says: html`With the same key <code>${merge.key}</code>, for ${merge.seconds} s: they share a
        task.`,
    }
    : { name: "Group", tone: "none", word: "none: a task of its own" };
}

function subjectStep({ subject }: ExplainedWebhook): ExplainStep[] {
  if (!subject) return [];
  const { id, joins, why, role } = subject;
  const name = subjectName(subject);
  return [{
    name: "Subject",
    tone: "done",
    word: ROLES[role],
    says: html`${id ? html`<a href="/subjects/${id}">${name}</a>` : html`${name}, the first of it`}.
      ${joins ? html`${why}: <a href="/tasks/${joins}"><code>${joins}</code></a>` : why}.`,
  }];
}

function routeStep({ route }: ExplainedWebhook): ExplainStep[] {
  return route
    ? [{
      name: "Slack",
      tone: "done",
      word: route.thread_ts ? "in its thread" : route.place,
      says: html`Its task is shown in <code>${route.place}</code>.`,
    }]
    : [];
}

function answerStep(
  { answer: { status: code, content_type, body } }: ExplainedWebhook,
): ExplainStep {
  return {
    name: "Answer",
    tone: code < 400 ? "done" : "failed",
    word: String(code),
    says: html`${content_type} ${body && html`<code>${body}</code>`}`,
  };
}
