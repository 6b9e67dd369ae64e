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
  const data = structuredContent ?? undefined;
  if (data !== undefined && !isSaid(data, parts)) parts.push(JSON.stringify(data));
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

/**
 * Whether the same stands in the texts, as it should: as one, or an item in each. The SDKs for Python
 * put what is no object under "result", so that every text of theirs would come twice.
 */
function isSaid(data: unknown, texts: readonly string[]): boolean {
  const bare = isPart(data) && Object.keys(data).join() === "result" ? data.result : data;
  return [data, bare].some((value) => {
    const json = JSON.stringify(value);
    return texts.some((text) => says(text, value, json));
  }) || Array.isArray(bare) && bare.length === texts.length &&
      bare.every((item, at) => says(texts[at], item, JSON.stringify(item)));
}

/** Whether a text is this value, or its JSON, however that is spaced. */
function says(text: string, value: unknown, json: string): boolean {
  if (text === value) return true;
  try {
    return text.length >= json.length && JSON.stringify(JSON.parse(text)) === json;
  } catch {
    return false;
  }
}
