import { html } from "hono/html";
import type { Stage, Stats } from "../../lib/stats.ts";
import { took } from "./time.ts";

/** The five lanes: how much is in each now, and how long the stage takes. */
export function lanes({ messages, queue, jobs, last_hour, stages, ...failed }: Stats) {
  const failedTasks = failed.failed_tasks.length;
  const deadNotifications = failed.dead_notifications.length;
  return html`
    <ol id="lanes" class="lanes" aria-label="Stages, now">
      ${lane("Receive", last_hour.received, "this hour", "/messages?since=1h", stages.receive)}
      ${lane("Queue", queue.depth, "waiting", "/messages?state=new", stages.queue)}
      ${lane("Task", jobs.pending, "waiting", "/tasks?status=pending", stages.task, {
        count: messages.failed,
        word: "failed",
        link: "/messages?state=failed",
      })}
      ${lane(
        "Agent",
        jobs.running + jobs.waiting_input,
        jobs.waiting_input > 0 ? `at work, ${jobs.waiting_input} asking` : "at work",
        jobs.waiting_input > 0 ? "/tasks?status=waiting_input" : "/tasks?status=running",
        stages.agent,
        { count: failedTasks, word: "failed", link: "/tasks?status=failed" },
      )}
      ${lane(
        "Notified",
        last_hour.completed_tasks,
        "done this hour",
        "/tasks?status=completed&since=1h",
        stages.notify,
        { count: deadNotifications, word: "not told", link: "/system#not-told" },
      )}
    </ol>
  `;
}

function lane(
  name: string,
  count: number,
  unit: string,
  link: string,
  { p50_ms }: Stage,
  wrong?: { count: number; word: string; link: string },
) {
  return html`
    <li class="lane">
      <h2>${name}</h2>
      <p class="count"><a href="${link}"><strong>${count.toLocaleString(
        "en",
      )}</strong> ${unit}</a></p>
      <p class="pace" title="The median of the latest thousand">${p50_ms === null
        ? html`<span class="words">no times yet</span>—`
        : `usually ${took(p50_ms)}`}</p>
      ${wrong && wrong.count > 0 &&
        html`<p class="wrong"><a href="${wrong.link}">${
          wrong.count.toLocaleString("en")
        } ${wrong.word}</a></p>`}
    </li>
  `;
}
