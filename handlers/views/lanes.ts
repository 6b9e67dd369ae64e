import { html } from "hono/html";
import type { Stage, Stats } from "../../lib/stats.ts";
import { took } from "./time.ts";

/** The five lanes: how much is in each now, and how long the stage takes. */
export function lanes({ messages, queue, jobs, last_hour, stages, ...failed }: Stats) {
  const failedTasks = failed.failed_tasks.length;
  const deadNotifications = failed.dead_notifications.length;
  return html`
    <ol id="lanes" class="lanes" aria-label="Stages, now">
      ${lane("Receive", last_hour.received, "this hour", stages.receive)}
      ${lane("Queue", queue.depth, "waiting", stages.queue)}
      ${lane("Task", jobs.pending, "waiting", stages.task, messages.failed, "failed")}
      ${lane(
        "Agent",
        jobs.running + jobs.waiting_input,
        jobs.waiting_input > 0 ? `at work, ${jobs.waiting_input} asking` : "at work",
        stages.agent,
        failedTasks,
        "failed",
      )}
      ${lane(
        "Notified",
        last_hour.completed_tasks,
        "done this hour",
        stages.notify,
        deadNotifications,
        "not told",
      )}
    </ol>
  `;
}

function lane(
  name: string,
  count: number,
  unit: string,
  { p50_ms }: Stage,
  wrong = 0,
  wrongWord = "",
) {
  return html`
    <li class="lane">
      <h2>${name}</h2>
      <p class="count"><strong>${count.toLocaleString("en")}</strong> ${unit}</p>
      <p class="pace" title="The median of the latest thousand">${p50_ms === null
        ? html`<span class="words">no times yet</span>—`
        : `usually ${took(p50_ms)}`}</p>
      ${wrong > 0 && html`<p class="wrong">${wrong.toLocaleString("en")} ${wrongWord}</p>`}
    </li>
  `;
}
