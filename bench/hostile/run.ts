import type { Arena } from "./arena.ts";
import { json } from "./house.ts";
import { type Obedience, obeyWith } from "./obeying_model.ts";
import { isSigned, type Prompt } from "./prompts.ts";
import { STORM } from "./rules.ts";
import { judgeReplies, judgeStorm, judgeTexts, type OpenText } from "./verdict_outside.ts";
import {
  type Finding,
  judgeBudget,
  judgeCalls,
  judgeFences,
  judgePage,
  type WorkedTask,
} from "./verdict.ts";

/** What was tried, so that a 0 means something. */
export interface Tried {
  prompts: number;
  /** Prompts of which the model has carried out an order. */
  obeyed: number;
  /** Calls that the model made because of orders. */
  callsOrdered: number;
  callsMade: number;
  callsDenied: number;
  approvalsAsked: number;
  approvalsGiven: number;
  questionsAnswered: number;
  waitsEnded: number;
  repliesSent: number;
  laterMessages: number;
}

/** What was tried of each kind, and what went wrong. */
export interface Report {
  kinds: Map<string, Tried>;
  modelCalls: number;
  textsRead: number;
  findings: Finding[];
}

/** So many messages wait at once. */
const BATCH = 24;
/** A person is asked so often by one task at most; more would be an endless task. */
const MOST_ROUNDS = 12;

type Given = { tool: string; arguments: unknown };

/** Sends every prompt, lets the model obey, plays the person, and judges what came of it. */
export async function runPrompts(
  arena: Arena,
  prompts: readonly Prompt[],
  progress: (done: number) => void = () => {},
): Promise<Report> {
  const obedience = obeyWith(arena.fake);
  const play: Play = { tasks: new Map(), given: new Map(), kinds: new Map(), findings: [] };
  // What came before them is not theirs.
  await arena.otto.workOff();
  arena.fake.asked.length = 0;
  for (let at = 0; at < prompts.length; at += BATCH) {
    const batch = prompts.slice(at, at + BATCH);
    const messages: [id: string, prompt: Prompt][] = [];
    const sendLater = async (isDue: (prompt: Prompt) => boolean) => {
      for (const prompt of batch.filter(isDue)) {
        for (const later of prompt.later) {
          const id = await arena.sendLater(prompt, later);
          triedOf(play, prompt).laterMessages++;
          if (id !== undefined) messages.push([id, prompt]);
        }
      }
    };
    for (const prompt of batch) {
      messages.push([await arena.send(prompt), prompt]);
      triedOf(play, prompt).prompts++;
    }
    await sendLater(({ atOnce }) => atOnce);
    await arena.otto.workOff();
    await sendLater(({ atOnce }) => !atOnce);
    await arena.otto.workOff();
    const ids = new Set<string>();
    for (const [message, prompt] of messages) {
      const { task_id } = await json(await arena.read(`/api/messages/${message}`));
      if (task_id === null) continue;
      play.tasks.set(task_id, prompt);
      ids.add(task_id);
    }
    for (let round = 0; round < MOST_ROUNDS; round++) {
      if (!await playPerson(arena, ids, play)) break;
      await arena.otto.workOff();
    }
    await reuseApprovals(arena, ids, play);
    await arena.otto.workOff();
    progress(Math.min(at + BATCH, prompts.length));
  }
  return await judge(arena, play, obedience);
}

interface Play {
  tasks: Map<string, Prompt>;
  given: Map<string, Given[]>;
  kinds: Map<string, Tried>;
  findings: Finding[];
}

function triedOf({ kinds }: Play, { kind }: Prompt): Tried {
  const tried = kinds.get(kind) ?? {
    prompts: 0,
    obeyed: 0,
    callsOrdered: 0,
    callsMade: 0,
    callsDenied: 0,
    approvalsAsked: 0,
    approvalsGiven: 0,
    questionsAnswered: 0,
    waitsEnded: 0,
    repliesSent: 0,
    laterMessages: 0,
  };
  kinds.set(kind, tried);
  return tried;
}

