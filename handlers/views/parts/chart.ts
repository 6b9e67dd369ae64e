import { html } from "hono/html";
import type { Html } from "../page.ts";

/** One row of bars; the first is drawn at the bottom. */
export interface Series {
  name: string;
  tone: "main" | "bad" | "worse" | "soft";
  values: readonly number[];
}

/** Small bars without axes, for a row of a table: what they say stands in `label` too. */
export function sparkBars(values: readonly number[], label: string) {
  const most = Math.max(1, ...values);
  return html`
    <svg class="spark" viewBox="0 0 ${values.length * 4} 20" role="img" aria-label="${label}"
      preserveAspectRatio="none"><title>${label}</title>${values.map((value, index) => {
        const height = value === 0 ? 0.75 : Math.max(2, value / most * 20);
        return html`
          <rect x="${index * 4}" y="${(20 - height).toFixed(2)}" width="3" height="${height.toFixed(
            2,
          )}" class="${value === 0 && "zero"}" />
        `;
      })}</svg>
  `;
}

/** In units of the drawing, which is as wide as it has bars. */
const LINE_HEIGHT = 24;

/**
 * Bars side by side as one outline, which is short enough to be sent again every
 * other second. The last one is a moment's and not yet whole: it is drawn apart.
 */
export function sparkLine(values: readonly number[], label: string) {
  const most = Math.max(1, ...values);
  const bar = (value: number, index: number) => {
    if (value === 0) return "";
    const height = Math.max(2, Math.round(value / most * LINE_HEIGHT));
    return `M${index * 4} ${LINE_HEIGHT}v-${height}h3v${height}`;
  };
  const last = values.length - 1;
  return html`
    <svg class="pulse" viewBox="0 0 ${values.length * 4 - 1} ${LINE_HEIGHT}" role="img"
      preserveAspectRatio="none" aria-label="${label}">
      <title>${label}</title>
      <path class="base" d="M0 ${LINE_HEIGHT - 0.5}H${values.length * 4 - 1}" />
      <path d="${values.slice(0, last).map(bar).join("")}" />
      <path class="now" d="${bar(values[last], last)}" />
    </svg>
  `;
}

/** In units of the drawing, which the page scales to its column. */
const WIDTH = 600;
const HEIGHT = 140;

/**
 * Bars over time, stacked, with the highest value and times at the
 * axes; each bar's own numbers are its tooltip.
 */
export function barChart(
  { title, series, unit, ticks, says, ownTips = false, empty }: {
    title: string;
    series: readonly Series[];
    unit: (value: number) => string;
    /** What stands below the bars, evenly spread from their beginning to their end. */
    ticks: readonly (string | Html)[];
    /** When each bar began, in words. */
    says: (index: number) => string;
    /** Whether `says` names the values, too. */
    ownTips?: boolean;
    empty: string;
  },
) {
  const count = series[0].values.length;
  const totals = Array.from(
    { length: count },
    (_, index) => series.reduce((all, { values }) => all + values[index], 0),
  );
  const most = Math.max(...totals);
  const summary = most === 0
    ? empty
    : `${
      series.map(({ name, values }) =>
        `${name}: ${unit(values.reduce((all, each) => all + each, 0))}`
      ).join(", ")
    }`;
  const step = WIDTH / count;
  const tip = (index: number) =>
    ownTips
      ? says(index)
      : `${says(index)}: ${
        series.map(({ name, values }) => `${unit(values[index])} ${name}`).join(", ")
      }`;
  return html`
    <figure class="chart">
      <figcaption>${title}<span class="legend">${series.length > 1 &&
        series.map(({ name, tone }) =>
          html`<span class="${tone}">${name}</span>`
        )}</span></figcaption>
      ${most === 0 ? html`<p class="hint">${empty}</p>` : html`
        <div class="plot">
          <span class="most">${unit(most)}</span>
          <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img"
            aria-label="${title}. ${summary}">
            <path class="grid" d="M0 0.5H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}"/>
            ${totals.map((total, index) =>
              total > 0 &&
              html`<g><title>${tip(index)}</title>${stack(series, index, { most, step })}</g>`
            )}
          </svg>
        </div>
        <p class="ends">${ticks.map((tick) => html`<span>${tick}</span>`)}</p>
      `}
    </figure>
  `;
}

function stack(
  series: readonly Series[],
  index: number,
  { most, step }: { most: number; step: number },
): Html[] {
  let top = HEIGHT;
  return series.filter(({ values }) => values[index] > 0).map(({ tone, values }) => {
    const height = Math.max(1.5, values[index] / most * HEIGHT);
    top -= height;
    return html`
      <rect class="${tone}" x="${(index * step + step * 0.1).toFixed(2)}" y="${top.toFixed(
        2,
      )}" width="${(step * 0.8).toFixed(2)}"
        height="${height.toFixed(2)}" />
    `;
  });
}
