import { parentPort, workerData } from "node:worker_threads";
import { createRegistry } from "../../sources/rules/registry.ts";
import { errorText } from "../process/log.ts";
import { excerptOf } from "./excerpt.ts";
import { readClaimed, readDescribed, type Reading, type ReadingRules } from "./reading.ts";
import type {
  PostedQuestion,
  ThreadAnswer,
  ThreadQuestion,
  ThreadSetup,
} from "./thread_protocol.ts";

/** What a thread runs that reads large bodies: see `reading_thread.ts`. */
const { config, settings } = workerData as ThreadSetup;
const rules: ReadingRules = { config, sources: createRegistry(settings) };

parentPort!.on("message", ({ question, body }: PostedQuestion) => {
  parentPort!.postMessage(answer(question, new Uint8Array(body)));
});
parentPort!.postMessage({ is: "ready" } satisfies ThreadAnswer);

function answer(question: ThreadQuestion, body: Uint8Array): ThreadAnswer {
  try {
    const { payload, ...rest } = read(question, body);
    return { is: "read", reading: { ...rest, payload: excerptOf(payload) } };
  } catch (error) {
    return { is: "unreadable", why: errorText(error) };
  }
}

function read({ wants, message, headers: sent }: ThreadQuestion, body: Uint8Array): Reading {
  const headers = new Headers(sent);
  return wants === "reading"
    ? readClaimed(rules, { ...message, headers }, body)
    : { ...readDescribed(rules, { ...message, headers }, body), guard: [] };
}
