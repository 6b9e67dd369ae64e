import { html } from "hono/html";
import type { Throughput } from "../../../lib/monitor/stats/throughput.ts";
import type { StageLatency, Stats } from "../../../lib/monitor/stats/stats.ts";
import { sparkLine } from "../parts/chart.ts";
import { linkTo } from "../parts/filters.ts";
import { took } from "../parts/time.ts";

/** The five lanes: how much is in each now, how it went for an hour, how long the stage takes. */
export function lanes(
  { messages, phases, queue, jobs, last_hour, stages, notifications }: Stats,
  throughput: Throughput,
) {
  return html`
    <ol id="lanes" class="lanes" aria-label="Stages, now">
      ${lane({
        name: "Receive",
        count: last_hour.received,
        unit: "this hour",
        link: linkTo("/messages", { state: "taken", since: hourAgo() }),
        stage: stages.receive,
        passed: throughput.receive,
        also: [{ count: phases.refused, word: "refused", link: "/messages?phase=refused" }],
      })}
      ${lane({
        name: "Queue",
        count: queue.depth,
        unit: "queued",
        link: "/messages?phase=queued",
        stage: stages.queue,
        passed: throughput.queue,
        also: [{ count: phases.held, word: "held", link: "/messages?phase=held", tone: "asking" }],
      })}
      ${lane({
        name: "Task",
        count: jobs.pending - jobs.put_off,
        unit: "queued",
        link: "/tasks?phase=queued",
        stage: stages.task,
        passed: throughput.task,
        // Those whose tasks have failed alone are the agent's.
        also: [{
          count: messages.failed && phases.failed,
          word: "failed",
          link: "/messages?phase=failed",
        }],
      })}
      ${lane({
        name: "Agent",
        count: jobs.running,
        unit: "working",
        link: "/tasks?phase=working",
        stage: stages.agent,
        passed: throughput.agent,
        also: [
          {
            count: jobs.waiting_input,
            word: "needs you",
            link: "/tasks?phase=needs_you",
            tone: "asking",
          },
          {
            count: jobs.waiting_event + jobs.put_off,
            word: "waiting",
            link: "/tasks?phase=waiting",
            tone: "asking",
          },
          { count: jobs.failed, word: "failed", link: "/tasks?phase=failed" },
        ],
      })}
      ${lane({
        name: "Notified",
        count: last_hour.completed_tasks,
        unit: "done this hour",
        link: "/tasks?phase=done&since=1h",
        stage: stages.notify,
        passed: throughput.notify,
        also: [{ count: notifications.dead, word: "not told", link: "/system#not-told" }],
      })}
    </ol>
  `;
}

/** Where the first of the whole minutes begins that are counted as this hour. */
function hourAgo(): string {
  const minute = Math.floor(Date.now() / 60_000) - 59;
  return `${new Date(minute * 60_000).toISOString().slice(0, 16)}Z`;
}

interface Also {
  count: number;
  word: string;
  link: string;
  tone?: "asking";
}

function lane(
  { name, count, unit, link, stage: { p50_ms }, passed, also = [] }: {
    name: string;
    count: number;
    unit: string;
    link: string;
    stage: StageLatency;
    passed: readonly number[];
    also?: Also[];
  },
) {
  const most = Math.max(...passed);
  return html`
    <li class="lane">
      <h2>${name}</h2>
      <div class="also">${also.map((each) =>
        each.count > 0 &&
        html`<p class="${each.tone ?? "wrong"}"><a href="${each.link}">${
          each.count.toLocaleString("en")
        } ${each.word}</a></p>`
      )}</div>
      <p class="count"><a href="${link}"><strong>${count.toLocaleString(
        "en",
      )}</strong> ${unit}</a></p>
      ${sparkLine(
        passed,
        `${name}, the last hour by the minute: ${
          most === 0 ? "none" : `at most ${most.toLocaleString("en")}`
        }`,
      )}
      <p class="pace" title="The median of the latest thousand">${p50_ms === null
        ? html`<span class="words">no times yet</span>—`
        : `usually ${took(p50_ms)}`}</p>
    </li>
  `;
}
