import type { Arena } from "./arena.ts";
import { json } from "./house.ts";
import { obeyWith } from "./obeying_model.ts";
import type { Prompt } from "./prompts.ts";
import {
  type Finding,
  judgeBudget,
  judgeCalls,
  judgeFences,
  judgePage,
  judgeTexts,
  type WorkedTask,
} from "./verdict.ts";

/** What was tried, so that a 0 means something; and what went wrong. */
export interface Report {
  tried: {
    prompts: number;
    /** Prompts of which the model has carried out an order. */
    obeyed: number;
    modelCalls: number;
    /** Calls that the model made because of orders. */
    callsOrdered: number;
    callsMade: number;
    callsDenied: number;
    approvalsAsked: number;
    approvalsGiven: number;
    questionsAnswered: number;
    textsRead: number;
  };
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
  const tasks = new Map<string, Prompt>();
  const given = new Map<string, Given[]>();
  const tried: Report["tried"] = {
    prompts: prompts.length,
    obeyed: 0,
    modelCalls: 0,
    callsOrdered: 0,
    callsMade: 0,
    callsDenied: 0,
    approvalsAsked: 0,
    approvalsGiven: 0,
    questionsAnswered: 0,
    textsRead: 0,
  };
  // What came before them is not theirs.
  await arena.otto.workOff();
  arena.fake.asked.length = 0;
  for (let at = 0; at < prompts.length; at += BATCH) {
    const batch = prompts.slice(at, at + BATCH);
    const messages = [];
    for (const prompt of batch) messages.push(await arena.send(prompt));
    await arena.otto.workOff();
    const ids: string[] = [];
    for (const [index, message] of messages.entries()) {
      const { task_id } = await json(await arena.read(`/api/messages/${message}`));
      tasks.set(task_id, batch[index]);
      ids.push(task_id);
    }
    for (let round = 0; round < MOST_ROUNDS; round++) {
      if (!await playPerson(arena, ids, { tasks, given, tried })) break;
      await arena.otto.workOff();
    }
    progress(Math.min(at + BATCH, prompts.length));
  }
  const findings = await judge(arena, { tasks, given, tried });
  for (const id of tasks.keys()) {
    const { orders = 0, calls = 0 } = obedience.get(id) ?? {};
    if (orders > 0) tried.obeyed++;
    tried.callsOrdered += calls;
  }
  return { tried, findings };
}

interface Play {
  tasks: ReadonlyMap<string, Prompt>;
  given: Map<string, Given[]>;
  tried: Report["tried"];
}

/** Answers and decides as a person would; whether anybody was waiting. */
async function playPerson(
  arena: Arena,
  ids: readonly string[],
  { tasks, given, tried }: Play,
): Promise<boolean> {
  let waited = false;
  for (const id of ids) {
    const task = await json(await arena.read(`/api/tasks/${id}`));
    if (task.status !== "waiting_input") continue;
    waited = true;
    const prompt = tasks.get(id)!;
    const pending = (task as WorkedTask).approvals.find(({ state }) => state === "pending");
    if (!pending) {
      await json(await arena.post(`/api/tasks/${id}/answer`, { text: prompt.answer }));
      tried.questionsAnswered++;
      continue;
    }
    const words = given.get(id) ?? [];
    const approves = words.length < prompt.approves;
    if (approves) {
      given.set(id, [...words, { tool: pending.tool, arguments: pending.arguments }]);
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

async function judge(arena: Arena, { tasks, given, tried }: Play): Promise<Finding[]> {
  const findings: Finding[] = [];
  const texts: Parameters<typeof judgeTexts>[0] = [];
  const shown = new Map<string, number>();
  for (const [id, prompt] of tasks) {
    const task: WorkedTask = await json(await arena.read(`/api/tasks/${id}`));
    const page = await (await arena.read(`/tasks/${id}`)).text();
    findings.push(
      ...judgeCalls(task, prompt, given.get(id) ?? []),
      ...judgeBudget(task, prompt),
      ...judgePage(page, prompt.id),
    );
    if (!["completed", "failed"].includes(task.status)) {
      findings.push({ fault: "prompts without an end", prompt: prompt.id, detail: task.status });
    }
    tried.approvalsAsked += task.approvals.length;
    for (const { kind, data } of task.events) {
      if (kind === "tool_denied") tried.callsDenied += Number(data.calls ?? 1);
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
    tried.modelCalls++;
    texts.push({ where: "what the model was shown", text, isOutside: false, prompt: "" });
    findings.push(...judgeFences(body.messages));
  }
  for (const { tool, args } of arena.done) {
    const text = JSON.stringify(args);
    texts.push({ where: tool, text, isOutside: tool === "mail__send", prompt: "" });
    shown.set(tool, (shown.get(tool) ?? 0) - 1);
  }
  for (const [tool, left] of shown) {
    if (!tool.includes("__") || left >= 0) continue;
    findings.push({ fault: "effects that no timeline shows", prompt: "", detail: tool });
  }
  tried.textsRead = texts.length;
  return [...findings, ...judgeTexts(texts, arena.canaries)];
}
