import { Buffer } from "node:buffer";

import { isPart, type Part } from "../provider/answer/parts.ts";

/** Types whose bytes a model can read. */
const READABLE = /^(text\/|application\/([\w.+-]*\+)?(json|xml|yaml|javascript|toml)\b)/;

/** Kinds that are more than what is said of them. */
const NAMED = /^(image|audio|resource_link)$/;

/**
 * A result's texts, resources and data; what a model cannot read (images, sound, files) is named
 * with its type, its size and where it is.
 */
export function resultText(result: unknown): string {
  const { content, structuredContent, isError: _e, _meta, resultType: _t, ...rest } =
    (result ?? {}) as Part;
  // Some send the only part itself, or its text.
  const parts = [content ?? []].flat().map(textOfPart).filter((text) => text !== "");
  // Servers should, and often do, say the same in a text.
  const data = JSON.stringify(structuredContent ?? undefined);
  if (data !== undefined && !parts.some((text) => says(text, data))) parts.push(data);
  // What stands elsewhere: `toolResult` of the protocol's first version, an "error" of some.
  if (parts.length === 0 && Object.keys(rest).length > 0) parts.push(JSON.stringify(rest));
  return parts.join("\n");
}

function textOfPart(part: unknown): string {
  if (typeof part === "string") return part;
  if (typeof part !== "object" || part === null) return "";
  const { type, text, resource, data, blob } = part as Part;
  if (typeof text === "string") return text;
  if (type === "resource" && isPart(resource)) return textOfResource(resource);
  const bytes = data ?? blob;
  // Of a kind that nobody knows, as it is.
  if (typeof bytes !== "string" && !NAMED.test(String(type))) return JSON.stringify(part);
  return named(String(type).replace("resource_link", "link"), part as Part, bytes);
}

function textOfResource(resource: Part): string {
  const { text, blob, mimeType } = resource;
  const name = named("resource", resource);
  if (typeof text === "string") return `${name}\n${text}`;
  if (typeof blob === "string" && typeof mimeType === "string" && READABLE.test(mimeType)) {
    return `${name}\n${Buffer.from(blob, "base64").toString("utf8")}`;
  }
  return named("resource", resource, blob);
}

/** Such as `(image image/png, 12,345 bytes)` or `(link README.md file:///README.md)`. */
function named(kind: string, part: Part, base64?: unknown): string {
  const words = [part.name ?? part.title, part.uri ?? part.url, part.mimeType, part.description]
    .filter((word) => typeof word === "string" && word !== "");
  const bytes = typeof base64 === "string" ? Math.floor(base64.length * 3 / 4) : part.size;
  const size = typeof bytes === "number" ? [`${bytes.toLocaleString("en")} bytes`] : [];
  return `(${[[kind, ...words].join(" "), ...size].join(", ")})`;
}

/** Whether a text is this JSON, however it is spaced. */
function says(text: string, json: string): boolean {
  try {
    return text.length >= json.length && JSON.stringify(JSON.parse(text)) === json;
  } catch {
    return false;
  }
}
