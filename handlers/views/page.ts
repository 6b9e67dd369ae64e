import { html } from "hono/html";
import { asset } from "../static.ts";
import { countWords } from "./parts/count_words.ts";
import { icon } from "./parts/icon.ts";

/** A piece of HTML, escaped. */
export type Html = ReturnType<typeof html>;

/** The places of the web UI, in the order of its navigation. */
const PLACES = [
  { name: "live", label: "Live", path: "/", key: "l" },
  { name: "messages", label: "Messages", path: "/messages", key: "m" },
  { name: "tasks", label: "Tasks", path: "/tasks", key: "t" },
  { name: "sources", label: "Sources", path: "/sources", key: "s" },
  { name: "system", label: "System", path: "/system", key: "y" },
] as const;

export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = typeof THEMES[number];

/** Whose time is shown: the browser's, which a script knows, or that of all servers. */
export const CLOCKS = ["local", "utc"] as const;
export type Clock = typeof CLOCKS[number];

/** What stands around a page: where it is, who looks at it. */
export interface Frame {
  place?: typeof PLACES[number]["name"] | "subjects" | "people" | "audit" | "docs";
  /** The path of this page with its query, to come back to. */
  path: string;
  /** How many groups and questions need somebody: what the bell says. */
  needs: number;
  theme: Theme;
  clock: Clock;
  /** Somebody who may look at everything and change nothing. */
  isReader: boolean;
  isSignedIn: boolean;
  /** The live stream goes on from here; undefined for a page without one. */
  cursor?: string;
}

/** A page without anything around it that would need the store. */
export const BARE: Frame = {
  path: "/",
  needs: 0,
  theme: "auto",
  clock: "local",
  isReader: false,
  isSignedIn: false,
};

/** The link to what needs somebody; the stream sends it again whenever the number changes. */
export function needsLink(needs: number) {
  const count = countWords(needs);
  return html`
    <a id="needs-count" class="inbox ${needs > 0 && "some"}" href="/#needs"
      data-count="${needs > 0 ? count : ""}">${icon(
        "bell",
      )}<span>${count}</span><span class="words"> need you</span></a>
  `;
}

/**
 * A whole page. `watch` names the row whose change makes the page out of date,
 * or "any" change; the first page keeps itself up to date without it.
 */