/** Answers, decides and wakes as a person would; whether anybody was waiting. */
async function playPerson(arena: Arena, ids: Iterable<string>, play: Play): Promise<boolean> {
  let waited = false;
  for (const id of ids) {
    const task = await json(await arena.read(`/api/tasks/${id}`));
    if (task.status !== "waiting_input" && task.status !== "waiting_event") continue;
    waited = true;
    const prompt = play.tasks.get(id)!;
    const tried = triedOf(play, prompt);
    if (task.status === "waiting_event") {
      await json(await arena.post(`/api/tasks/${id}/wake`, {}));
      tried.waitsEnded++;
      continue;
    }
    const pending = (task as WorkedTask).approvals.find(({ state }) => state === "pending");
    if (!pending) {
      await json(await arena.post(`/api/tasks/${id}/answer`, { text: prompt.answer }));
      tried.questionsAnswered++;
      continue;
    }
    const words = play.given.get(id) ?? [];
    const approves = words.length < prompt.approves;
    if (approves) {
      play.given.set(id, [...words, { tool: pending.tool, arguments: pending.arguments }]);
      tried.approvalsGiven++;
    }
    await json(
      await arena.post(`/api/tasks/${id}/${approves ? "approve" : "deny"}`, {
        approval_id: pending.id,
      }),
    );
  }
  return waited;
}

/** Whoever has seen an approval once says yes to it again: it is used, denied or withdrawn. */
async function reuseApprovals(arena: Arena, ids: Iterable<string>, play: Play): Promise<void> {
  for (const id of ids) {
    const { approvals }: WorkedTask = await json(await arena.read(`/api/tasks/${id}`));
    for (const { id: approval_id, state, tool } of approvals) {
      const { ok } = await arena.post(`/api/tasks/${id}/approve`, { approval_id });
      if (!ok) continue;
      const prompt = play.tasks.get(id)!.id;
      play.findings.push({ fault: "approvals used again", prompt, detail: `${state} ${tool}` });
    }
  }
}

async function judge(
  arena: Arena,
  play: Play,
  obedience: ReadonlyMap<string, Obedience>,
): Promise<Report> {
  const { tasks, given, findings } = play;
  const texts: OpenText[] = [];
  const shown = new Map<string, number>();
  const prompts = new Set(tasks.values());
  for (const [id, prompt] of tasks) {
    const tried = triedOf(play, prompt);
    const task: WorkedTask = await json(await arena.read(`/api/tasks/${id}`));
    const page = await (await arena.read(`/tasks/${id}`)).text();
    findings.push(
      ...judgeCalls(task, prompt, given.get(id) ?? []),
      ...judgeBudget(task, prompt),
      ...judgePage(page, prompt.id),
    );
    // What is out of budget waits for the next day.
    const ends = prompt.sender === STORM.source ? ["pending"] : [];
    if (![...ends, "completed", "failed", "cancelled"].includes(task.status)) {
      findings.push({ fault: "prompts without an end", prompt: prompt.id, detail: task.status });
    }
    const { orders = 0, calls = 0 } = obedience.get(id) ?? {};
    if (orders > 0 && prompts.delete(prompt)) tried.obeyed++;
    tried.callsOrdered += calls;
    tried.approvalsAsked += task.approvals.length;
    for (const { kind, data } of task.events) {
      if (kind === "tool_denied") tried.callsDenied += Number(data.calls ?? 1);
      if (kind === "replied") tried.repliesSent++;
      if (kind !== "tool_call") continue;
      tried.callsMade++;
      shown.set(String(data.tool), (shown.get(String(data.tool)) ?? 0) + 1);
    }
    const add = (where: string, text: string, isOutside = false) =>
      texts.push({ where, text, isOutside, prompt: prompt.id });
    add("the task", JSON.stringify(task));
    add("its page", page);
    for (const { kind, text } of task.notifications) {
      add(`a notification, ${kind}`, text, kind === "note");
    }
  }
  for (const { body, text } of arena.fake.asked) {
    texts.push({ where: "what the model was shown", text, isOutside: false, prompt: "" });
    findings.push(...judgeFences(body.messages));
  }
  for (const { tool, args } of arena.done) {
    const text = JSON.stringify(args);
    const prompt = /p\d{4}/.exec(text)?.[0] ?? "";
    texts.push({ where: tool, text, isOutside: tool === "mail__send", prompt });
    shown.set(tool, (shown.get(tool) ?? 0) - 1);
  }
  for (const [tool, left] of shown) {
    if (!tool.includes("__") || left >= 0) continue;
    findings.push({ fault: "effects that no timeline shows", prompt: "", detail: tool });
  }
  const all = [...new Set(tasks.values())];
  const storm = [...tasks].filter(([, { sender }]) => sender === STORM.source)
    .map(([id]) => obedience.get(id)?.billed ?? 0);
  findings.push(
    ...judgeReplies(arena.vendors.said, all.filter(isSigned), texts),
    ...judgeStorm(storm),
    ...judgeTexts(texts, arena.canaries),
  );
  const { kinds } = play;
  return { kinds, modelCalls: arena.fake.asked.length, textsRead: texts.length, findings };
}
