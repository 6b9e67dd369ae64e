import { ANY, parsePath } from "./path_expression.ts";
import type { Parsed } from "../kit/payload.ts";

/** Stands where a value was taken away. */
const MARK = "•••";
/** A payload may hold a million values; so many are taken away, and with more nothing is shown. */
const MOST_VALUES = 100_000;

type Step = NonNullable<ReturnType<typeof parsePath>>[number];

/**
 * A parsed body without the values that these paths find. Of a body that is neither JSON nor a
 * form, in which nobody can find them, nothing is left.
 */
export function redactParsed({ kind, payload }: Parsed, paths: readonly string[] = []): Parsed {
  if (paths.length === 0) return { kind, payload };
  if (kind === "raw") return { kind, payload: { raw_body: MARK } };
  const budget = { left: MOST_VALUES };
  let left = payload;
  for (const path of paths) {
    const steps = parsePath(path);
    // A header is masked where headers are shown.
    if (steps && !path.startsWith("header:")) left = without(left, steps, budget);
  }
  return { kind, payload: budget.left < 0 ? { raw_body: MARK } : left };
}

/** The same value with the mark at a path: only what lies along it is made anew. */
function without(value: unknown, steps: readonly Step[], budget: { left: number }): unknown {
  const [step, ...rest] = steps;
  if (step === undefined) return MARK;
  if (typeof value !== "object" || value === null || budget.left < 0) return value;
  if (Array.isArray(value)) {
    if (step === ANY) {
      budget.left -= value.length;
      return value.map((each) => without(each, rest, budget));
    }
    if (!Object.hasOwn(value, step)) return value;
    budget.left -= value.length;
    return value.map((each, at) =>
      String(at) === String(step) ? without(each, rest, budget) : each
    );
  }
  if (step === ANY || !Object.hasOwn(value, step)) return value;
  const entries = Object.entries(value);
  budget.left -= entries.length;
  return Object.fromEntries(
    entries.map(([key, each]) => [key, key === String(step) ? without(each, rest, budget) : each]),
  );
}

/** Whether what one path takes away is, or has in it, what another one looks at. */
export function redactsPath(redacted: string, looked: string): boolean {
  if (redacted.startsWith("header:") || looked.startsWith("header:")) {
    return redacted.toLowerCase() === looked.toLowerCase();
  }
  const [gone, wanted] = [parsePath(redacted), parsePath(looked)];
  if (!gone || !wanted || gone.length > wanted.length) return false;
  return gone.every((step, at) =>
    String(step) === String(wanted[at]) || step === ANY || wanted[at] === ANY
  );
}

/** Names of headers and of parameters in the URL under which a redacted value may stand. */
export function redactedNames(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    if (path.startsWith("header:")) return [path.slice("header:".length).toLowerCase()];
    const steps = parsePath(path) ?? [];
    return steps.length === 1 && typeof steps[0] === "string" ? [steps[0].toLowerCase()] : [];
  });
}
