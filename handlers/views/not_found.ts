import { html } from "hono/html";
import { beginningOf } from "../../sources/kit/beginning.ts";
import { icon } from "./parts/icon.ts";
import { type Frame, page } from "./page.ts";

/** Longer paths were typed by nobody. */
const MOST_PATH = 200;

/** Where a thing of the UI is looked for, and what people call it. */
const PLACES: Record<string, { word: string; path: string; label: string; searches: boolean }> = {
  message: { word: "message", path: "/messages", label: "All messages", searches: true },
  task: { word: "task", path: "/tasks", label: "All tasks", searches: true },
  source: { word: "source", path: "/sources", label: "All sources", searches: false },
  user: { word: "person", path: "/users", label: "All people", searches: false },
};

/**
 * What people read where there is nothing: what was asked for, why it may be gone, where to look.
 *
 * @param code the problem's, such as `task_not_found`.
 */
export function notFoundPage(
  { frame, code, path, retentionDays }: {
    frame: Frame;
    code: string;
    path: string;
    retentionDays: number;
  },
) {
  const place = PLACES[code.replace(/_not_found$/, "")];
  const isKept = place?.searches ?? false;
  return page({
    title: "Not found",
    frame,
    body: html`
      <div class="single card">
        <p class="code">404</p>
        <h1>${place ? `This ${place.word} is not here` : "There is no page here"}</h1>
        <p>${isKept
          ? `It was deleted, or the link is wrong. Messages and their tasks are deleted after ${
            retentionDays.toLocaleString("en")
          } days, some of them earlier.`
          : "The link is wrong, or what it led to is gone."} You asked for:</p>
        <p><code dir="auto">${beginningOf(path, MOST_PATH)}</code></p>
        ${isKept && html`
          <form method="get" action="${place.path}" class="inline always" role="search">
            <label class="words" for="q">Search ${place.word}s</label>
            <input id="q" name="q" type="search" placeholder="Search ${place.word}s">
            <button class="quiet">${icon("search")}Search</button>
          </form>
        `}
        <p class="actions">
          ${place && html`<a class="button quiet" href="${place.path}">${place.label}</a>`}
          <a class="button quiet" href="/">Back to Live</a>
        </p>
      </div>
    `,
  });
}
