import { type Inline, parseInline } from "./inline.ts";

/** A table as GitHub's Markdown has it: a line of names, a line of marks below it, lines of cells. */
export interface Table {
  kind: "table";
  names: Inline[][];
  /** For each column; undefined where nothing is said. */
  sides: ("left" | "center" | "right" | undefined)[];
  /** A row has no more cells than there are columns, and may have fewer. */
  rows: Inline[][][];
}

/** A wider one is not for people: it stays text. */
const MOST_COLUMNS = 50;
const SIDE = /^:?-+:?$/;

/** What the first two lines of a table say; undefined where they are none. */
export function readHead(
  line: string,
  below: string | undefined,
): Pick<Table, "names" | "sides"> | undefined {
  // Most lines end here.
  if (below === undefined || !line.includes("|") || !/^[-:| \t]+$/.test(below)) return undefined;
  const marks = cellsOf(below, MOST_COLUMNS + 1);
  const names = cellsOf(line, MOST_COLUMNS + 1);
  if (marks.length !== names.length || marks.length > MOST_COLUMNS) return undefined;
  if (!marks.every((mark) => SIDE.test(mark))) return undefined;
  return { names: names.map((name) => parseInline(name)), sides: marks.map(sideOf) };
}

/** The cells of one line; those beyond the last column are left out. */
export function readRow(line: string, columns: number): Inline[][] {
  return cellsOf(line, columns).map((cell) => parseInline(cell));
}

function sideOf(mark: string): Table["sides"][number] {
  if (mark.endsWith(":")) return mark.startsWith(":") ? "center" : "right";
  return mark.startsWith(":") ? "left" : undefined;
}

/** What stands between the pipes of a line, at most so many; a pipe after a backslash is text. */
function cellsOf(line: string, most: number): string[] {
  const text = line.trim();
  const cells: string[] = [];
  let cell = "";
  for (let at = text.startsWith("|") ? 1 : 0; at < text.length && cells.length < most; at++) {
    if (text[at] === "|") {
      cells.push(cell.trim());
      cell = "";
    } else if (text[at] === "\\" && at + 1 < text.length) {
      cell += text[at + 1] === "|" ? "|" : text.slice(at, at + 2);
      at++;
    } else cell += text[at];
  }
  if (cells.length < most && cell.trim() !== "") cells.push(cell.trim());
  return cells;
}
