import { bytesOf } from "../../signature/signature.ts";

/** The charset that a content type names; undefined where it names none. */
export function charsetOf(contentType: string | null | undefined): string | undefined {
  const [, quoted, bare] = /;\s*charset=(?:"([^"]{1,40})"|([^\s;"]{1,40}))/i.exec(
    contentType ?? "",
  ) ?? [];
  return quoted ?? bare;
}

/** A text in the charset that is named for it; in UTF-8 where none is, or none that anybody knows. */
export function decodeText(bytes: Uint8Array, charset?: string): string {
  const decoder = decoderFor(bytes, charset);
  if (decoder?.encoding === "windows-1252") {
    // Java's libraries name ISO-8859-1, their default, for what they write in UTF-8: what reads as
    // UTF-8 is it, because next to nothing in the other charset does.
    return readUtf8(bytes) ?? decoder.decode(bytesOf(bytes));
  }
  return (decoder ?? new TextDecoder()).decode(bytesOf(bytes));
}

/** The same text in UTF-8; those bytes themselves where they are in it already. */
export function toUtf8(bytes: Uint8Array, charset?: string): Uint8Array {
  return decoderFor(bytes, charset) === undefined
    ? bytes
    : new TextEncoder().encode(decodeText(bytes, charset));
}

/** A text in UTF-8 and no other; undefined when the bytes are none. */
export function readUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytesOf(bytes));
  } catch {
    return undefined;
  }
}

/** The decoder of another charset than UTF-8. */
function decoderFor(bytes: Uint8Array, charset?: string): TextDecoder | undefined {
  const label = wideCharset(bytes) ?? charset;
  if (label === undefined) return undefined;
  try {
    const decoder = new TextDecoder(label);
    return decoder.encoding === "utf-8" ? undefined : decoder;
  } catch {
    // Nobody knows it.
    return undefined;
  }
}

/** UTF-16, by its byte order mark or by its first character, which is one of ASCII's in JSON. */
function wideCharset([one, two]: Uint8Array): string | undefined {
  if (one === 0xff && two === 0xfe || one > 0 && two === 0) return "utf-16le";
  if (one === 0xfe && two === 0xff || one === 0 && two > 0) return "utf-16be";
  return undefined;
}
