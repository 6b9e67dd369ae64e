import { bytesOf, decodeBase64, decodeHex } from "./bytes.ts";
import type { Hash } from "./hmac.ts";
import { decodePem, isPem } from "./pem.ts";
import { isPublicKey, type PublicKeyAlgorithm } from "./public_key.ts";

/** What a scheme signs with. */
export interface SchemeKey {
  algorithm?: "HMAC-SHA-256" | "HMAC-SHA-1" | "HMAC-SHA-512" | PublicKeyAlgorithm;
  /** How the secret becomes a key: as its text, decoded, or as Standard Webhooks writes it. */
  key?: "text" | "base64" | "hex" | "whsec" | "whpk";
}

const KEYS = {
  text: "any text",
  base64: "base64",
  hex: "hexadecimal digits",
  whsec: "whsec_ and base64",
  whpk: "whpk_ and base64",
};

const HASHES: Record<string, Hash> = {
  "HMAC-SHA-256": "SHA-256",
  "HMAC-SHA-1": "SHA-1",
  "HMAC-SHA-512": "SHA-512",
};

/** The hash of an HMAC; undefined where a public key is needed. */
export function hashOf({ algorithm = "HMAC-SHA-256" }: SchemeKey): Hash | undefined {
  return HASHES[algorithm];
}

/** The keys that the secrets are; those that cannot be one are left out. */
export function keysOf({ key = "text" }: SchemeKey, secrets: readonly string[]): Uint8Array[] {
  return secrets.flatMap((secret) => {
    if (key === "text") return [bytesOf(secret)];
    if (isPem(secret)) return [decodePem(secret)];
    if (key === "hex") return [decodeHex(secret.toLowerCase())];
    if (key === "base64") return [decodeBase64(secret)];
    if (key === "whpk") return [decodeBase64(secret.replace(/^whpk_/, ""))];
    return standardKeys(secret);
  }).filter((bytes) => bytes !== undefined && bytes.length > 0) as Uint8Array[];
}

/** The keys that a secret of Standard Webhooks may mean. Supabase writes `v1,whsec_…`; without a prefix it is base64 or the key itself. */
function standardKeys(secret: string): (Uint8Array | undefined)[] {
  const text = secret.replace(/^v1,/, "");
  return text.startsWith("whsec_")
    ? [decodeBase64(text.slice(6))]
    : [decodeBase64(text), bytesOf(text)];
}

/** Whether a secret can be a key of this scheme. */
export async function isKeyOf(scheme: SchemeKey, secret: string): Promise<boolean> {
  const [key] = keysOf(scheme, [secret]);
  if (!key) return false;
  return hashOf(scheme) !== undefined ||
    await isPublicKey(scheme.algorithm as PublicKeyAlgorithm, key);
}

/** What a secret should be, in words. */
export function wantedKey({ key = "text", algorithm }: SchemeKey): string {
  return KEYS[key] + (algorithm?.startsWith("HMAC") ?? true ? "" : ", or a public key in PEM");
}
