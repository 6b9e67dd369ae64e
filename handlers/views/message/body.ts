import { html } from "hono/html";
import type { WholeMessage } from "../../../lib/message/message.ts";
import { charsetOf, decodeText } from "../../../sources/kit/body/charset.ts";
import { type Content, decodeContent } from "../../../sources/kit/body/content.ts";
import { parseBody, type Parsed, PayloadError } from "../../../sources/kit/payload.ts";
import { copyButton } from "../parts/copy.ts";
import { jsonTree } from "../parts/json_tree.ts";

/** A person reads the beginning; the rest is in the download. */
const MOST_RAW = 64 * 1024;
/** A larger body is not drawn as a tree: its parsing would hold everything else up. */
const MOST_TREE = 1024 * 1024;

/** What a message says: drawn as a tree where it has one, and as text. */
export function bodySection({ body, headers, size, edited }: WholeMessage) {
  const { bytes, encoding, undecoded } = decodedOf(body, headers);
  const parsed = undecoded === undefined ? parsedOf(bytes, headers.get("content-type")) : undefined;
  const raw = decodeText(bytes.subarray(0, MOST_RAW), charsetOf(headers.get("content-type")));
  return html`
    <section class="card" aria-labelledby="body">
      <header><h2 id="body">Body</h2>${bytes.length <= MOST_RAW && copyButton("raw")}</header>
      ${parsed && jsonTree(parsed.payload)}
      ${undecoded && html`<p class="hint">${undecoded}</p>`}
      ${!parsed && size > MOST_TREE && html`<p class="hint">Too large to draw as a tree.</p>`}
      <details class="raw"${parsed ? "" : html`
        open
      `}>
        <summary>${encoding
          ? `Raw, decoded from ${encoding}`
          : edited
          ? "Raw"
          : "Raw, as received"}</summary>
        <pre id="raw" tabindex="0" role="group" aria-label="Raw body" dir="auto">${raw ||
          "(empty)"}</pre>
        ${bytes.length > MOST_RAW &&
          html`
            <p
              class="hint">The first ${(MOST_RAW / 1024).toLocaleString("en")} KiB of ${bytes.length
                .toLocaleString("en")} bytes. All of it is in the download${encoding
                ? ", as it came"
                : ""}.</p>
          `}
      </details>
    </section>
  `;
}

/** What the body says, as far as a page has room for it. */
function decodedOf(body: Uint8Array, headers: Headers): Content {
  try {
    return decodeContent(body, headers.get("content-encoding"), MOST_TREE);
  } catch (error) {
    const says = error instanceof PayloadError ? error.message : String(error);
    return { bytes: body, undecoded: `${says} on a page` };
  }
}

/** The body's tree; undefined when it has none worth drawing. */
function parsedOf(body: Uint8Array, contentType: string | null): Parsed | undefined {
  if (body.length === 0 || body.length > MOST_TREE) return undefined;
  try {
    const parsed = parseBody(body, contentType ?? undefined);
    return parsed.kind === "raw" ? undefined : parsed;
  } catch {
    return undefined;
  }
}
