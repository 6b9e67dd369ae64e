import { timingSafeEqual } from "node:crypto";

const encoder = new TextEncoder();

/** Whether two byte strings are equal, taking as long wherever they differ. */
export function equalBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

/** Bytes as lower-case hexadecimal digits. */
export function encodeHex(data: Uint8Array): string {
  let text = "";
  for (const byte of data) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** The bytes of hexadecimal digits, in either case; `undefined` for anything else. */
export function decodeHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]+$/.test(text)) return undefined;
  const data = new Uint8Array(text.length / 2);
  for (let i = 0; i < data.length; i++) {
    data[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  }
  return data;
}

/** Bytes as base64 with padding. */
export function encodeBase64(data: Uint8Array): string {
  return btoa(Array.from(data, (byte) => String.fromCharCode(byte)).join(""));
}

/** The bytes of canonical, padded base64; `undefined` for anything else, such as the URL-safe alphabet. */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) {
    return undefined;
  }
  const binary = atob(text);
  // `atob` forgives stray bits before the padding, so that two texts would mean the same bytes.
  if (btoa(binary) !== text) return undefined;
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/** Bytes as base64url without padding. */
export function encodeBase64Url(data: Uint8Array): string {
  return encodeBase64(data).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The bytes of base64url (RFC 4648, 5), with its padding or without; `undefined` for anything else. */
export function decodeBase64Url(text: string): Uint8Array | undefined {
  if (!/^[\w=-]+$/.test(text)) return undefined;
  const base64 = text.replaceAll("-", "+").replaceAll("_", "/");
  return decodeBase64(
    base64.endsWith("=") ? base64 : base64.padEnd(Math.ceil(base64.length / 4) * 4, "="),
  );
}

/** A body behind a prefix, as the schemes want it that sign a time with the body: `{t}.{body}`. */
export function prefixed(prefix: string, body: Uint8Array): Uint8Array {
  const start = encoder.encode(prefix);
  const message = new Uint8Array(start.length + body.length);
  message.set(start);
  message.set(body, start.length);
  return message;
}

/** Bytes, or the UTF-8 of a text, with the type that Web Crypto asks for: ours are never in shared memory. */
export function bytesOf(data: Uint8Array | string): Uint8Array<ArrayBuffer> {
  return (typeof data === "string" ? encoder.encode(data) : data) as Uint8Array<ArrayBuffer>;
}
