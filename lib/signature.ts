/** The hash functions that vendors sign with. */
export type Hash = "SHA-1" | "SHA-256";

/** How far a signed time may be from ours, in seconds. */
export interface TimeWindow {
  past: number;
  future: number;
}

/** Five minutes both ways: what Stripe's and Slack's pages ask for. */
export const FIVE_MINUTES: TimeWindow = { past: 300, future: 300 };

/** More signatures than this in one header are an attack on our time, not a key rotation. */
export const MAX_CANDIDATES = 5;

const MAX_CACHED_KEYS = 64;

const encoder = new TextEncoder();
const keys = new Map<string, Promise<CryptoKey>>();

/** The HMAC of `message`. The key must not be empty. */
export async function hmac(
  hash: Hash,
  key: string,
  message: Uint8Array | string,
): Promise<Uint8Array> {
  if (key === "") {
    throw new TypeError(
      "Signing with HMAC failed: the key is empty, a secret of at least one character is needed",
    );
  }
  return new Uint8Array(
    await crypto.subtle.sign(
      "HMAC",
      await importKey(hash, key),
      bytes(message),
    ),
  );
}

/**
 * Whether any of the signatures was made over `message` with any of the keys,
 * in constant time. Empty keys and whatever is not a signature never match.
 */
export async function verifyHmac(
  hash: Hash,
  secrets: readonly string[],
  message: Uint8Array | string,
  signatures: readonly (Uint8Array | undefined)[],
): Promise<boolean> {
  const data = bytes(message);
  let matches = false;
  for (const secret of secrets) {
    if (secret === "") continue;
    const key = await importKey(hash, secret);
    for (const signature of signatures.slice(0, MAX_CANDIDATES)) {
      if (signature === undefined) continue;
      // No early end: how long this takes must not tell which secret matched.
      if (await crypto.subtle.verify("HMAC", key, bytes(signature), data)) {
        matches = true;
      }
    }
  }
  return matches;
}

/** The SHA-256 digest of `message`. */
export async function sha256(
  message: Uint8Array | string,
): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes(message)));
}

/** Whether two byte strings are equal, taking as long wherever they differ. */
export function equalBytes(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (let i = 0; i < one.length; i++) difference |= one[i] ^ other[i];
  return difference === 0;
}

/** Bytes as lower-case hexadecimal digits. */
export function encodeHex(data: Uint8Array): string {
  let text = "";
  for (const byte of data) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** The bytes of lower-case hexadecimal digits, as every vendor writes them; `undefined` for anything else. */
export function decodeHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-f]+$/.test(text)) return undefined;
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

/** A body behind a prefix, as the schemes want it that sign a time with the body: `{t}.{body}`. */
export function prefixed(prefix: string, body: Uint8Array): Uint8Array {
  const start = encoder.encode(prefix);
  const message = new Uint8Array(start.length + body.length);
  message.set(start);
  message.set(body, start.length);
  return message;
}

/** Seconds since 1970 written as ten digits; `undefined` for `""`, `NaN`, `1e9`, milliseconds and the like. */
export function parseTimestamp(
  text: string | null | undefined,
): number | undefined {
  return text && /^\d{10}$/.test(text) ? Number(text) : undefined;
}

/** Whether a signed time in seconds lies within the window around `now`, in milliseconds. */
export function isWithin(
  window: TimeWindow,
  seconds: number,
  now: number,
): boolean {
  const age = now / 1000 - seconds;
  return age <= window.past && age >= -window.future;
}

/** Bytes as Web Crypto wants them typed. Ours never lie in shared memory. */
function bytes(data: Uint8Array | string): Uint8Array<ArrayBuffer> {
  return (typeof data === "string" ? encoder.encode(data) : data) as Uint8Array<
    ArrayBuffer
  >;
}

/** Imports each key once; the oldest of too many is forgotten. */
function importKey(hash: Hash, secret: string): Promise<CryptoKey> {
  const name = `${hash} ${secret}`;
  let key = keys.get(name);
  if (!key) {
    key = crypto.subtle.importKey(
      "raw",
      bytes(secret),
      { name: "HMAC", hash },
      false,
      [
        "sign",
        "verify",
      ],
    );
    keys.set(name, key);
    if (keys.size > MAX_CACHED_KEYS) keys.delete(keys.keys().next().value!);
  }
  return key;
}
