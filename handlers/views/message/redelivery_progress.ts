import { html } from "hono/html";
import type { RedeliveryProgress } from "../../../lib/message/redeliver.ts";
import { counted } from "../parts/count.ts";
import { linkTo } from "../parts/filters.ts";
import { type Frame, page } from "../page.ts";

/** How far a replay of many has come; without a script it reads itself anew until it is done. */
export function redeliveryProgress(
  { frame, progress, batch, asked, unfit }: {
    frame: Frame;
    progress: RedeliveryProgress;
    /** The first and the last id, as the lists know them. */
    batch: string;
    asked: number;
    /** Whose signatures are not right by today's secrets. */
    unfit: number;
  },
) {
  const { made, waiting, working, done, failed } = progress;
  const ended = done + failed;
  const isOver = made > 0 && waiting === 0 && working === 0;
  const short = Math.max(0, asked - made - unfit);
  return page({
    title: isOver ? "Replayed" : "Replaying",
    frame,
    watch: "any",
    refreshSeconds: isOver ? undefined : 3,
    body: html`
      <div class="single card" id="progress" data-part>
        <h1>${isOver ? "Replayed" : "Replaying"} ${counted(made, "message")}</h1>
        <progress max="${Math.max(
          made,
          1,
        )}" value="${ended}" aria-label="Finished">${ended}</progress>
        <dl class="counts">
          <dt>Queued</dt><dd><a href="${linkTo("/messages", { phase: "queued", batch })}">${waiting
            .toLocaleString("en")}</a></dd>
          <dt>Working</dt><dd><a href="${linkTo("/tasks", { status: "open", batch })}">${working
            .toLocaleString(
              "en",
            )}</a></dd>
          <dt>Done</dt><dd><a href="${linkTo("/tasks", { phase: "done", batch })}">${done
            .toLocaleString("en")}</a></dd>
          <dt>Failed</dt><dd><a href="${linkTo("/tasks", { phase: "failed", batch })}">${failed
            .toLocaleString("en")}</a></dd>
        </dl>
        ${unfit > 0 && html`
          <p class="note"><strong>${unfit.toLocaleString("en")} were left out.</strong> With today's
            secrets they would be refused: replay one alone to read why.</p>
        `}
        ${short > 0 && html`
          <p
            class="note failed"><strong>${short.toLocaleString(
              "en",
            )} were not replayed.</strong> They were deleted meanwhile, or the store failed in between. What
                    was replayed is safe.</p>
        `}
        <p><a href="${linkTo("/messages", { batch })}">All of these messages</a></p>
      </div>
    `,
  });
}
