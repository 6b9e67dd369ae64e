import { html } from "hono/html";
import type { ActOutcome } from "../../../lib/people/audit.ts";
import type { AuditEntry } from "../../../lib/people/audit_search.ts";
import type { FoundItems } from "../../../lib/store/walk.ts";
import { type Choice, SINCE } from "../parts/filters.ts";
import { listPages } from "../parts/pages.ts";
import { status } from "../parts/status.ts";
import type { StageView } from "../parts/stages.ts";
import { type Frame, page } from "../page.ts";
import { ACT_WORDS, actWord, atSecond, whoActed } from "./acts.ts";
import { type LabelOf, saidAct } from "./said.ts";

/** The query of the page, as it stands in its URL. */
export interface AuditQuery {
  who?: string;
  act?: string;
  thing?: string;
  outcome?: string;
  since?: string;
  until?: string;
  before?: string;
}

/** Those who are nobody by name. */
const NAMELESS = [
  "admin",
  "reader",
  "somebody",
  "whoever is at this machine",
  "whoever has the command line",
];

const PROOFS: Record<AuditEntry["proof"], string> = {
  token: "by token",
  session: "signed in",
  link: "by sign-in link",
  local: "without signing in",
  slack: "in Slack",
  command: "on the command line",
  none: "who was not let in",
};

/** `/audit`: who did what, when and from where, newest first. */
export function auditPage(
  { frame, found: { items, next, stopped }, query, people, labelOf }: {
    frame: Frame;
    found: FoundItems<AuditEntry>;
    query: AuditQuery;
    people: readonly { id: string; name: string }[];
    labelOf: LabelOf;
  },
) {
  const { before, ...filters } = query;
  const hasFilters = Object.values(filters).some((value) => value);
  return page({
    title: "Audit log",
    frame,
    body: html`
      <nav class="crumbs" aria-label="Where this is"><a href="/users">People</a></nav>
      <div class="head">
        <h1>Audit log</h1>
      </div>
      <p class="hint">What people did here and in Slack. Nobody can change it; old entries go with
        the messages, after <code>RETENTION_DAYS</code>.</p>
      ${filterForm(query, people, hasFilters)}
      <div class="list">
        <table>
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col">Who</th>
              <th scope="col">What</th>
              <th scope="col">Outcome</th>
              <th scope="col">From</th>
            </tr>
          </thead>
          <tbody id="rows">${items.map((each) => entryRow(each, labelOf))}</tbody>
        </table>
        ${items.length === 0 && html`
          <div class="nothing">
            <h2>${hasFilters ? "No entry matches" : "Nothing yet"}</h2>
            <p>${hasFilters
              ? html`Choose other filters, or <a href="/audit">show all entries</a>.`
              : "What people do from now on stands here: who, what, when and from where."}</p>
          </div>
        `}
      </div>
      ${listPages({
        things: "entries",
        of: "the audit log",
        path: "/audit",
        filters,
        before,
        next,
        stopped,
      })}
    `,
  });
}

function filterForm(
  { who, act, thing, outcome, since, until }: AuditQuery,
  people: readonly { id: string; name: string }[],
  hasFilters: boolean,
) {
  const persons = people.map(({ id, name }) => ({ value: id, label: name }));
  const others = NAMELESS.map((name) => ({ value: name, label: name }));
  const words = (all: readonly string[]) => all.map((value) => ({ value, label: actWord(value) }));
  return html`
    <form class="filters always" method="get" action="/audit" role="search">
      <label class="grow"><span class="words">Of which thing</span>
        <input type="search" name="thing" value="${thing ?? ""}" maxlength="100" data-key="/"
          placeholder="Id of a message, task or user, or a source's name"></label>
      ${choice("who", "Anybody", who, [...persons, ...others])}
      ${choice("act", "Any act", act, words(ACT_WORDS))}
      ${choice("outcome", "Any outcome", outcome, words(Object.keys(OUTCOMES)))}
      ${choice("since", "Any time", since, SINCE)}
      ${until && html`<input type="hidden" name="until" value="${until}">`}
      <button>Filter</button>
      ${hasFilters && html`<a class="button" href="/audit">Clear</a>`}
    </form>
  `;
}

/** One list to choose from; a value that came by a link is among it. */
function choice(
  name: string,
  label: string,
  value: string | undefined,
  choices: readonly Choice[],
) {
  const isListed = value === undefined || choices.some((each) => each.value === value);
  const all = isListed ? choices : [...choices, { value, label: value }];
  return html`
    <label><span class="words">${label}</span>
      <select name="${name}" class="${value !== undefined && "chosen"}">
        <option value="">${label}</option>
        ${all.map((each) =>
          html`
            <option value="${each.value}" ${each.value === value
              ? html`
                selected
              `
              : ""}>${each.label}</option>
          `
        )}
      </select></label>
  `;
}

const OUTCOMES: Record<ActOutcome, StageView["state"]> = {
  done: "done",
  refused: "none",
  failed: "failed",
  unknown: "waiting",
};

function entryRow(entry: AuditEntry, labelOf: LabelOf) {
  const { at, outcome, status: answered, proof, channel } = entry;
  return html`
    <tr id="e-${entry.id}">
      <td>${atSecond(at)}</td>
      <td class="wraps">${whoActed(entry)} <span class="hint">${PROOFS[proof]}</span></td>
      <td class="main">${saidAct(entry, labelOf)}</td>
      <td>${status(
        answered !== null && answered >= 400 ? `${outcome} (${answered})` : outcome,
        OUTCOMES[outcome],
      )}</td>
      <td class="clip">${channel}${entry.client_ip && ` · ${entry.client_ip}`}</td>
    </tr>
  `;
}
