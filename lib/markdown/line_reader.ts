/** What stands between brackets, and what may stand in the parentheses after it. */
const MOST_LABEL = 500;
const MOST_TARGET = 2_300;
const TARGET = /^\(<?((?:[^\s()<>]|\([^\s()<>]{0,200}\)){1,2000})>?(?: "[^"]{0,200}")?\)/;

export type LineReader = ReturnType<typeof createLineReader>;

/** Looks at a line, and remembers what it has looked for, so that nothing is looked for twice. */
export function createLineReader(text: string) {
  /** Where the next "]" stands that was looked for, and what stands in the parentheses after it. */
  let close = -1;
  let target: { url: string; end: number } | undefined;
  /** Runs of backticks by their length, in order: only one of the same length closes another. */
  let runs: Map<number, number[]> | undefined;

  function lookForClose(from: number): void {
    if (close >= from) return;
    close = text.indexOf("]", from);
    if (close < 0) close = Infinity;
    const [whole, url] = TARGET.exec(text.slice(close + 1, close + 1 + MOST_TARGET)) ?? [];
    target = whole === undefined ? undefined : { url, end: close + 1 + whole.length };
  }

  /** How many backticks stand in a row. */
  function runAt(at: number): number {
    let end = at;
    while (text[end] === "`") end++;
    return end - at;
  }

  function findRuns(): Map<number, number[]> {
    const found = new Map<number, number[]>();
    for (let at = text.indexOf("`"); at >= 0;) {
      const length = runAt(at);
      const places = found.get(length);
      if (places) places.push(at);
      else found.set(length, [at]);
      at = text.indexOf("`", at + length);
    }
    for (const places of found.values()) places.reverse();
    return found;
  }

  return {
    text,
    runAt,
    /** Code that begins with the run of backticks at a place; places are asked for in order. */
    codeAt(at: number): { said: string; end: number } | undefined {
      const length = runAt(at);
      const places = (runs ??= findRuns()).get(length) ?? [];
      // The last is the next one: those that were passed are of no use any more.
      while (places.length > 0 && places.at(-1)! < at + length) places.pop();
      const end = places.at(-1);
      return end === undefined
        ? undefined
        : { said: text.slice(at + length, end), end: end + length };
    },
    /** The link whose words begin with the bracket at a place; places are asked for in order. */
    linkAt(
      at: number,
    ): { label: string; target: string; end: number } | undefined {
      if (text[at] !== "[") return undefined;
      lookForClose(at + 1);
      if (!target || close - at - 1 > MOST_LABEL) return undefined;
      return {
        label: text.slice(at + 1, close),
        target: target.url,
        end: target.end,
      };
    },
  };
}