export function page(
  { title, frame = BARE, watch, refreshSeconds, body }: {
    title: string;
    frame?: Frame;
    watch?: string;
    /** For pages that wait for something and have no stream. */
    refreshSeconds?: number;
    body: Html;
  },
) {
  const { cursor, needs, theme } = frame;
  const read = asset("favicon.svg");
  const hasNews = asset("favicon-unread.svg");
  const name = title === "Otto" ? title : `${title} · Otto`;
  return html`
    <!DOCTYPE html>
    <html lang="en" data-theme="${theme}" data-clock="${frame.clock}">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="${theme === "auto" ? "light dark" : theme}">
        ${refreshSeconds && html`<meta http-equiv="refresh" content="${refreshSeconds}">`}
        <title>${needs > 0 && `(${countWords(needs)}) `}${name}</title>
        <link id="icon" rel="icon" type="image/svg+xml" href="${needs > 0 ? hasNews : read}"
          data-read="${read}" data-unread="${hasNews}">
        <link rel="stylesheet" href="${asset("style.css")}">
        ${cursor !== undefined && html`
          <script src="${asset("live.js")}" type="module"></script>
          <script src="${asset("keys.js")}" type="module"></script>
          <script src="${asset("forms.js")}" type="module"></script>
        `}
      </head>
      <body class="${frame.isReader && "reader"}" data-live="${cursor === undefined
        ? ""
        : `/live?after=${cursor}`}" data-watch="${watch}">
        <a class="skip" href="#main">Skip to the content</a>
        <header class="top">
          <a class="brand" href="/"><img src="${read}" alt="" width="26" height="26">Otto</a>
          <nav aria-label="Pages">${PLACES.map((place) =>
            html`<a href="${place.path}" data-key="g ${place.key}" aria-current="${
              place.name === frame.place ? "page" : "false"
            }">${place.label}</a>`
          )}</nav>
          ${cursor !== undefined && now(frame)}
        </header>
        <main id="main" tabindex="-1">${body}</main>
        ${cursor !== undefined && foot(frame)}
      </body>
    </html>
  `;
}

function now(frame: Frame) {
  return html`
    <div class="now">
      <span id="word" class="word" role="status"></span>
      <span id="waiting" class="waiting" title="Messages that came or changed meanwhile"></span>
      <button class="bare" id="pause" data-key="p" title="Pause this page" aria-pressed="false" hidden>${icon(
        "pause",
      )}${icon("play")}<span class="words">Pause this page</span></button>
      <noscript><a href="${frame.path}">Reload</a></noscript>
      ${frame.isReader && html`<span class="badge">${icon("eye")}Read only</span>`}
      ${needsLink(frame.needs)}
      ${themeForm(frame)}
      ${frame.isSignedIn && html`
        <form method="post" action="/sign-out" class="always">
          <button class="bare" title="Sign out">${icon(
            "exit",
          )}<span class="words">Sign out</span></button>
        </form>
      `}
    </div>
  `;
}

/** One button goes round: as the system has it, light, dark. */
function themeForm({ theme, path }: Frame) {
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
  const says = `Colours: ${SAYS[theme]}. Change to ${SAYS[next]}`;
  return html`
    <form method="post" action="/theme" class="always">
      <input type="hidden" name="back" value="${path}">
      <button class="bare" name="theme" value="${next}" data-key="t"
        title="${says}">${icon(
          theme === "dark" ? "moon" : theme === "light" ? "sun" : "auto",
        )}<span class="words">${says}</span></button>
    </form>
  `;
}

const SAYS = { auto: "as the system has them", light: "light", dark: "dark" };

function foot({ place, path, clock }: Frame) {
  const other = clock === "utc" ? "local" : "utc";
  return html`
    <footer class="foot">
      <a href="/subjects" data-key="g u" aria-current="${place === "subjects"
        ? "page"
        : "false"}">Subjects</a>
      <a href="/users" data-key="g p" aria-current="${place === "people"
        ? "page"
        : "false"}">People</a>
      <a href="/bulk">Bulk actions</a>
      <a href="/audit" aria-current="${place === "audit" ? "page" : "false"}">Audit log</a>
      <a href="/docs" aria-current="${place === "docs" ? "page" : "false"}">API</a>
      <a href="/openapi.json">OpenAPI</a>
      <a href="/webhook/health">Health</a>
      <form method="post" action="/clock" class="always" data-clocks hidden>
        <input type="hidden" name="back" value="${path}">
        <button class="bare" name="clock" value="${other}">Times: ${clock === "utc"
          ? "UTC. Show local time"
          : "local. Show UTC"}</button>
      </form>
      <button class="bare" data-help hidden>Keyboard <kbd>?</kbd></button>
    </footer>
    <dialog id="help" aria-labelledby="help-title">
      <h2 id="help-title">Keyboard</h2>
      <dl class="keys">
        ${KEYS.map(([keys, what]) =>
          html`
            <dt>${keys.split(" ").map((key) =>
              html`
                <kbd>${key}</kbd>
              `
            )}</dt>
            <dd>${what}</dd>
          `
        )}
      </dl>
      <form method="dialog" class="always"><button autofocus>Close</button></form>
    </dialog>
  `;
}

const KEYS: [keys: string, what: string][] = [
  ["j k", "Next and previous row, or message beside the list"],
  ["Enter", "Open the row, or the open message alone"],
  ["Esc", "Close the message, or go back to the list"],
  ["x", "Explain the message"],
  ["/", "Search"],
  ["r", "Replay the message (it asks first), or retry the task"],
  ["e", "Edit the message, then replay it"],
  ["p", "Pause the page, or let it go on"],
  ["t", "Change the colours"],
  ...PLACES.map(({ key, label }): [string, string] => [`g ${key}`, `Go to ${label}`]),
  ["g u", "Go to Subjects"],
  ["g p", "Go to People"],
  ["?", "This help"],
];
