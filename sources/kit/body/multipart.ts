import { charsetOf, decodeText } from "./charset.ts";
import { requireFewFields } from "./payload_error.ts";

/** A file in a form: what it was, without its content. */
interface FormFile {
  filename: string;
  type: string;
  size: number;
}

/**
 * The fields of a `multipart/form-data` body (RFC 7578), each name with all
 * its values; `undefined` when the body is not what its content type says. A text
 * is in the charset that its part names, else in the one that the form names for it.
 *
 * @throws {PayloadError} when it has too many fields.
 */
export function parseMultipart(
  body: Uint8Array,
  contentType: string,
): Map<string, (string | FormFile)[]> | undefined {
  const boundary = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(
    contentType,
  );
  if (!boundary) return undefined;
  // One character per byte, so that an index into the text is one into the body.
  const text = new TextDecoder("latin1").decode(body);
  const delimiter = `--${boundary[1] ?? boundary[2]}`;
  let start = text.startsWith(delimiter) ? 0 : text.indexOf(`\r\n${delimiter}`);
  if (start < 0) return undefined;

  const parts: FormPart[] = [];
  for (;;) {
    requireFewFields(parts.length + 1);
    start = text.indexOf(
      "\r\n",
      text.indexOf(delimiter, start) + delimiter.length,
    );
    const content = start < 0 ? -1 : text.indexOf("\r\n\r\n", start);
    const end = content < 0 ? -1 : text.indexOf(`\r\n${delimiter}`, content + 2);
    if (end < 0) break;
    const head = new TextDecoder().decode(body.subarray(start, content));
    const part = partOf(head, body.subarray(Math.min(content + 4, end), end));
    if (part) parts.push(part);
    if (text.startsWith("--", end + 2 + delimiter.length)) break;
    start = end + 2;
  }
  return parts.length > 0 ? toFields(parts, charsetOf(contentType)) : undefined;
}

/** A part as it was sent. */
interface FormPart {
  name: string;
  filename?: string;
  /** What its own header says of it. */
  type?: string;
  content: Uint8Array;
}

function partOf(head: string, content: Uint8Array): FormPart | undefined {
  const disposition = /^content-disposition:\s*form-data\s*(;.*)$/im.exec(head)?.[1];
  const name = disposition && parameter(disposition, "name");
  if (name === undefined) return undefined;
  const filename = parameter(disposition!, "filename");
  const type = /^content-type:\s*(\S[^\r\n]*)/im.exec(head)?.[1].trim();
  return { name, filename, type, content };
}

function toFields(
  parts: readonly FormPart[],
  charset: string | undefined,
): Map<string, (string | FormFile)[]> {
  const named = namedCharsets(parts);
  const usual = charset ?? textOf(parts, "_charset_");
  const fields = new Map<string, (string | FormFile)[]>();
  for (const { name, filename, type, content } of parts) {
    const value = filename === undefined
      ? decodeText(content, charsetOf(type) ?? named.get(name) ?? usual)
      : { filename, type: type ?? "application/octet-stream", size: content.length };
    const values = fields.get(name);
    if (values) values.push(value);
    else fields.set(name, [value]);
  }
  return fields;
}

/** SendGrid's field `charsets` names the charset of each other one: `{"text":"iso-8859-1"}`. */
function namedCharsets(parts: readonly FormPart[]): Map<string, string> {
  try {
    const named: unknown = JSON.parse(textOf(parts, "charsets") ?? "");
    return new Map(
      Object.entries(named ?? {}).filter(([, charset]) => typeof charset === "string"),
    );
  } catch {
    return new Map();
  }
}

function textOf(parts: readonly FormPart[], name: string): string | undefined {
  const part = parts.find((each) => each.name === name && each.filename === undefined);
  return part && new TextDecoder().decode(part.content as Uint8Array<ArrayBuffer>);
}

/** A quoted or bare parameter; browsers write a quotation mark in it as `%22`. */
function parameter(disposition: string, name: string): string | undefined {
  const found = new RegExp(`;\\s*${name}=(?:"([^"]*)"|([^\\s;"]+))`, "i").exec(
    disposition,
  );
  return (found?.[1] ?? found?.[2])?.replaceAll("%22", '"');
}
