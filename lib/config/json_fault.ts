import { type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";

/** The place in a text where it stops being JSON, and what is wrong there. */
export interface JsonFault {
  /** From 1, as editors count. */
  line: number;
  /** From 1, in UTF-16 units, as browsers and most editors count. */
  column: number;
  /** Such as "a comma or } is missing". */
  says: string;
}

/** What the parser found, in words for who wrote the file. */
const SAYS: Record<string, string> = {
  InvalidSymbol: "this is no value: a text stands in double quotes",
  InvalidNumberFormat: "this is no number",
  PropertyNameExpected: "a name in double quotes is missing before this",
  ValueExpected: "a value is missing before this",
  ColonExpected: "a colon is missing before this",
  CommaExpected: "a comma is missing before this",
  CloseBraceExpected: "a comma or } is missing before this",
  CloseBracketExpected: "a comma or ] is missing before this",
  EndOfFileExpected: "something stands after the end of the value",
  InvalidCommentToken: "a comment is no JSON",
  UnexpectedEndOfString: "the text in quotes is not closed",
  UnexpectedEndOfNumber: "the number is not whole",
  InvalidUnicode: "\\u wants four hexadecimal digits",
  InvalidEscapeCharacter: "there is no such escape: a backslash is written as \\\\",
  InvalidCharacter: "a control character must be written as \\u and its number",
};

/**
 * Finds where a text stops being JSON (RFC 8259); undefined when it is JSON. The
 * engine's own message often has no place in it, and another wording in each version.
 */
export function findJsonFault(text: string): JsonFault | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch {
    const [first] = errorsIn(text);
    const at = first?.offset ?? text.length;
    return { ...placeAt(text, at), says: saysOf(first, text, at) };
  }
}

function saysOf(first: ParseError | undefined, text: string, at: number): string {
  if (text.trim() === "") return "there is nothing";
  if (at >= text.trimEnd().length) return "it ends too early";
  const found = /Expected$/.test(printParseErrorCode(first!.error)) ? text[at] : "";
  const isTrailing = /[}\]]/.test(found) && /,\s*$/.test(text.slice(0, at));
  return isTrailing
    ? `a comma stands before the ${found}`
    : SAYS[printParseErrorCode(first!.error)] ?? "it is not JSON";
}

function errorsIn(text: string): ParseError[] {
  const errors: ParseError[] = [];
  try {
    parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
  } catch {
    // Nested so deep that the parser ran out of stack.
  }
  return errors.sort((one, other) => one.offset - other.offset);
}

/** The line and column, from 1, of an offset into a text. */
export function placeAt(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split(/\r\n|\r|\n/);
  return { line: before.length, column: before.at(-1)!.length + 1 };
}
