import { html } from "hono/html";
import type { SourceInfo } from "../../../lib/monitor/sources.ts";
import { sparkBars } from "../parts/chart.ts";
import { counted } from "../parts/count.ts";
import { type Frame, page } from "../page.ts";
import { age } from "../parts/time.ts";
import { stateOf } from "./state.ts";

/** More are found by more letters. */
const MOST_FOUND = 60;

/** `/sources`: every system that is in use, and a search over all that Otto knows. */
export function sourceList(
  { frame, infos, search }: { frame: Frame; infos: readonly SourceInfo[]; search?: string },
) {
  const used = infos.filter(({ isUsed }) => isUsed).toSorted(byNews);
  return page({
    title: "Sources",
    frame,
    watch: "any",
    body: html`
      <div class="head">
        <h1>Sources</h1>
      </div>
      ${used.length === 0 && html`
        <div class="list nothing">
          <h2>Nothing is connected yet</h2>
          <p>A source is a system that sends webhooks. Look for one below, or send anything to
            <code>/webhook/any-name</code>: Otto takes it, and it stands here by its name.</p>
        </div>
      `}
      <div class="list" id="used" data-part>${used.length > 0 && html`
        <table>
          <thead>
            <tr>
              <th scope="col">Source</th>
              <th scope="col">State</th>
              <th scope="col">Last message</th>
              <th scope="col">Refused</th>
              <th scope="col">Failed</th>
              <th scope="col" colspan="2">Taken in 24 hours</th>
            </tr>
          </thead>
          <tbody>${used.map(usedRow)}</tbody>
        </table>
      `}</div>
      ${connect(infos, search)}
    `,
  });
}

/** What refuses or came last stands first. */
function byNews(one: SourceInfo, other: SourceInfo): number {
  const news = ({ refusing, stats }: SourceInfo) =>
    refusing ? Infinity : stats?.last?.at.getTime() ?? 0;
  const [first, second] = [news(one), news(other)];
  return first === second ? one.label.localeCompare(other.label) : first < second ? 1 : -1;
}

function connect(infos: readonly SourceInfo[], search: string | undefined) {
  const known = infos.filter(({ isKnown, isUsed }) => isKnown && !isUsed);
  const found = search === undefined ? [] : foundBy(infos, search);
  return html`
    <section class="others" aria-labelledby="connect">
      <header>
        <h2 id="connect">Connect a source</h2>
      </header>
      <form class="filters always" method="get" action="/sources#connect" role="search">
        <label class="grow"><span class="words">Look for a sender</span>
          <input type="search" name="q" value="${search ?? ""}" maxlength="64" list="senders"
            placeholder="GitHub, Stripe, or a name of your own" autocomplete="off"
            data-key="/"></label>
        <datalist id="senders">${known.map(({ label }) =>
          html`<option value="${label}"></option>`
        )}</datalist>
        <button>Search</button>
        ${search !== undefined && html`<a class="button" href="/sources#connect">Clear</a>`}
      </form>
      ${search === undefined
        ? html`<p class="hint">Otto knows ${counted(known.length, "more sender")}, their signatures
            and where their settings are. <a href="/sources?q=*#connect">Show all</a></p>`
        : results(found, search)}
    </section>
  `;
}

function results(found: readonly SourceInfo[], search: string) {
  const own = ownName(search);
  const isTaken = found.some(({ name }) => name === own);
  return html`
    <ul class="tiles">${found.slice(0, MOST_FOUND).map((info) =>
      html`<li><a href="/sources/${info.name}/connect"><strong>${info.label}</strong><span>${
        needs(info)
      }</span></a></li>`
    )}${own && !isTaken && html`<li><a href="/sources/${own}/connect"><strong
            dir="auto">${own}</strong><span>a name of your own</span></a></li>`}</ul>
    ${found.length > MOST_FOUND &&
      html`<p class="hint">${counted(found.length - MOST_FOUND, "more")}: type more letters.</p>`}
    ${found.length === 0 &&
      (own
        ? html`<p class="hint">Otto knows no sender that is called so. It takes any JSON, form or
          text none the less, by a name of your own.</p>`
        : html`<p class="hint">Otto knows no sender that is called so. A name of your own has letters,
          digits, dots, dashes and underscores.</p>`)}
  `;
}

function foundBy(infos: readonly SourceInfo[], search: string): SourceInfo[] {
  const text = search === "*" ? "" : search.toLowerCase();
  return infos.filter(({ name, label, source, isKnown }) =>
    isKnown &&
    [name, label.toLowerCase(), ...source.aliases ?? []].some((each) => each.includes(text))
  ).toSorted((one, other) => one.label.localeCompare(other.label));
}

/** The name that a search could be of one's own sender. */
function ownName(search: string): string | undefined {
  const name = search.toLowerCase().trim().replaceAll(/\s+/g, "-");
  return /^[a-z0-9._-]{1,64}$/.test(name) && /[a-z0-9]/.test(name) ? name : undefined;
}

/** What is out of the ordinary about connecting it. */
function needs({ source, isUsed }: SourceInfo): string {
  if (isUsed) return "in use";
  if (!source.verify) return "not signed";
  return source.secretRequired ? "needs a secret" : "";
}

function usedRow(info: SourceInfo) {
  const { name, label, stats } = info;
  const { taken = 0, refused = 0, failed = 0, last } = stats ?? {};
  return html`
    <tr id="source-${name}">
      <td class="main"><a class="open" href="/sources/${name}" dir="auto">${label}</a></td>
      <td>${stateOf(info)}</td>
      <td data-say="last">${last
        ? html`<a class="plain" href="/messages/${last.message_id}">${age(last.at)}</a>`
        : html`<span class="soft">none yet</span>`}</td>
      <td class="number" data-say="refused">${number(refused, name, "refused")}</td>
      <td class="number" data-say="failed">${number(failed, name, "failed")}</td>
      <td>${sparkBars(
        stats?.hours ?? Array(24).fill(0),
        `${counted(taken, "message")} in 24 hours, by the hour`,
      )}</td>
      <td class="number"
        data-say="in 24 h"><a class="plain" href="/messages?source=${name}&amp;since=24h">${taken
          .toLocaleString("en")}</a></td>
    </tr>
  `;
}

function number(count: number, name: string, phase: string) {
  return count === 0 ? html`<span class="soft">0</span>` : html`
    <a class="plain bad"
      href="/messages?source=${name}&amp;phase=${phase}&amp;since=24h">${count.toLocaleString(
        "en",
      )}</a>
  `;
}
