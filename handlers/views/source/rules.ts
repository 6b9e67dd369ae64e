import { html } from "hono/html";
import { type Filter, formatCondition } from "../../../sources/rules/filter.ts";
import type { SourceSettings } from "../../../sources/rules/settings.ts";
import type { Html } from "../page.ts";

/** What the operator's file says of a source, in words; nothing where it says nothing. */
export function sourceRules(settings: SourceSettings) {
  const { filter, allowed_ips, rate_limit, merge, ignore_actors, subject, close } = settings;
  const rules: [name: string, value: Html | string | undefined][] = [
    ["Only from", allowed_ips && codes(allowed_ips)],
    [
      "At most",
      rate_limit && `${rate_limit.requests.toLocaleString("en")} in ${inWords(rate_limit.seconds)}`,
    ],
    ["Only if all", filter?.all && codes(filter.all.map(formatCondition))],
    ["Only if any", filter?.any && codes(filter.any.map(formatCondition))],
    ["Not by", ignore_actors && ignore_actors.length > 0 ? codes(ignore_actors) : undefined],
    [
      "One task for",
      merge &&
      html`${merge.key === undefined ? "a subject" : html`<code>${merge.key}</code>`} within
        ${inWords(merge.seconds)}`,
    ],
    ["About", subject ? html`<code>${subject.key}</code>` : undefined],
    ["About nothing", subject === false ? "each message stands alone" : undefined],
    ["Later messages", settings.later],
    ["Told to the agent if", settings.deliver && conditionsOf(settings.deliver)],
    ["Ends never", Array.isArray(close) ? "whatever its sender says" : undefined],
    ["Ends if", close && !Array.isArray(close) ? conditionsOf(close) : undefined],
    ["Title", settings.title && html`<code>${settings.title}</code>`],
    [
      "Titles",
      settings.titles &&
      codes(Object.entries(settings.titles).map(([event, title]) => `${event}: ${title}`)),
    ],
    ["Greeted by", settings.handshake && codes(settings.handshake.map(({ method }) => method))],
    [
      "No task for pings",
      settings.ping && conditionsOf(settings.ping),
    ],
    ["Answered with", settings.answer && String(settings.answer.status)],
    ["Never shown", settings.redact && codes(settings.redact)],
    [
      "Kept for",
      settings.retention_days === undefined ? undefined : `${settings.retention_days} days`,
    ],
    ["Same bytes", settings.repeats && "may be news: they make a task each time"],
    ["Told in", settings.notify && html`Slack channel <code>${settings.notify.slack}</code>`],
    ["The agent is told", settings.instruction],
  ];
  const told = rules.filter(([, value]) => value !== undefined);
  if (told.length === 0) return "";
  return html`
    <section class="card" aria-labelledby="rules">
      <h2 id="rules">Your rules</h2>
      <dl>${told.map(([name, value]) =>
        html`
          <dt>${name}</dt>
          <dd dir="auto">${value}</dd>
        `
      )}</dl>
      <p class="hint">From <code>SOURCES_FILE</code>, read again when it changes.</p>
    </section>
  `;
}

function conditionsOf({ all = [], any = [] }: Filter) {
  return codes([...all, ...any].map(formatCondition));
}

function codes(texts: readonly string[]) {
  return html`<ul class="plain-list">${
    texts.map((text) => html`<li><code>${text}</code></li>`)
  }</ul>`;
}

function inWords(seconds: number): string {
  return seconds === 1
    ? "a second"
    : seconds === 60
    ? "a minute"
    : seconds % 60 === 0
    ? `${seconds / 60} minutes`
    : `${seconds} seconds`;
}
