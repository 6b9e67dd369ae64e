/** Where servers of chat completions say how many tokens they have counted. */
const INPUT = ["prompt_tokens", "input_tokens", "promptTokens", "prompt_eval_count"];
const OUTPUT = ["completion_tokens", "output_tokens", "completionTokens", "eval_count"];

/** What a server has counted, in OpenAI's words; a count that is not there is left out, and estimated. */
export function chatUsage(usage: unknown): Record<string, number> | undefined {
  if (typeof usage !== "object" || usage === null) return undefined;
  const counted = usage as Record<string, unknown>;
  const first = (names: string[]) =>
    names.map((name) => countOf(counted[name])).find((each) => each !== undefined);
  const said = first(OUTPUT);
  const total = countOf(counted.total_tokens);
  // Of a sum alone, all counts as input: what was said is estimated besides.
  const input = first(INPUT) ?? (total === undefined ? undefined : total - (said ?? 0));
  // xAI and Gemini's compatible endpoint bill thoughts, and count them in the sum alone.
  const output = total === undefined || said === undefined || input === undefined
    ? said
    : Math.max(said, total - input);
  return {
    ...(input === undefined ? {} : { prompt_tokens: input }),
    ...(output === undefined ? {} : { completion_tokens: output }),
  };
}

/** A count as a number; some gateways send a text. */
export function countOf(value: unknown): number | undefined {
  const count = typeof value === "string" && /^\d{1,12}$/.test(value) ? Number(value) : value;
  return typeof count === "number" && Number.isFinite(count) ? count : undefined;
}
