import { isXml, readXml } from "./xml.ts";

/** The longest text that is read once more, in characters. */
export const MAX_TEXT = 1024 * 1024;
/** The rows of a table that are looked at to tell it from prose. */
const ROWS = 5;

/**
 * What a text says that is no JSON as it stands: JSON with raw line breaks in its strings, a line of
 * JSON each, XML, a form without its content type, a table; `undefined` for any other text.
 */
export function readText(text: string): unknown {
  if (text.length > MAX_TEXT) return undefined;
  const start = text.trim();
  if (start === "") return undefined;
  return readJson(start) ?? readJsonLines(start) ?? (isXml(start) ? readXml(start) : undefined) ??
    readForm(start) ?? readTable(start);
}

/** An object or array that a text is the JSON of, also where its strings have raw line breaks and tabs. */
export function readJson(text: string): object | undefined {
  if (!isBracketed(text)) return undefined;
  return parsed(text) ?? parsed(escapeControls(text));
}

function isBracketed(text: string): boolean {
  const [first, last] = [text[0], text.at(-1)];
  return (first === "{" && last === "}") || (first === "[" && last === "]");
}

function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Writes control characters inside strings as JSON wants them. */
function escapeControls(text: string): string {
  let whole = "";
  let from = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (text[i] === '"') inString = !inString;
    else if (inString && text[i] === "\\") i++;
    else if (inString && code < 0x20) {
      whole += text.slice(from, i) + "\\u" + code.toString(16).padStart(4, "0");
      from = i + 1;
    }
  }
  return whole + text.slice(from);
}

function readJsonLines(text: string): object[] | undefined {
  if (text[0] !== "{" || !text.includes("\n")) return undefined;
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  if (lines.length < 2) return undefined;
  const values: object[] = [];
  for (const line of lines) {
    const value = isBracketed(line) ? parsed(line) : undefined;
    if (!value) return undefined;
    values.push(value);
  }
  return values;
}

/** `a=b&c=d` in one line, without spaces as only prose has them. */
function readForm(text: string): Record<string, string> | undefined {
  if (!/^[\w.[\]%-]+=/.test(text) || /\s/.test(text)) return undefined;
  const pairs = text.split("&", 200);
  if (!pairs.every((pair) => /^[\w.[\]%-]+=/.test(pair))) return undefined;
  return Object.fromEntries(new URLSearchParams(text));
}

/** The first row of a table with a head, as an object by the names in it; commas, semicolons or tabs. */
function readTable(text: string): object[] | undefined {
  const lines = text.split(/\r?\n/, ROWS + 1).filter((line) => line.trim() !== "").slice(0, ROWS);
  if (lines.length < 2) return undefined;
  for (const separator of ["\t", ";", ","]) {
    const [head, ...rows] = lines.map((line) => cells(line, separator));
    const isTable = head.length > 1 && rows.every((row) => row.length === head.length) &&
      head.every((cell) => /^[\p{L}_][\p{L}\p{N}_ .-]{0,40}$/u.test(cell));
    if (!isTable) continue;
    return rows.map((row) => Object.fromEntries(head.map((name, column) => [name, row[column]])));
  }
  return undefined;
}

/** The cells of a row; a separator within quotation marks belongs to its cell. */
function cells(line: string, separator: string): string[] {
  const found: string[] = [];
  let cell = "";
  let isQuoted = false;
  for (const letter of line.slice(0, 10_000)) {
    if (letter === '"') isQuoted = !isQuoted;
    else if (letter === separator && !isQuoted) {
      found.push(cell.trim());
      cell = "";
    } else cell += letter;
  }
  return [...found, cell.trim()];
}
