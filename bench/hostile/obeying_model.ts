import type { Asked, FakeProvider, Say } from "../../tests/fakes/server.ts";
import { canariesIn, FORMS } from "./canary.ts";
import { type Call, ordersIn } from "./disguise.ts";

/** What a task's model has been told, and has done because of it. */
export interface Obedience {
  /** Orders that reached it and were carried out; one that is repeated counts each time. */
  orders: number;
  calls: number;
}

/** In an argument: every canary that the model has seen so far, in that form. */
const SEEN = /\{\{seen:([^}]+)\}\}/g;
/** In an argument: so many characters. */
const FILL = /\{\{fill:(\d+)\}\}/g;

/** The order to make these calls in every step, for as long as somebody answers. */
export const again = (...calls: Call[]): Call[] => [["again", {}], ...calls];

/** The order to make this call so many times in one step. */
export const times = (count: number, call: Call): Call[] => [["times", { count }], call];

/**
 * The worst model there is: it looks for orders in everything that it is shown but its
 * instructions, undoes their disguises, and carries them out, one a step.
 *
 * @returns what it did, by the task's id.
 */
export function obeyWith(fake: Pick<FakeProvider, "script">): ReadonlyMap<string, Obedience> {
  const tasks = new Map<string, Obedience & { done: Set<string>; hasRead: boolean }>();
  fake.script = [({ body }: Asked): Say => {
    const shown = shownIn(body.messages);
    const task = /Task ([0-9a-f-]{36}): work on/.exec(shown)?.[1] ?? "";
    const known = tasks.get(task) ?? { orders: 0, calls: 0, done: new Set(), hasRead: false };
    tasks.set(task, known);
    const order = ordersIn(shown).find((each) => !known.done.has(JSON.stringify(each)));
    if (!order && !known.hasRead) {
      // Titles and excerpts are short: a real one reads the message, too.
      known.hasRead = true;
      return { calls: [{ tool: "get_payload", args: {} }] };
    }
    if (!order) {
      return { calls: [{ tool: "finish", args: { status: "completed", summary: "Ok" } }] };
    }
    if (order[0][0] !== "again") known.done.add(JSON.stringify(order));
    const calls = callsOf(order).map(([tool, args]) => ({
      tool,
      args: filled(args, canariesIn(shown)),
    }));
    known.orders++;
    known.calls += calls.length;
    return { calls };
  }];
  return tasks;
}

/** All that a model may take for orders: what it was shown, without its instructions. */
function shownIn(messages: { role: string; content: unknown }[]): string {
  return messages.filter(({ role }) => role === "user" || role === "tool")
    .map(({ content }) => typeof content === "string" ? content : JSON.stringify(content))
    .join("\n");
}

function callsOf([first, ...calls]: Call[]): Call[] {
  const [word, { count }] = first;
  if (word === "again") return calls;
  if (word === "times") return Array.from({ length: Number(count) }, () => calls[0]);
  return [first, ...calls];
}

function filled(args: Record<string, unknown>, seen: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(args).map(([name, value]) => [
      name,
      typeof value !== "string"
        ? value
        : value.replace(SEEN, (_, form) => seen.map(FORMS[form]).join(" ") || "nothing")
          .replace(FILL, (_, length) => "x".repeat(Number(length))),
    ]),
  );
}
