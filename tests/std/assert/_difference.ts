const MAX_LINES = 2000;

/** A value as one can read it. */
export function show(value: unknown): string {
  return Deno.inspect(value, {
    depth: 100,
    sorted: true,
    trailingComma: true,
    compact: false,
    iterableLimit: Infinity,
    strAbbreviateSize: Infinity,
  });
}

/** Two values line by line: `-` only in the actual one, `+` only in the expected one. */
export function difference(actual: unknown, expected: unknown): string {
  const [a, b] = typeof actual === "string" && typeof expected === "string"
    ? [actual, expected].map((text) => text.split(/(?<=\n)/).map((line) => JSON.stringify(line)))
    : [actual, expected].map((value) => show(value).split("\n"));
  const lines = a.length > MAX_LINES || b.length > MAX_LINES
    ? [...a.map((line) => `-   ${line}`), ...b.map((line) => `+   ${line}`)]
      .slice(0, MAX_LINES)
    : compareLines(a, b);
  return `\n\n    [Diff] ${paint("- Actual")} / ${paint("+ Expected")}\n\n${
    lines.map(paint).join("\n")
  }\n`;
}

/** By the longest common subsequence. */
function compareLines(a: string[], b: string[]): string[] {
  const common = Array.from(
    { length: a.length + 1 },
    () => new Uint16Array(b.length + 1),
  );
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i][j] = a[i] === b[j]
        ? common[i + 1][j + 1] + 1
        : Math.max(common[i + 1][j], common[i][j + 1]);
    }
  }
  const lines: string[] = [];
  let i = 0, j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push(`    ${a[i]}`);
      i++, j++;
    } else if (
      j >= b.length || (i < a.length && common[i + 1][j] >= common[i][j + 1])
    ) {
      lines.push(`-   ${a[i++]}`);
    } else {
      lines.push(`+   ${b[j++]}`);
    }
  }
  return lines;
}

function paint(line: string): string {
  if (Deno.noColor) return line;
  if (line.startsWith("-")) return `\x1b[31m${line}\x1b[39m`;
  if (line.startsWith("+")) return `\x1b[32m${line}\x1b[39m`;
  return line;
}
