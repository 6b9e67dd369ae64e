import { decodeBase64 } from "./bytes.ts";

const MARK = "-----BEGIN ";

/** Whether a key is written in PEM, as SDKs and consoles show it. */
export function isPem(text: string): boolean {
  return text.includes(MARK);
}

/**
 * The SPKI structure of a public key in PEM, over several lines or on one: `PUBLIC KEY`, or RSA's
 * older `RSA PUBLIC KEY` (RFC 8017, A.1.1). Undefined for anything else, such as a certificate.
 */
export function decodePem(text: string): Uint8Array | undefined {
  const [, kind, body] = /-----BEGIN ((?:RSA )?PUBLIC KEY)-----([^-]*)-----END /.exec(text) ?? [];
  if (body === undefined) return undefined;
  // A variable on one line has its line breaks written out.
  const bytes = decodeBase64(body.replaceAll("\\n", "").replaceAll("\\r", "").replace(/\s/g, ""));
  return bytes && kind.startsWith("RSA") ? wrapRsaKey(bytes) : bytes;
}

/** The algorithm's name, rsaEncryption with no parameters, in DER. */
const RSA = [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 5, 0];

function wrapRsaKey(key: Uint8Array): Uint8Array {
  const bits = der(0x03, [0, ...key]);
  return Uint8Array.from(der(0x30, [...RSA, ...bits]));
}

function der(tag: number, content: readonly number[]): number[] {
  const { length } = content;
  const size = length < 0x80
    ? [length]
    : length < 0x100
    ? [0x81, length]
    : [0x82, length >> 8, length & 0xff];
  return [tag, ...size, ...content];
}
