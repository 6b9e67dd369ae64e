import { createHash } from "node:crypto";
import { bytesOf, encodeHex, equalBytes } from "./bytes.ts";

/** The hash functions that vendors sign with. */
export type Hash = "SHA-1" | "SHA-256" | "SHA-512";

/** The most imported keys that are kept: more than an installation has secrets, so that none is imported twice. */
const MAX_CACHED_KEYS = 64;

const keys = new Map<string, Promise<CryptoKey>>();

/** The HMAC of `message`. The key must not be empty; text counts as its UTF-8 bytes. */
export async function hmac(
  hash: Hash,
  key: Uint8Array | string,
  message: Uint8Array | string,
): Promise<Uint8Array> {
  if (key.length === 0) {
    throw new TypeError(
      "Signing with HMAC failed: the key is empty, a secret of at least one character is needed",
    );
  }
  return new Uint8Array(
    await crypto.subtle.sign("HMAC", await importKey(hash, key), bytesOf(message)),
  );
}

/**
 * Whether any of the signatures was made over `message` with any of the keys,
 * in constant time. Empty keys and whatever is not a signature never match.
 */
export async function verifyHmac(
  hash: Hash,
  secrets: readonly (Uint8Array | string)[],
  message: Uint8Array | string,
  signatures: readonly (Uint8Array | undefined)[],
): Promise<boolean> {
  const data = bytesOf(message);
  let matches = false;
  for (const secret of secrets) {
    if (secret.length === 0) continue;
    const key = await importKey(hash, secret);
    // Once for each key, however many signatures a header holds.
    const made = new Uint8Array(await crypto.subtle.sign("HMAC", key, data));
    for (const signature of signatures) {
      // No early end: how long this takes must not tell which secret matched.
      if (signature !== undefined && equalBytes(signature, made)) matches = true;
    }
  }
  return matches;
}

/** The SHA-256 digest of `message`. */
export async function sha256(message: Uint8Array | string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytesOf(message)));
}

/** The SHA-256 of a text in hexadecimal digits: 64 characters that stand for a text of any length. */
export function digest(text: Uint8Array | string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Imports each key once; the oldest of too many is forgotten. */
function importKey(hash: Hash, secret: Uint8Array | string): Promise<CryptoKey> {
  const name = typeof secret === "string"
    ? `${hash} text ${secret}`
    : `${hash} bytes ${encodeHex(secret)}`;
  let key = keys.get(name);
  if (!key) {
    key = crypto.subtle.importKey("raw", bytesOf(secret), { name: "HMAC", hash }, false, [
      "sign",
      "verify",
    ]);
    keys.set(name, key);
    if (keys.size > MAX_CACHED_KEYS) keys.delete(keys.keys().next().value!);
  }
  return key;
}
