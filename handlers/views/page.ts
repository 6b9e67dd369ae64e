import { html } from "hono/html";
import { asset } from "../static.ts";

/** A piece of HTML, escaped. */
export type Html = ReturnType<typeof html>;

/** The frame around every page. `live` is the stream that keeps it up to date. */
export function page(
  { title, live, unread, refreshSeconds, body }: {
    title: string;
    live?: string;
    unread?: string;
    /** For pages that wait for something and have no stream. */
    refreshSeconds?: number;
    body: Html;
  },
) {
  const icon = asset("favicon.svg");
  const isUnread = unread !== undefined && unread !== "0";
  return html`
    <!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        ${refreshSeconds && html`<meta http-equiv="refresh" content="${refreshSeconds}">`}
        <title>${isUnread && `(${unread}) `}${title}</title>
        <link rel="icon" href="${icon}" type="image/svg+xml">
        <link rel="stylesheet" href="${asset("style.css")}">
        ${live && html`<script src="${asset("live.js")}" type="module"></script>`}
      </head>
      <body data-live="${live ?? ""}">
        <a class="skip" href="#main">Skip to the content</a>
        <header class="top">
          <a class="brand" href="/"><img src="${icon}" alt="" width="28" height="28">Otto</a>
          <nav aria-label="Pages">
            <a href="/" aria-current="${live ? "page" : "false"}">Live</a>
            <a href="/docs">API</a>
          </nav>
          ${live && html`
            <p class="now">
              <a href="#unread" id="unread-count">${unread} unread</a>
              <span id="word" class="word" role="status"></span>
              <noscript><a href="/">Reload</a> to see what is new</noscript>
            </p>
          `}
        </header>
        <main id="main" tabindex="-1">${body}</main>
      </body>
    </html>
  `;
}
