import type { Context } from "hono";
import type { Log } from "../../lib/process/log.ts";
import type { Env } from "../caller.ts";
import { bareFrame } from "./frame.ts";
import { answerProblem } from "../problem.ts";
import { problemPage } from "../views/problem.ts";

/** Turns whatever a handler throws into a page: the words are those of the API. */
export async function answerProblemPage(
  error: unknown,
  c: Context<Env>,
  log: Log,
): Promise<Response> {
  const answer = answerProblem(error, log);
  const { error: { message, hint } } = await answer.json();
  const retryAfter = answer.headers.get("retry-after");
  if (retryAfter) c.header("retry-after", retryAfter);
  c.header("cache-control", "no-store");
  c.status(answer.status as 500);
  return c.html(problemPage({ frame: bareFrame(c), status: answer.status, message, hint }));
}

/** Whether a person looks at the answer: a browser asks for a page, and not below the API's paths. */
export function wantsPage(c: Context<Env>): boolean {
  return (c.req.header("accept")?.includes("text/html") ?? false) &&
    !/^\/(api|webhook|static)(\/|$)/.test(c.req.path);
}
