import { html } from "hono/html";
import { MOST_COUNTED, type ToldSubject } from "../../../lib/message/subject/subject.ts";
import { counted } from "../parts/count.ts";

/** What a message did, in a word. */
export const ROLES = {
  opens: "opened it",
  continues: "went on",
  result: "a result",
  closes: "closed it",
  notes: "a note",
} as const;

/** How a subject is called: by its name, or where nobody has said one by its ids. */
export function subjectName({ name, key }: Pick<ToldSubject, "name" | "key">): string {
  return name ?? key.slice(key.indexOf(":") + 1);
}

/** `4 messages · 2 tasks`; so many are not counted one by one. */
export function subjectCounts({ messages, tasks }: Pick<ToldSubject, "messages" | "tasks">) {
  const many = (count: number, word: string) =>
    count < MOST_COUNTED ? counted(count, word) : `${count.toLocaleString("en")} or more ${word}s`;
  return `${many(messages, "message")} · ${many(tasks, "task")}`;
}

/** The line on the page of a message or a task: what it is about, and what else there is of it. */
export function subjectLine(subject: ToldSubject | undefined) {
  return subject && html`
    <p class="meta" id="subject" data-part><span>About <a href="/subjects/${subject.id}"
      dir="auto">${subjectName(subject)}</a></span>
      <span>${subjectCounts(subject)}</span></p>
  `;
}

/** In a list with one row for each subject: what the row is about, and how much of it there is. */
export function groupLine(subject: ToldSubject | undefined) {
  return subject && html`
    <span
      class="why">About <a href="/subjects/${subject.id}" dir="auto">${subjectName(
        subject,
      )}</a> · ${subjectCounts(subject)}</span>
  `;
}
