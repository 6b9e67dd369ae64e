import { html } from "hono/html";
import type { SourceSeries } from "../../../lib/monitor/stats/source_series.ts";
import { barChart } from "../parts/chart.ts";

/** How far back a source's chart looks. */
export const CHART_SPANS = [
  { value: "24h", label: "24 hours" },
  { value: "1h", label: "60 minutes" },
] as const;
export type ChartSpan = typeof CHART_SPANS[number]["value"];

/** As many times as fit below the chart of a phone. */
const TICKS = 5;

/** What became of its webhooks, with the times of a clock below. */
export function rateCard(
  { name, series, span }: { name: string; series: SourceSeries; span: ChartSpan },
) {
  const { from, seconds, taken, refused, failed } = series;
  const at = (step: number) => hourOf(new Date(from.getTime() + step * seconds * 1_000));
  const ticks = Array.from(
    { length: TICKS },
    (_, index) => at(Math.round(index * taken.length / (TICKS - 1))),
  );
  return html`
    <section class="card" id="rate" data-part>
      ${barChart({
        title: seconds === 60 ? "Messages by the minute" : `Messages by ${seconds / 60} minutes`,
        series: [
          { name: "taken", tone: "main", values: taken },
          { name: "refused", tone: "bad", values: refused },
          { name: "failed", tone: "worse", values: failed },
        ],
        unit: (value) => value.toLocaleString("en"),
        ticks: [...ticks.slice(0, -1), `${ticks.at(-1)} UTC`],
        says: (index) => `${at(index)} to ${at(index + 1)} UTC`,
        empty: `Nothing came within the last ${span === "1h" ? "60 minutes" : "24 hours"}.`,
      })}
      <p class="hint spans">${CHART_SPANS.map(({ value, label }) =>
        value === span
          ? html`
            <strong>${label}</strong>
          `
          : html`
            <a
              href="/sources/${name}${value === "24h" ? "" : `?span=${value}`}#rate">${label}</a>
          `
      )}</p>
    </section>
  `;
}

function hourOf(time: Date): string {
  return time.toISOString().slice(11, 16);
}
