import { html } from "hono/html";
import type { AuditEntry } from "../../../lib/people/audit_search.ts";
import { isId } from "../../../lib/store/id.ts";
import { counted } from "../parts/count.ts";
import { actWord, DONE } from "./acts.ts";

/** What people call a source. */
export type LabelOf = (source: string) => string;

/** Of many things only so many are named. */
const MOST_NAMED = 3;

/** These the sentence has in its own words. */
const SAID = ["action", "count", "done", "refused", "expect", "filter"];

const PATHS: Record<string, string> = {
  bulk: "/bulk",
  message: "/messages",
  subject: "/subjects",
  task: "/tasks",
  user: "/users",
};

/** What a person did, as a sentence: `released 14 messages of GitHub`, and which these were. */
export function saidAct(
  { act, thing, ids, detail, outcome, route }: AuditEntry,
  labelOf: LabelOf,
) {
  const verb = outcome === "done" ? DONE[act] ?? actWord(act) : actWord(act);
  const filter = filterOf(detail.filter);
  const { source, ...others } = typeof filter === "object" ? filter : {};
  const count = numberIn(detail, "done") ?? numberIn(detail, "count") ?? numberIn(detail, "expect");
  const refused = numberIn(detail, "refused") ?? 0;
  const of = source === undefined ? "" : ` of ${labelOf(source)}`;
  const what = act.startsWith("sign_")
    ? ""
    : thing === "bulk"
    ? ` a bulk action${detail.action ? `: ${detail.action} ${count?.toLocaleString("en")}` : ""}`
    : count === undefined
    ? ` ${thing}`
    : ` ${counted(count, thing)}${of}`;
  const facts = [
    ...refused > 0 ? [`${refused.toLocaleString("en")} refused`] : [],
    ...typeof filter === "string" ? [filter] : [],
    ...Object.entries(others).map(([name, value]) => `${name.replaceAll("_", " ")}: ${value}`),
    ...Object.entries(detail).filter(([name]) => !SAID.includes(name)).map(([name, value]) =>
      `${name.replaceAll("_", " ")}: ${typeof value === "string" ? value : JSON.stringify(value)}`
    ),
  ];
  // One id for many things is that of the work on all of them, in the background.
  const isBulk = route?.includes("/bulk/") ||
    ids.length === 1 && count !== undefined && count > 1;
  const named = isBulk ? "bulk" : thing;
  const more = ids.length - MOST_NAMED;
  return html`<span dir="auto">${verb}${what}</span>
    ${
    ids.slice(0, MOST_NAMED).map((id, at) =>
      // Whose token it is comes before which.
      thingLink(named === "token" && at === 0 ? "user" : named, id)
    )
  }
    ${more > 0 && html`<span class="hint">and ${more.toLocaleString("en")} more</span>`}
    ${facts.length > 0 && html`<span class="hint" dir="auto">${facts.join(" · ")}</span>`}`;
}

function numberIn(detail: Record<string, unknown>, name: string): number | undefined {
  const value = detail[name];
  return typeof value === "number" ? value : undefined;
}

/** A filter by its names; what is words, or a part of something longer, as it is. */
function filterOf(kept: unknown): Record<string, string> | string | undefined {
  if (typeof kept !== "string" || !kept.startsWith("{")) {
    return typeof kept === "string" && kept !== "" ? kept : undefined;
  }
  try {
    return Object.fromEntries(
      Object.entries(JSON.parse(kept)).map(([name, value]) => [name, String(value)]),
    );
  } catch {
    return "by a long filter";
  }
}

/** A thing by its id, or a source by its name; where there is a page of it, with the way there. */
function thingLink(thing: string, id: string) {
  const path = thing === "source" ? "/sources" : isId(id) ? PATHS[thing] : undefined;
  const short = id.length > 20 ? `${id.slice(0, 8)}…${id.slice(-4)}` : id;
  return path
    ? html`
      <a href="${path}/${encodeURIComponent(id)}" title="${id}"><code>${short}</code></a>
    `
    : html`
      <code title="${id}">${short}</code>
    `;
}
