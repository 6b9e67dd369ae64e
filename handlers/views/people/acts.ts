import { html } from "hono/html";
import type { AuditEntry } from "../../../lib/people/audit_search.ts";
import { linkTo } from "../parts/filters.ts";

/** What was done, as a sentence about it says it; of what is not here, its own word is good enough. */
export const DONE: Record<string, string> = {
  answer: "answered",
  approve: "approved",
  cancel: "cancelled",
  change: "changed",
  create: "made",
  delete: "deleted",
  deny: "denied",
  detach: "detached",
  edit: "edited and replayed",
  pause: "paused",
  prepare: "prepared",
  read: "marked as read",
  reassign: "reassigned",
  release: "verified again and released",
  replay: "replayed",
  resume: "resumed",
  retry: "retried",
  revoke: "revoked",
  sign_in: "signed in",
  sign_out: "signed out",
  stop: "stopped",
  try: "tried",
  wake: "woke",
};

export const ACT_WORDS = Object.keys(DONE);

/** What an act is called in a list: "sign in". */
export const actWord = (act: string) => act.replaceAll("_", " ");

/** Whoever acted, with a link to them where they are a person by name. */
export function whoActed({ who, user_id }: AuditEntry) {
  return user_id
    ? html`<a href="/users/${user_id}" dir="auto">${who}</a>`
    : html`<span dir="auto">${who}</span>`;
}

/** A time of the log, to the second. */
export function atSecond(time: Date) {
  const iso = time.toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC</time>`;
}

/** What people did to one thing, newest first: nothing where nobody did anything. */
export function actSection(acts: readonly AuditEntry[], thing: string) {
  return acts.length > 0 && html`
    <section class="card" aria-labelledby="acts">
      <h2 id="acts">What people did</h2>
      <ul class="plain-list">${acts.map((entry) =>
        html`
          <li>${DONE[entry.act] ?? actWord(entry.act)} by ${whoActed(entry)}
            <span class="hint">${atSecond(entry.at)}</span></li>
        `
      )}</ul>
      <p class="hint"><a href="${linkTo("/audit", { thing })}">All of it in the audit log</a></p>
    </section>
  `;
}
