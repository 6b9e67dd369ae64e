import { at } from "../kit/json_path.ts";
import { MAX_TEXT, readJson, readText } from "./raw.ts";

/** How deep keys such as `data[merges][NAME]` go. */
const MAX_STEPS = 8;

/** A payload as it would be read if its sender had not wrapped it: raw text read, keys with brackets made objects. A text that is only words is given back. */
export function opened(payload: unknown): unknown {
  const raw = typeof payload === "string" ? payload : rawBody(payload);
  if (raw !== undefined) return readText(raw) ?? raw;
  return withoutBrackets(payload);
}

function rawBody(payload: unknown): string | undefined {
  const raw = at(payload, "raw_body");
  return typeof raw === "string" && Object.keys(payload as object).length === 1 ? raw : undefined;
}

/** The fields of a form whose names are paths, as PHP and Rails write them, as the objects they mean. */
function withoutBrackets(payload: unknown): unknown {
  if (typeof payload !== "object" || payload === null || Array.isArray(payload)) return payload;
  const entries = Object.entries(payload);
  if (!entries.some(([key]) => key.endsWith("]") && key.indexOf("[") > 0)) return payload;
  const root = emptyObject();
  for (const [key, value] of entries) {
    const steps = stepsOf(key);
    let within = root;
    for (const step of steps.slice(0, -1)) {
      const next = within[step];
      if (typeof next === "object" && next !== null) within = next as Record<string, unknown>;
      else within = within[step] = emptyObject();
    }
    within[steps.at(-1)!] ??= value;
  }
  return root;
}

/** Without a prototype, so that no key of a sender's is an inherited one. */
function emptyObject(): Record<string, unknown> {
  return Object.create(null);
}

function stepsOf(key: string): string[] {
  const start = key.indexOf("[");
  if (start <= 0 || !key.endsWith("]")) return [key];
  return [key.slice(0, start), ...key.slice(start + 1, -1).split("][", MAX_STEPS)];
}

/** Of what a base64 text is worth reading, in characters. */
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

/**
 * What a text within a payload holds: an object or array as JSON, or as base64 of JSON; the words
 * that Pub/Sub's `message.data` is the base64 of; else `undefined`.
 *
 * @param beside the names beside the text's own: those of a queue's message tell its `data`.
 */
export function openedText(key: string, text: string, beside: object): unknown {
  if (text.length > MAX_TEXT) return undefined;
  const json = readJson(text.trim());
  if (json) return json;
  if (key !== "data" || text.length < 8 || !BASE64.test(text)) return undefined;
  const plain = decodeBase64(text);
  if (plain === undefined) return undefined;
  const isMessage = ["messageId", "message_id", "publishTime", "sequenceNumber", "recordId"]
    .some((name) => Object.hasOwn(beside, name));
  return readText(plain) ?? (isMessage ? plain : undefined);
}

function decodeBase64(text: string): string | undefined {
  try {
    const bytes = Uint8Array.from(
      atob(text.replaceAll("-", "+").replaceAll("_", "/")),
      (letter) => letter.charCodeAt(0),
    );
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
