import { isPart, type Part, partsIn } from "./parts.ts";

/** Where servers of chat completions say how many tokens they have counted. */
const INPUT = ["prompt_tokens", "input_tokens", "promptTokens", "prompt_eval_count"];
const OUTPUT = ["completion_tokens", "output_tokens", "completionTokens", "eval_count"];
const INPUT_PARTS = ["prompt_tokens_details", "input_tokens_details"];
const OUTPUT_PARTS = ["completion_tokens_details", "output_tokens_details"];

/** What was counted of a call; what was not is left out, and estimated. */
interface Counted {
  input?: number;
  output?: number;
}

/** What a server has counted, in OpenAI's words. */
export function chatUsage(usage: unknown): Record<string, number> | undefined {
  if (!isPart(usage)) return undefined;
  const cached = firstIn(partIn(usage, INPUT_PARTS), ["cached_tokens"]);
  const thought = firstIn(partIn(usage, OUTPUT_PARTS), ["reasoning_tokens"]);
  const { input, output } = withTotal({
    input: whole(firstIn(usage, INPUT), cached),
    output: whole(firstIn(usage, OUTPUT), thought),
  }, countOf(usage.total_tokens));
  return {
    ...(input === undefined ? {} : { prompt_tokens: input }),
    ...(output === undefined ? {} : { completion_tokens: output }),
  };
}

/**
 * The same with what a sum says besides: some bill thoughts, and count them in the sum alone (xAI,
 * Gemini's compatible endpoint, its proxies). Of a sum alone all counts as input.
 */
export function withTotal({ input, output }: Counted, total: number | undefined): Counted {
  if (total === undefined) return { input, output };
  const read = input ?? countOf(total - (output ?? 0));
  const rest = total - (read ?? 0);
  return { input: read, output: rest > (output ?? 0) ? rest : output };
}

/** A count as a number, some gateways send a text; undefined where nothing was counted. */
export function countOf(value: unknown): number | undefined {
  const count = typeof value === "string" && /^\d{1,12}$/.test(value) ? Number(value) : value;
  return typeof count === "number" && Number.isFinite(count) && count > 0 ? count : undefined;
}

/** A count with a part of it: where the part is more, they are counted apart. */
function whole(count: number | undefined, part = 0): number | undefined {
  return count !== undefined && part > count ? count + part : count;
}

function firstIn(counted: Part, names: readonly string[]): number | undefined {
  return names.map((name) => countOf(counted[name])).find((each) => each !== undefined);
}

function partIn(usage: Part, names: readonly string[]): Part {
  return names.flatMap((name) => partsIn(usage[name]))[0] ?? {};
}
