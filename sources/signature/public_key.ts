import { bytesOf } from "./bytes.ts";

/** What vendors sign with who give us only a public key. */
export type PublicKeyAlgorithm = "Ed25519" | "ECDSA-P256" | "RSA-SHA256" | "RSA-SHA1";

const IMPORT = {
  "Ed25519": { name: "Ed25519" },
  "ECDSA-P256": { name: "ECDSA", namedCurve: "P-256" },
  "RSA-SHA256": { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  "RSA-SHA1": { name: "RSASSA-PKCS1-v1_5", hash: "SHA-1" },
};
const VERIFY = {
  "Ed25519": { name: "Ed25519" },
  "ECDSA-P256": { name: "ECDSA", hash: "SHA-256" },
  "RSA-SHA256": { name: "RSASSA-PKCS1-v1_5" },
  "RSA-SHA1": { name: "RSASSA-PKCS1-v1_5" },
};
/** The bytes of an Ed25519 key, and of each of the two numbers of a P-256 signature. */
const HALF = 32;

/**
 * Whether any of the keys signed `message`. A key is the 32 raw bytes of an
 * Ed25519 key, or an SPKI structure; an ECDSA signature is DER, as OpenSSL
 * writes it. A key or signature that is none never matches.
 */
export async function verifyPublicKey(
  algorithm: PublicKeyAlgorithm,
  keys: readonly Uint8Array[],
  message: Uint8Array | string,
  signatures: readonly (Uint8Array | undefined)[],
): Promise<boolean> {
  let matches = false;
  for (const bytes of keys) {
    try {
      const key = await importKey(algorithm, bytes);
      for (const signature of signatures) {
        const plain = algorithm === "ECDSA-P256" ? derToPlain(signature) : signature;
        if (!plain) continue;
        if (
          await crypto.subtle.verify(VERIFY[algorithm], key, bytesOf(plain), bytesOf(message))
        ) matches = true;
      }
    } catch {
      // It is no key of this algorithm, so it has signed nothing.
    }
  }
  return matches;
}

/** Whether these bytes are a public key of the algorithm. */
export async function isPublicKey(
  algorithm: PublicKeyAlgorithm,
  bytes: Uint8Array,
): Promise<boolean> {
  return await importKey(algorithm, bytes).then(() => true, () => false);
}

async function importKey(algorithm: PublicKeyAlgorithm, bytes: Uint8Array): Promise<CryptoKey> {
  const format = algorithm === "Ed25519" && bytes.length === HALF ? "raw" : "spki";
  return await crypto.subtle.importKey(format, bytesOf(bytes), IMPORT[algorithm], false, [
    "verify",
  ]);
}

/** The 64 bytes that Web Crypto wants (r and s) of an ECDSA signature in DER; `undefined` when it is none. */
export function derToPlain(der: Uint8Array | undefined): Uint8Array | undefined {
  if (!der || der[0] !== 0x30 || der[1] !== der.length - 2 || der.length > 72) return undefined;
  const plain = new Uint8Array(2 * HALF);
  let at = 2;
  for (const end of [HALF, 2 * HALF]) {
    const length = der[at + 1];
    if (der[at] !== 0x02 || !length || at + 2 + length > der.length) return undefined;
    let number = der.subarray(at + 2, at + 2 + length);
    while (number.length > 1 && number[0] === 0) number = number.subarray(1);
    if (number.length > HALF) return undefined;
    plain.set(number, end - number.length);
    at += 2 + length;
  }
  return at === der.length ? plain : undefined;
}
