import { bytesOf, decodeBase64, equalBytes } from "./bytes.ts";
import { sha256 } from "./hmac.ts";

/**
 * Whether a token is one of the secrets, in a time that tells neither how much
 * of it was right nor how long they are. One out of a header may also be the
 * secret's UTF-8 bytes, each read as a character.
 */
export async function isSecret(
  token: string | null | undefined,
  secrets: readonly string[],
): Promise<boolean> {
  if (!token) return false;
  const bytes = readHeader(token);
  const found = [await sha256(token), ...bytes ? [await sha256(bytes)] : []];
  let matches = false;
  for (const secret of secrets) {
    if (secret === "") continue;
    const wanted = await sha256(secret);
    for (const each of found) if (equalBytes(each, wanted)) matches = true;
  }
  return matches;
}

/**
 * A secret as it must be written into `Headers`, which know bytes only: its
 * UTF-8 bytes, each as one character.
 *
 * @throws {TypeError} when no header can hold it.
 */
export function writeHeader(secret: string): string {
  // Checked here, because the error of `Headers` would show the secret.
  if (/[\r\n]/.test(secret) || secret.includes("\0")) {
    throw new TypeError("Writing the secret into a header failed: it has a line break or a NUL");
  }
  return Array.from(bytesOf(secret), (byte) => String.fromCharCode(byte)).join("");
}

/** The bytes of a header that has others than ASCII's; `undefined` where its text is the same either way. */
function readHeader(text: string): Uint8Array | undefined {
  return /[\x80-\xff]/.test(text) && !/[\u0100-\uffff]/.test(text)
    ? Uint8Array.from(text, (character) => character.charCodeAt(0))
    : undefined;
}

/**
 * The texts an `Authorization` header may prove: the whole of it, what stands
 * after `Bearer` or another scheme of the sender's choice, and of `Basic` both
 * `user:password` and the password alone.
 */
export function credentials(authorization: string | null): string[] {
  if (!authorization) return [];
  const [, scheme, value] = /^([\w-]+) +(\S.*)$/.exec(authorization) ?? [];
  switch (scheme?.toLowerCase()) {
    case "basic": {
      const pair = decodeText(value);
      const [, password] = /^[^:]*:(.+)$/s.exec(pair ?? "") ?? [];
      return [authorization, pair, password].filter((each) => each !== undefined);
    }
    default:
      return [authorization, value].filter((each) => each !== undefined);
  }
}

function decodeText(base64: string): string | undefined {
  const bytes = decodeBase64(base64);
  return bytes && new TextDecoder().decode(bytesOf(bytes));
}
