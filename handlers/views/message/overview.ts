import { html } from "hono/html";
import type { CountedRows } from "../../../lib/store/walk_count.ts";
import { counted as countedAs } from "../parts/count.ts";
import { linkTo, timeIn } from "../parts/filters.ts";
import { moment } from "../parts/time.ts";
import type { MessageQuery } from "./query.ts";

/** Above the list: how many match, when they came, and a time of one's own. */
export function overview({ counted, query }: { counted?: CountedRows; query: MessageQuery }) {
  return html`
    <div class="overview">
      <div id="overview" data-part>${counted && html`
        <p class="total"><strong>${total(counted)}</strong></p>
        ${counted.from && counted.to && counted.count > 1 &&
          histogram(counted, { from: counted.from, to: counted.to })}
      `}</div>
      ${ownTime(query)}
    </div>
  `;
}

/** How many match, as people say it: of what was not looked at there may be more. */
function total({ count, more }: CountedRows): string {
  return more ? `${count.toLocaleString("en")}+ messages` : countedAs(count, "message");
}

function histogram({ bars, more }: CountedRows, { from, to }: { from: Date; to: Date }) {
  const most = Math.max(...bars);
  const width = (to.getTime() - from.getTime()) / bars.length;
  const at = (index: number) =>
    `${
      new Date(from.getTime() + index * width).toISOString().slice(0, 16).replace("T", " ")
    } UTC: ${countedAs(bars[index], "message")}`;
  const says = `When they came: ${
    countedAs(bars.reduce((all, each) => all + each, 0), "message")
  } between ${from.toISOString()} and ${to.toISOString()}${
    more ? ", older ones not counted" : ""
  }; at most ${most.toLocaleString("en")} in one bar`;
  return html`
    <div class="histogram">
      ${moment(from, "s")}
      <svg viewBox="0 0 ${bars.length * 4} 24" preserveAspectRatio="none" role="img"
        aria-label="${says}">
        <path class="base" d="M0 23.5H${bars.length * 4}"/>
        ${bars.map((value, index) => {
          const height = Math.max(2, value / most * 24);
          return value > 0 && html`
            <rect x="${index * 4}" y="${(24 - height).toFixed(2)}" width="3"
              height="${height.toFixed(2)}">
              <title>${at(index)}</title>
            </rect>
          `;
        })}
      </svg>
      ${moment(to, "s")}
    </div>
  `;
}

/** Two times to choose from a calendar; without a script they are UTC, and say so. */
function ownTime({ since, until, before: _, ...others }: MessageQuery) {
  const field = (name: string, label: string, value: string | undefined) =>
    html`
      <label>${label} <span data-zone>(UTC)</span>
        <input type="datetime-local" name="${name}" value="${inputTime(value)}"></label>
    `;
  return html`
    <details class="own-time">
      <summary>Time of your own</summary>
      <form class="always" method="get" action="/messages" data-lean>
        ${Object.entries(others).map(([name, value]) =>
          html`<input type="hidden" name="${name}" value="${value}">`
        )}
        ${field("since", "From", since)} ${field("until", "Until", until)}
        <button class="quiet">Show</button>
        ${(since || until) &&
          html`<a class="button quiet" href="${linkTo("/messages", { ...others })}">Any time</a>`}
      </form>
    </details>
  `;
}

/** A time as the browser's field has it; empty for what is no exact time. */
function inputTime(text: string | undefined): string {
  return timeIn(text)?.toISOString().slice(0, 16) ?? "";
}
