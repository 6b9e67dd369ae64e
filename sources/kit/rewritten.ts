import { layOutJson } from "./json_layout.ts";

/** Longer bodies are not tried: some twenty writings each cost a signature over the whole body. */
const MOST_BYTES = 64 * 1024;

/** Another writing of a body, and what it would mean if the signature fits it. */
interface RewrittenBody {
  body: Uint8Array;
  /** As in "the signature fits …". */
  is: string;
}

/**
 * What a sender may have signed when something on the way has parsed its JSON
 * and written it anew, or has touched its line breaks: the commonest writings.
 */
export function rewrittenBodies(body: Uint8Array): RewrittenBody[] {
  if (body.length > MOST_BYTES) return [];
  const seen = new Set<string>();
  const writings: RewrittenBody[] = [];
  const add = (text: string, is: string) => {
    if (seen.has(text)) return;
    seen.add(text);
    writings.push({ body: new TextEncoder().encode(text), is });
  };
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
    seen.add(text);
    add(withoutLineEnd(text), "the body without its last line break");
    add(`${text}\n`, "the body with a line break at its end");
    add(text.replaceAll("\r\n", "\n"), "the body with other line breaks");
    add(text.replace(/\r?\n/g, "\r\n"), "the body with other line breaks");
    add(text.replace(/^\ufeff/, ""), "the body without a byte order mark");
    const value: unknown = JSON.parse(text.replace(/^\ufeff/, ""));
    const compact = JSON.stringify(value);
    const spaced = spread(compact);
    const json: [text: string, is: string][] = [
      [compact, "its JSON written without spaces"],
      [ascii(compact), "its JSON written without spaces, in ASCII"],
      [ascii(compact).replaceAll("/", "\\/"), "its JSON as PHP writes it"],
      [spaced, "its JSON with a space after each comma and colon"],
      [ascii(spaced), "its JSON as Python writes it"],
      ...([2, 4, "\t"] as const).map((indent): [string, string] => [
        layOutJson(value, indent),
        "its JSON written over several lines",
      ]),
    ];
    for (const [written, is] of json) {
      add(written, is);
      add(`${written}\n`, `${is}, with a line break at its end`);
    }
  } catch {
    // It is no text or no JSON: the writings found so far are all there are.
  }
  return writings;
}

/** By hand: an expression would look at each line break of the body, and from there at all that follow. */
function withoutLineEnd(text: string): string {
  let end = text.length;
  while (text[end - 1] === "\n" || text[end - 1] === "\r") end--;
  return text.slice(0, end);
}

/** Compact JSON with a space after each comma and colon that stands outside of a string. */
function spread(json: string): string {
  return json.replace(
    /"(?:[^"\\]|\\.)*"?|[,:]/gs,
    (part) => part === "," || part === ":" ? `${part} ` : part,
  );
}

function ascii(json: string): string {
  return json.replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
