import { findJsonFault, type JsonFault } from "../config/json_fault.ts";
import { indentJson } from "./json_indent.ts";
import type { WholeMessage } from "./message.ts";
import { mediaType } from "../../sources/kit/payload.ts";

/** The largest body that a person may edit: with all quotes escaped it still fits into one request. */
export const MOST_EDITED_BYTES = 120 * 1024;

/** A body as a person edits it. */
export interface EditableBody {
  /** As received; a text area shows any line end as one. */
  text: string;
  /** JSON that came on one line, laid out over many. */
  indented?: string;
  isJson: boolean;
}

/** Why a body cannot be edited. */
export interface NotEditable {
  why: string;
}

/** A message's body as text; or why it cannot be edited: it is no clean text, or too large. */
export function editableOf(
  { body, size, headers }: Pick<WholeMessage, "body" | "size" | "headers">,
): EditableBody | NotEditable {
  if (size > MOST_EDITED_BYTES) {
    return {
      why:
        `it has ${size.toLocaleString("en")} bytes, and at most ${MOST_EDITED_BYTES / 1024} KiB ` +
        "can be edited",
    };
  }
  const text = cleanText(body);
  if (text === undefined) return { why: "it is not text, and editing would change all of it" };
  const isJson = bare(text) !== "" && findJsonFault(bare(text)) === undefined;
  const indented = isJson && !/[\r\n]/.test(text) ? indentJson(text, MOST_EDITED_BYTES) : undefined;
  return {
    text,
    isJson: isJson || /[/+]json$/.test(mediaType(headers.get("content-type"))),
    indented: indented === text ? undefined : indented,
  };
}

/**
 * What was typed, as bytes with the line ends that the body had: browsers send
 * CRLF for every one of them. Undefined when nothing was changed.
 */
export function typedBytes(
  { text, indented }: EditableBody,
  typed: string,
): Uint8Array<ArrayBuffer> | undefined {
  const lines = withLf(typed);
  if (lines === withLf(text) || lines === indented) return undefined;
  const isCrlf = text.includes("\r\n") && !/(^|[^\r])\n|\r(?!\n)/.test(text);
  return new TextEncoder().encode(isCrlf ? lines.replaceAll("\n", "\r\n") : lines);
}

/** Where a body that should be JSON is not; undefined where it is, or need not be. */
export function faultOf({ isJson }: EditableBody, typed: string): JsonFault | undefined {
  return isJson ? findJsonFault(bare(typed)) : undefined;
}

function withLf(text: string): string {
  return text.replaceAll("\r\n", "\n").replaceAll("\r", "\n");
}

/** Without a byte order mark, which JSON may not begin with and some senders do. */
function bare(text: string): string {
  return text.replace(/^\ufeff/, "");
}

/** Undefined for other bytes, and for what a page cannot show and give back. */
function cleanText(body: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
    // deno-lint-ignore no-control-regex -- control characters are what is looked for
    return /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}
