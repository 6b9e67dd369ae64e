import type { Context } from "hono";
import type { Services } from "../../lib/services.ts";
import type { Env } from "../caller.ts";
import { bareFrame } from "./frame.ts";
import { answerProblem } from "../problem.ts";
import { notFoundPage } from "../views/not_found.ts";
import { problemPage } from "../views/problem.ts";

/**
 * Turns whatever a handler throws into a page: the words are those of the API, but for what is not
 * there, which people are told in theirs.
 */
export async function answerProblemPage(
  error: unknown,
  c: Context<Env>,
  { log, config }: Pick<Services, "log" | "config">,
): Promise<Response> {
  const answer = answerProblem(error, log);
  const { error: { code, message, hint } } = await answer.json();
  const { status } = answer;
  const retryAfter = answer.headers.get("retry-after");
  if (retryAfter) c.header("retry-after", retryAfter);
  c.header("cache-control", "no-store");
  c.status(status as 500);
  const frame = bareFrame(c);
  if (status !== 404) return c.html(problemPage({ frame, status, message, hint }));
  const { retentionDays } = config;
  return c.html(notFoundPage({ frame, code, path: c.req.path, retentionDays }));
}

/** Whether a person looks at the answer: a browser asks for a page, and not below the API's paths. */
export function wantsPage(c: Context<Env>): boolean {
  return (c.req.header("accept")?.includes("text/html") ?? false) &&
    !/^\/(api|webhook|static)(\/|$)/.test(c.req.path);
}
