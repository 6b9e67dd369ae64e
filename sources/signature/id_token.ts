import { bytesOf, decodeBase64Url } from "./bytes.ts";
import type { Finding } from "./scheme.ts";
import { FIVE_MINUTES, isWithin } from "./time.ts";

/** What a token of OpenID Connect must claim, each text as it is. */
export interface WantedClaims {
  issuers: readonly string[];
  audience: string;
  email: string;
}

const WANTED = "Bearer {an OpenID Connect token, RS256}";

/**
 * Checks a token of OpenID Connect (Core 1.0, 3.1.3.7): that one of the issuer's published keys
 * (RFC 7517, as JSON) signed it by RSA-SHA-256, that it claims all of what one of `wanted` says,
 * with a verified mail address, and that at `now`, in milliseconds, it is neither expired nor of
 * the future, by more than five minutes each. It proves nothing of the request's body.
 */
export async function checkIdToken(
  { header, token, keys }: { header: string; token: string; keys: string | undefined },
  wanted: readonly WantedClaims[],
  now: number,
): Promise<Finding> {
  const [head, claims, signature, ...rest] = token.split(".", 4);
  const { alg, kid, crit } = parse(head) ?? {};
  const { iss, aud, email, email_verified, exp, iat } = parse(claims) ?? {};
  const bytes = decode(signature);
  const isOne = alg === "RS256" && crit === undefined && typeof kid === "string" &&
    bytes !== undefined && rest.length === 0 && typeof exp === "number" && typeof iat === "number";
  if (!isOne) return { kind: "malformed", header, wanted: WANTED };
  const key = await keyOf(keys, kid);
  const isSigned = key !== undefined &&
    await crypto.subtle.verify(RSA, key, bytesOf(bytes), bytesOf(`${head}.${claims}`));
  const isMeant = email_verified === true &&
    wanted.some((each) =>
      each.issuers.some((issuer) => issuer === iss) && each.audience === aud && each.email === email
    );
  if (!isSigned || !isMeant) return { kind: "mismatch", header };
  if (!isWithin({ ...FIVE_MINUTES, past: Infinity }, iat, now)) {
    return { kind: "late", seconds: iat, allowed: FIVE_MINUTES.future };
  }
  return isWithin({ ...FIVE_MINUTES, future: Infinity }, exp, now)
    ? { kind: "match" }
    : { kind: "late", seconds: exp, allowed: FIVE_MINUTES.past };
}

const RSA = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };

/** The public key of that id among those published. */
async function keyOf(keys: string | undefined, kid: string): Promise<CryptoKey | undefined> {
  try {
    const published: (JsonWebKey & { kid?: string })[] = JSON.parse(keys ?? "").keys;
    const key = published.find((each) => each.kid === kid);
    return key && await crypto.subtle.importKey("jwk", key, RSA, false, ["verify"]);
  } catch {
    return undefined;
  }
}

function parse(part: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(decode(part)));
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function decode(part: string | undefined): Uint8Array | undefined {
  return part && !part.includes("=") ? decodeBase64Url(part) : undefined;
}
