/** The place in a text where it stops being JSON, and what is wrong there. */
export interface JsonFault {
  /** From 1, as editors count. */
  line: number;
  /** From 1, in UTF-16 units, as browsers and most editors count. */
  column: number;
  /** Such as "a comma or } is missing". */
  says: string;
}

/**
 * Finds where a text stops being JSON (RFC 8259); undefined when it is JSON. The
 * engine's own message often has no place in it, and another wording in each version.
 */
export function findJsonFault(text: string): JsonFault | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch {
    const { at, says } = scan(text) ?? { at: text.length, says: "it is not JSON" };
    const before = text.slice(0, at);
    const line = before.split(/\r\n|\r|\n/);
    return { line: line.length, column: line.at(-1)!.length + 1, says };
  }
}

interface Fault {
  at: number;
  says: string;
}

/** What may come next. */
type Awaited = "value" | "value or ]" | "name" | "name or }" | "colon" | "comma" | "end";

function scan(text: string): Fault | undefined {
  const open: ("{" | "[")[] = [];
  let awaited: Awaited = "value";
  let at = skipSpace(text, 0);
  for (; at < text.length; at = skipSpace(text, at)) {
    const char = text[at];
    const closes = open.at(-1) === "{" ? "}" : open.at(-1) === "[" ? "]" : undefined;
    if (awaited === "end") return { at, says: "something stands after the end of the value" };
    if (awaited === "colon") {
      if (char !== ":") return { at, says: "a colon is missing before this" };
      awaited = "value";
      at++;
    } else if (awaited === "comma") {
      if (char === closes) {
        open.pop();
        awaited = open.length > 0 ? "comma" : "end";
      } else if (char === ",") awaited = closes === "}" ? "name" : "value";
      else return { at, says: `a comma or ${closes} is missing before this` };
      at++;
    } else if (awaited.endsWith(`or ${char}`)) {
      open.pop();
      awaited = open.length > 0 ? "comma" : "end";
      at++;
    } else if (awaited.startsWith("name")) {
      if (char === "}") return { at, says: "a comma stands before the }" };
      if (char !== '"') return { at, says: "a name in double quotes is missing" };
      const end = readString(text, at);
      if (typeof end !== "number") return end;
      awaited = "colon";
      at = end;
    } else if (char === "{" || char === "[") {
      open.push(char);
      awaited = char === "{" ? "name or }" : "value or ]";
      at++;
    } else {
      if (char === "]" && closes === "]") return { at, says: "a comma stands before the ]" };
      const end = readScalar(text, at);
      if (typeof end !== "number") return end;
      awaited = open.length > 0 ? "comma" : "end";
      at = end;
    }
  }
  if (awaited === "end") return undefined;
  const missing = open.toReversed().map((each) => each === "{" ? "}" : "]").slice(0, 8).join("");
  return {
    at: text.length,
    says: missing ? `it ends too early: ${missing} is missing` : "there is nothing",
  };
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (text[at] === " " || text[at] === "\n" || text[at] === "\r" || text[at] === "\t") at++;
  return at;
}

/** Where a string ends. */
function readString(text: string, from: number): number | Fault {
  for (let at = from + 1; at < text.length; at++) {
    const char = text[at];
    if (char === '"') return at + 1;
    if (char === "\n" || char === "\r") return { at, says: "the text in quotes is not closed" };
    if (char < " ") {
      return { at, says: "a control character must be written as \\u and its number" };
    }
    if (char === "\\") {
      const isKnown = /^\\(?:["\\/bfnrt]|u[0-9a-f]{4})/i.test(text.slice(at, at + 6));
      if (!isKnown) return { at, says: "there is no such escape: a backslash is written as \\\\" };
      at++;
    }
  }
  return { at: text.length, says: "the text in quotes is not closed" };
}

const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

function readScalar(text: string, at: number): number | Fault {
  if (text[at] === '"') return readString(text, at);
  SCALAR.lastIndex = at;
  const end = SCALAR.test(text) ? SCALAR.lastIndex : at;
  // What goes on in the same word is no number, and no other value.
  if (end > at && !/[\w.+-]/.test(text[end] ?? "")) return end;
  if (text[at] === "'") return { at, says: "texts stand in double quotes" };
  return { at, says: "this is no value: a text stands in double quotes" };
}
