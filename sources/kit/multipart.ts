import { requireFewFields } from "./payload_error.ts";

/** A file in a form: what it was, without its content. */
interface FormFile {
  filename: string;
  type: string;
  size: number;
}

/**
 * The fields of a `multipart/form-data` body (RFC 7578), each name with all
 * its values; `undefined` when the body is not what its content type says.
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

  const fields = new Map<string, (string | FormFile)[]>();
  for (let parts = 1;; parts++) {
    requireFewFields(parts);
    start = text.indexOf(
      "\r\n",
      text.indexOf(delimiter, start) + delimiter.length,
    );
    const content = start < 0 ? -1 : text.indexOf("\r\n\r\n", start);
    const end = content < 0 ? -1 : text.indexOf(`\r\n${delimiter}`, content + 2);
    if (end < 0) break;
    const head = new TextDecoder().decode(body.subarray(start, content));
    addPart(fields, head, body.subarray(Math.min(content + 4, end), end));
    if (text.startsWith("--", end + 2 + delimiter.length)) break;
    start = end + 2;
  }
  return fields.size > 0 ? fields : undefined;
}

function addPart(
  fields: Map<string, (string | FormFile)[]>,
  head: string,
  content: Uint8Array,
) {
  const disposition = /^content-disposition:\s*form-data\s*(;.*)$/im.exec(head)
    ?.[1];
  const name = disposition && parameter(disposition, "name");
  if (name === undefined) return;
  const filename = parameter(disposition!, "filename");
  const value = filename === undefined ? new TextDecoder().decode(content) : {
    filename,
    type: /^content-type:\s*(\S[^\r\n]*)/im.exec(head)?.[1].trim() ??
      "application/octet-stream",
    size: content.length,
  };
  const values = fields.get(name);
  if (values) values.push(value);
  else fields.set(name, [value]);
}

/** A quoted or bare parameter; browsers write a quotation mark in it as `%22`. */
function parameter(disposition: string, name: string): string | undefined {
  const found = new RegExp(`;\\s*${name}=(?:"([^"]*)"|([^\\s;"]+))`, "i").exec(
    disposition,
  );
  return (found?.[1] ?? found?.[2])?.replaceAll("%22", '"');
}
