import { html } from "hono/html";
import type { Message } from "../../../lib/message/message.ts";
import type { NameOf } from "../../../sources/rules/names.ts";
import { type Frame, type Html, page } from "../page.ts";
import { counted } from "../parts/count.ts";
import { icon, type IconName } from "../parts/icon.ts";
import { phaseWord } from "../parts/phase.ts";

/** What can be done to many messages at once, as the buttons say it. */
export interface ManyChoice {
  action: "release" | "replay" | "retry" | "delete";
  /** Of the messages, or of their tasks where these are what it is done to. */
  ids: readonly string[];
}

const LABELS: Record<ManyChoice["action"], (count: string) => string> = {
  release: (count) => `Verify again and release ${count}`,
  replay: (count) => `Replay ${count}`,
  retry: (count) => `Retry ${count} failed`,
  delete: (count) => `Delete ${count}`,
};

const SAYS: Record<ManyChoice["action"], string> = {
  release:
    "Each is checked with today's secrets. What is right becomes a task; what is not stays " +
    "refused, and says why.",
  replay: "Each becomes a new message with the same bytes, worked from the beginning: agents may " +
    "act, and people may be told once more.",
  retry: "Their tasks start again: agents may act, and people may be told once more.",
  delete: "They go for good, with their tasks and all that was told about them. A sender's next " +
    "repeat of one is taken as new.",
};

const ICONS: Record<ManyChoice["action"], IconName> = {
  release: "shield",
  replay: "again",
  retry: "again",
  delete: "failed",
};

/** What a person is asked before many messages are acted on: how many, whose, and what happens. */
export function manyPage(
  { frame, messages, choices, more, back, nameOf }: {
    frame: Frame;
    messages: readonly Message[];
    choices: readonly ManyChoice[];
    /** Said where not all are here that match. */
    more?: Html | string;
    back: string;
    nameOf: NameOf;
  },
) {
  const count = messages.length.toLocaleString("en");
  return page({
    title: counted(messages.length, "message"),
    frame,
    body: html`
      <nav class="crumbs" aria-label="Where this is"><a href="${back}">Messages</a></nav>
      <div class="single card">
        <h1>${count} ${messages.length === 1 ? "message" : "messages"}</h1>
        <p>${told(messages, nameOf)}. ${more}</p>
        <ul class="choices">${choices.map(choice)}</ul>
        <p><a class="button quiet" href="${back}">Not now</a></p>
      </div>
    `,
  });
}

function choice({ action, ids }: ManyChoice) {
  const label = LABELS[action](ids.length.toLocaleString("en"));
  return html`
    <li>
      <form method="post" action="/messages/many/${action}">
        <input type="hidden" name="ids" value="${ids.join(",")}">
        <button class="${action === "delete" && "danger"}">${icon(ICONS[action])}${label}</button>
      </form>
      <p class="hint">${SAYS[action]}</p>
    </li>
  `;
}

/** `14 of GitHub; 12 failed, 2 refused`. */
function told(messages: readonly Message[], nameOf: NameOf): string {
  const count = (of: (message: Message) => string) =>
    [...Map.groupBy(messages, of)].toSorted((a, b) => b[1].length - a[1].length)
      .map(([name, all]) => `${all.length.toLocaleString("en")} ${name}`).join(", ");
  return `${count((each) => `of ${nameOf(each)}`)}; ${count(({ phase }) => phaseWord(phase))}`;
}

const DONE: Record<ManyChoice["action"], string> = {
  release: "released",
  replay: "replayed",
  retry: "started again",
  delete: "deleted",
};

/** What became of them, and of those that were left as they are, why. */
export function manyDonePage(
  { frame, action, acted: { done, refused } }: {
    frame: Frame;
    action: ManyChoice["action"];
    acted: { done: number; refused: readonly { id: string; message: string }[] };
  },
) {
  const reasons = [...Map.groupBy(refused, ({ message }) => message)];
  const things = action === "retry" ? "tasks" : "messages";
  return page({
    title: `${done} ${DONE[action]}`,
    frame,
    body: html`
      <nav class="crumbs" aria-label="Where this is"><a href="/messages">Messages</a></nav>
      <div class="single card">
        <h1>${done.toLocaleString("en")} ${DONE[action]}${refused.length > 0 &&
          `, ${refused.length.toLocaleString("en")} left as they are`}</h1>
        ${reasons.length > 0 && html`<ul class="plain-list">${
          reasons.map(([message, all]) =>
            html`
              <li>
                <p dir="auto">${all.length.toLocaleString("en")} ×
                          <a href="/${things}/${all[0].id}">${message}</a></p>
              </li>
            `
          )
        }</ul>`}
        <p><a class="button" href="/messages">Messages</a></p>
      </div>
    `,
  });
}
