import {
  bytesOf,
  decodeBase64Url,
  decodeHex,
  encodeBase64Url,
  encodeHex,
  equalBytes,
} from "./bytes.ts";
import { hmac, sha256, verifyHmac } from "./hmac.ts";
import type { Finding } from "./scheme.ts";
import { FIVE_MINUTES, isWithin } from "./time.ts";

const TOKEN = "{a JSON Web Token, HS256, with exp}";

/**
 * Checks a JSON Web Token (RFC 7519) out of a header: that one of the secrets
 * signed it by HMAC-SHA-256, and that at `now`, in milliseconds, it is neither
 * expired nor issued in the future, by more than five minutes each. A token with
 * another algorithm than `HS256` (RFC 8725, 3.1) or without an end is malformed.
 * A token proves nothing of the request's body and URL. `scheme` is what its sender writes before it;
 * `isForUs` says of the claims of a signed token whether it was made for requests like this.
 */
export async function checkJwt(
  { header, scheme = "Bearer ", token, isForUs = () => true }: {
    header: string;
    scheme?: string;
    token: string;
    isForUs?: (claims: Record<string, unknown>) => boolean;
  },
  secrets: readonly string[],
  now: number,
): Promise<Finding> {
  const [head, claims, signature, ...rest] = token.split(".", 4);
  const { alg, crit } = parse(head) ?? {};
  const said = parse(claims) ?? {};
  const { exp, iat, nbf, qsh } = said;
  const bytes = decodePart(signature);
  const isOurs = alg === "HS256" && crit === undefined && bytes?.length === 32 &&
    rest.length === 0 && isTime(exp) && [iat, nbf].every((at) => at === undefined || isTime(at));
  // Connect gives such tokens to every browser that shows an app (developer.atlassian.com, "Context JWT").
  if (!isOurs || qsh === "context-qsh") {
    return { kind: "malformed", header, wanted: scheme + TOKEN };
  }
  if (!await verifyHmac("SHA-256", secrets, `${head}.${claims}`, [bytes])) {
    return { kind: "mismatch", header };
  }
  if (!isForUs(said)) return { kind: "mismatch", header };
  const starts = [iat, nbf].filter(isTime);
  const early = starts.find((at) => !isWithin({ ...FIVE_MINUTES, past: Infinity }, at, now));
  if (early !== undefined) return { kind: "late", seconds: early, allowed: FIVE_MINUTES.future };
  return isWithin({ ...FIVE_MINUTES, future: Infinity }, exp, now)
    ? { kind: "match" }
    : { kind: "late", seconds: exp, allowed: FIVE_MINUTES.past };
}

/** A JSON Web Token of these claims, signed by HMAC-SHA-256. */
export async function signJwt(claims: Record<string, unknown>, secret: string): Promise<string> {
  const parts = [{ alg: "HS256", typ: "JWT" }, claims]
    .map((part) => encodeBase64Url(bytesOf(JSON.stringify(part)))).join(".");
  return `${parts}.${encodeBase64Url(await hmac("SHA-256", secret, parts))}`;
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

/** The object that a part of a token is. */
function parse(part: string): Record<string, unknown> | undefined {
  const bytes = decodePart(part);
  if (!bytes) return undefined;
  try {
    const value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Tokens are written without padding (RFC 7515, 2). */
function decodePart(text: string | undefined): Uint8Array | undefined {
  return text && !text.includes("=") ? decodeBase64Url(text) : undefined;
}

/** A token that vouches for a body: who issued it, and the body's SHA-256 among its claims. */
interface BodyToken {
  header: string;
  token: string;
  issuer: string;
  body: Uint8Array;
}

const BODY_TOKEN = "{a JSON Web Token, HS256, with iss and the body's sha256}";

/**
 * Checks a JSON Web Token that one of the secrets signed by HMAC-SHA-256 and whose claims
 * are the issuer and, as `sha256` in hexadecimal digits, the digest of this body.
 */
export async function checkBodyToken(
  { header, token, issuer, body }: BodyToken,
  secrets: readonly string[],
): Promise<Finding> {
  const [head, claims, signature, ...rest] = token.split(".", 4);
  const { alg, crit } = parse(head) ?? {};
  const { iss, sha256: claimed } = parse(claims) ?? {};
  const bytes = decodePart(signature);
  const isOne = alg === "HS256" && crit === undefined && bytes?.length === 32 &&
    rest.length === 0 && iss === issuer && typeof claimed === "string";
  if (!isOne) return { kind: "malformed", header, wanted: BODY_TOKEN };
  const isSigned = await verifyHmac("SHA-256", secrets, `${head}.${claims}`, [bytes]);
  const found = decodeHex(claimed);
  return isSigned && found && equalBytes(found, await sha256(body))
    ? { kind: "match" }
    : { kind: "mismatch", header };
}

/** Such a token, as its vendor writes it. */
export async function signBodyToken(
  { issuer, body }: Pick<BodyToken, "issuer" | "body">,
  secret: string,
): Promise<string> {
  const claims = { iss: issuer, sha256: encodeHex(await sha256(body)) };
  const [head, payload] = [{ alg: "HS256" }, claims]
    .map((part) => encodeBase64Url(bytesOf(JSON.stringify(part))));
  const signature = await hmac("SHA-256", secret, `${head}.${payload}`);
  return `${head}.${payload}.${encodeBase64Url(signature)}`;
}
