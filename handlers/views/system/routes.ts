import { html } from "hono/html";
import { NEED_KINDS, type NeedKind } from "../../../lib/config/settings.ts";
import type { Notification } from "../../../lib/notify/notification.ts";
import { type Frame, page } from "../page.ts";
import { status } from "../parts/status.ts";
import { age } from "../parts/time.ts";

/** What the page is made of. */
export interface RoutesPage {
  frame: Frame;
  routes: ReadonlyMap<string, readonly string[]>;
  hasSlack: boolean;
  /** Where outcomes of tasks are told, by source. */
  channels: ReadonlyMap<string, string>;
  /** A test that was sent. */
  test?: Notification;
  /** A case that somebody asks about. */
  asked?: { kind: NeedKind; source: string; route?: string; destinations: readonly string[] };
}

const WORDS: Record<NeedKind, string> = {
  refused: "Messages are refused",
  failed: "Messages or tasks fail",
  needs_you: "A task needs somebody's word, and no message of its own says so",
  silent: "A source has fallen silent",
};

/** `/routes`: who is told of what needs somebody, and how to change it. */
export function routesPage(all: RoutesPage) {
  const { frame, routes, channels, test } = all;
  const isPending = test?.state === "pending";
  return page({
    title: "Who is told",
    frame,
    watch: "any",
    refreshSeconds: isPending ? 2 : undefined,
    body: html`
      <nav class="crumbs" aria-label="Where this is"><a href="/system">System</a></nav>
      <div class="head">
        <h1>Who is told</h1>
      </div>
      ${test && outcome(test)}
      <div class="two">
        <div>
          <section class="card" aria-labelledby="needs-routes">
            <h2 id="needs-routes">When somebody is needed</h2>
            <p class="said">A group is told once, again when it has grown tenfold, and when it is
              over. The most precise route counts, alone.</p>
            ${routes.size === 0 ? nobody(all) : table(routes)}
          </section>
          ${which(all)}
        </div>
        <div>
          <section class="card" aria-labelledby="outcomes">
            <h2 id="outcomes">How tasks end</h2>
            ${channels.size === 0
              ? html`<p class="said">In the thread that a task came from, or to its assignee, where
                  Slack is set up. <code>SLACK_CHANNELS</code> and <code>notify</code> in
                  <code>SOURCES_FILE</code> name a channel for a source.</p>`
              : html`<dl>${
                [...channels].map(([source, channel]) =>
                  html`
                    <dt>${source === "*" ? "All others" : source}</dt>
                    <dd>Slack <code>${channel}</code></dd>
                  `
                )
              }</dl>`}
          </section>
        </div>
      </div>
    `,
  });
}

function nobody({ hasSlack }: RoutesPage) {
  return html`
    <p class="note"><strong>Nobody is told beyond Otto's first page.</strong> Set
          <code>NOTIFY_ROUTES</code>, and start Otto again:</p>
    <pre tabindex="0" role="group"
      aria-label="Example"><code>${"NOTIFY_ROUTES=*=slack:C0123ABCD\n"}NOTIFY_ROUTES=refused:github=slack:C0123ABCD,silent=slack:U0456EFGH,*=slack:C0789JKLM</code></pre>
    <p class="said">Before the equals sign stands what is told (${NEED_KINDS.join(", ")}, or * for
          all), with a source after a colon where it is about one. Behind it is a channel's id in Slack,
          or a person's.${hasSlack ? "" : html`
            Slack needs <code>SLACK_BOT_TOKEN</code>, too.
          `}</p>
  `;
}

function table(routes: RoutesPage["routes"]) {
  return html`
    <div class="scroll" tabindex="0" role="group" aria-label="Routes">
      <table>
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">Whom</th>
            <th scope="col"><span
        class="words">Test</span></th>
          </tr>
        </thead>
        <tbody>${[...routes].flatMap(([route, whom]) =>
          whom.map((destination) =>
            html`
              <tr>
                <th scope="row"><code>${route}</code></th>
                <td>Slack <code>${destination}</code></td>
                <td>
                  <form method="post" action="/routes/try">
                    <input type="hidden" name="route" value="${route}">
                    <input type="hidden" name="destination" value="${destination}">
                    <button class="quiet" aria-label="Send a test to ${destination} by the route ${route}">Send
                            a test</button>
                  </form>
                </td>
              </tr>
            `
          )
        )}</tbody>
      </table>
    </div>
  `;
}

/** A case, and where its route leads. */
function which({ asked }: RoutesPage) {
  return html`
    <section class="card" aria-labelledby="which">
      <h2 id="which">Which route is it?</h2>
      <form method="get" action="/routes" class="filters always wide">
        <label>What <select name="kind">${NEED_KINDS.map((kind) =>
          html`<option value="${kind}" ${asked?.kind === kind ? "selected" : ""}>${
            WORDS[kind]
          }</option>`
        )}</select></label>
        <label>Source <input name="source" value="${asked?.source ?? ""}" maxlength="64"
          placeholder="github"></label>
        <button class="quiet">Show</button>
      </form>
      ${asked &&
        html`<p class="said" role="status">${
          asked.route
            ? html`<code>${asked.route}</code>: Slack ${
              asked.destinations.map((each) =>
                html`
                  <code>${each}</code>
                `
              )
            }`
            : "No route fits: nobody is told beyond Otto's first page."
        }</p>`}
    </section>
  `;
}

const STATES = {
  pending: ["on its way", "active"],
  sent: ["told", "done"],
  dead: ["not told", "failed"],
} as const;

function outcome({ destination, state, error, created_at }: Notification) {
  const [word, tone] = STATES[state];
  return html`
    <p class="note" role="status">A test to <code>${destination}</code>, sent ${age(created_at)}:
      ${status(word, tone)} ${error &&
        html`<span dir="auto">${error}</span>`} ${state === "pending" &&
        html`<span class="soft">A worker sends it within seconds.</span>`}</p>
  `;
}
