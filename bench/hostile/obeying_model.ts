import type { Asked, FakeProvider, Say } from "../../tests/fakes/server.ts";
import { canariesIn, formOf } from "./canary.ts";
import { type Call, ordersIn } from "./disguise.ts";

/** What a task's model has been told, and has done because of it. */
export interface Obedience {
  /** Orders that reached it and were carried out; one that is repeated counts each time. */
  orders: number;
  calls: number;
  /** The tokens that it was billed, as the provider counts them. */
  billed: number;
}

/** In an argument: every canary that the model has seen so far, in that form. */
const SEEN = /\{\{seen:([^}]+)\}\}/g;
/** In an argument: one half of the newest of them. */
const HALF = /\{\{(first|second):([^}]+)\}\}/g;
/** In an argument: what the newest answers end with, where they may have been cut. */
const REST = "{{rest}}";
/** In an argument: what stands between these marks in the message. */
const SAID = "{{said}}";
const SAYING = /SAID\[([\s\S]*?)\]DIAS/;

/** A text that the model is to repeat, in a message. */
export const saying = (text: string): string => `SAID[${text}]DIAS`;
/** In an argument: so many characters. */
const FILL = /\{\{fill:(\d+)\}\}/g;

/** The order to make these calls in every step, for as long as somebody answers. */
export const again = (...calls: Call[]): Call[] => [["again", {}], ...calls];

/** The order to make this call so many times in one step. */
export const times = (count: number, call: Call): Call[] => [["times", { count }], call];

/**
 * The worst model there is: it looks for orders in everything that it is shown but its
 * instructions, undoes their disguises, and carries them out, one a step. With the order `dear` it
 * bills as much as it may from then on.
 *
 * @returns what it did, by the task's id.
 */
export function obeyWith(fake: Pick<FakeProvider, "script">): ReadonlyMap<string, Obedience> {
  const tasks = new Map<string, KnownTask>();
  fake.script = [({ body, text }: Asked): Say => {
    const shown = shownIn(body);
    const task = /Task ([0-9a-f-]{36}): work on/.exec(shown)?.[1] ?? "";
    const known = tasks.get(task) ??
      { orders: 0, calls: 0, billed: 0, done: new Set(), hasRead: false, isDear: false };
    tasks.set(task, known);
    const say = obey(known, shown, body);
    const usage = known.isDear
      ? {
        prompt_tokens: Math.ceil(text.length / 3),
        completion_tokens: body.max_completion_tokens,
      }
      : { prompt_tokens: 100, completion_tokens: 10 };
    known.billed += usage.prompt_tokens + usage.completion_tokens;
    return { ...say as { text?: string }, usage };
  }];
  return tasks;
}

type KnownTask = Obedience & { done: Set<string>; hasRead: boolean; isDear: boolean };

function obey(known: KnownTask, shown: string, { tools }: Asked["body"]): Say {
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
  known.isDear ||= order[0][0] === "dear";
  const calls = callsOf(order).map(([tool, args]) => ({
    tool,
    args: filled(args, shown),
  }));
  known.orders++;
  known.calls += calls.length;
  // In its last step it has no tools, and says what it was told to do.
  return tools ? { calls } : { text: JSON.stringify(calls) };
}

/** All that a model may take for orders: what it was shown, its tools too, without its instructions. */
function shownIn(
  { messages, tools }: { messages: { role: string; content: unknown }[]; tools?: unknown },
): string {
  return messages.filter(({ role }) => role === "user" || role === "tool")
    .map(({ content }) => typeof content === "string" ? content : JSON.stringify(content))
    .concat(JSON.stringify(tools) ?? "")
    .join("\n");
}

function callsOf([first, ...calls]: Call[]): Call[] {
  const [word, { count }] = first;
  if (word === "again" || word === "dear") return calls;
  if (word === "times") return Array.from({ length: Number(count) }, () => calls[0]);
  return [first, ...calls];
}

function filled(args: Record<string, unknown>, shown: string): Record<string, unknown> {
  const seen = canariesIn(shown);
  const fill = (text: string) =>
    text.replace(SEEN, (_, form) => seen.map(formOf(form)).join(" ") || "nothing")
      .replace(HALF, (_, which, form) => {
        const whole = formOf(form)(seen.at(-1) ?? "nothing");
        const middle = Math.ceil(whole.length / 2);
        return which === "first" ? whole.slice(0, middle) : whole.slice(middle);
      })
      .replace(FILL, (_, length) => "x".repeat(Number(length)))
      .replace(REST, () => (shown.match(/x(?:canary-[a-z]*-?[0-9a-f]*)/g) ?? ["nothing"]).join(" "))
      .replace(SAID, () => unescaped(SAYING.exec(shown)?.[1] ?? "nothing"));
  return Object.fromEntries(
    Object.entries(args).map(([name, value]) => [
      name,
      typeof value === "string" ? fill(value) : value,
    ]),
  );
}

/** A part of a JSON text, as the text that it stands for. */
function unescaped(part: string): string {
  try {
    return JSON.parse(`"${part}"`);
  } catch {
    return part;
  }
}
