import { bytesOf, decodeBase64, equalBytes } from "./bytes.ts";
import { sha256 } from "./hmac.ts";

/** Whether a token is one of the secrets, in a time that tells neither how much of it was right nor how long they are. */
export async function isSecret(
  token: string | null | undefined,
  secrets: readonly string[],
): Promise<boolean> {
  if (!token) return false;
  const found = await sha256(token);
  let matches = false;
  for (const secret of secrets) {
    if (secret !== "" && equalBytes(found, await sha256(secret))) matches = true;
  }
  return matches;
}

/**
 * The texts an `Authorization` header may prove: the whole of it, what stands
 * after `Bearer` or another scheme of the sender's choice, and of `Basic` both
 * `user:password` and the password alone.
 */
export function credentials(authorization: string | null): string[] {
  if (!authorization) return [];
  const [, scheme, value] = /^([\w-]+) +(\S+)$/.exec(authorization) ?? [];
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
