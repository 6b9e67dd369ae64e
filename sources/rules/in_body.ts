import { z } from "zod";
import { payloadOf } from "../kit/incoming.ts";
import { type SecretSetting, toVerdict } from "../kit/signed.ts";
import {
  secretUnusable,
  signatureMalformed,
  signatureMismatch,
  signatureMissing,
  verified,
} from "../kit/verdict.ts";
import { checkJwt, signJwt } from "../signature/jwt.ts";
import {
  decodeBase64,
  decodeHex,
  digest,
  encodeBase64,
  encodeHex,
  hmac,
  verifyHmac,
} from "../signature/signature.ts";
import { pathExpression } from "./filter_settings.ts";
import { putAt, textAt, valuesAt } from "./path_expression.ts";
import { PART, pathExpressionsIn, templateFault } from "./template.ts";
import type { Incoming, Source, Verdict } from "../source.ts";

const HASHES = { sha256: "SHA-256", sha1: "SHA-1", sha512: "SHA-512" } as const;
/** A batch of more cannot have been signed one by one. */
const MOST_ITEMS = 100;
/** Longer parts are none that anybody signs so. */
const MOST_PART = 10_000;

/** An HMAC that stands in the body, over other fields of it (Adyen's notifications). */
export const hmacInBody = z.strictObject({
  type: z.literal("hmac_in_body"),
  algorithm: z.enum(["sha256", "sha1", "sha512"], {
    error: 'must be "sha256", "sha1" or "sha512"',
  }).default("sha256"),
  key: z.enum(["text", "base64", "hex"], { error: 'must be "text", "base64" or "hex"' })
    .default("text"),
  encoding: z.enum(["hex", "base64"], { error: 'must be "hex" or "base64"' }).default("hex"),
  /** The things that are signed one by one; without it the payload is the one. */
  items: pathExpression.optional(),
  /** Where in each of them the signature stands. */
  field: pathExpression,
  /** What is signed of it: fields in braces, empty where they are not there. */
  signed: z.string().min(1).max(2_000).superRefine((text, context) => {
    const fault = templateFault(text) ??
      (pathExpressionsIn(text).length === 0
        ? 'has no field in braces, such as "{id}": the signature would fit every request'
        : undefined);
    if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
  }),
});

/** A JSON Web Token that the sender signs with the secret (HS256), alone in its header or after `Bearer`. */
export const jwt = z.strictObject({
  type: z.literal("jwt"),
  header: z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/, {
    error: "must be the name of a header, without a colon",
  }).default("Authorization"),
});

type HmacInBody = z.output<typeof hmacInBody>;

/** `verify`, `prove`, `proof` and `signedContentKeys` of a source that signs fields of its body. */
export function signedInBody(scheme: HmacInBody, setting: SecretSetting): Partial<Source> {
  const { algorithm, key, encoding, field } = scheme;
  const decode = encoding === "hex" ? decodeHex : decodeBase64;
  return {
    async verify(request: Incoming, secrets: readonly string[]): Promise<Verdict> {
      const items = itemsOf(scheme, request);
      if (items.length === 0) {
        return signatureMissing(field, `Set ${setting.variable} to ${setting.is}.`);
      }
      const keys = secrets.map((secret) => keyOf(key, secret)).filter((each) => each !== undefined);
      if (keys.length === 0) return secretUnusable(setting.variable, KEYS[key]);
      let matches = true;
      for (const item of items) {
        const written = textAt(field, { payload: item });
        if (written === undefined) return signatureMissing(field, "Sign each of them.");
        const signature = decode(written);
        if (!signature) return signatureMalformed(field, `{an HMAC in ${encoding}}`);
        const message = signedText(scheme, item);
        if (message === undefined) {
          return signatureMalformed(field, `{of fields of at most ${MOST_PART} characters each}`);
        }
        if (!await verifyHmac(HASHES[algorithm], keys, message, [signature])) matches = false;
      }
      return matches
        ? verified
        : signatureMismatch(field, `Set ${setting.variable} to ${setting.is}.`);
    },
    async prove(request: Incoming, secret: string): Promise<Incoming> {
      const payload = structuredClone(payloadOf(request));
      const signing = keyOf(key, secret);
      if (signing === undefined) throw new Error(`the secret must be ${KEYS[key]}`);
      for (const item of itemsIn(scheme, payload)) {
        const message = signedText(scheme, item);
        if (message === undefined || typeof item !== "object" || item === null) continue;
        const signature = await hmac(HASHES[algorithm], signing, message);
        putAt(
          item as Record<string, unknown>,
          field,
          encoding === "hex" ? encodeHex(signature) : encodeBase64(signature),
        );
      }
      return { ...request, body: new TextEncoder().encode(JSON.stringify(payload)) };
    },
    proof: `HMAC-${HASHES[algorithm]} of \`${scheme.signed}\` in \`${field}\` of the body; ` +
      "nothing else is signed",
    // One of all: a batch with something old in it may have something new.
    signedContentKeys: (request) => {
      const texts = itemsOf(scheme, request).map((item) => signedText(scheme, item) ?? "");
      return texts.length > 0 ? [digest(JSON.stringify([...new Set(texts)].sort()))] : [];
    },
  };
}

/** How long a token of a sample's is good. */
const TOKEN_SECONDS = 300;

/** `verify`, `sign` and `proof` of a source that shows a JSON Web Token. */
export function provenByJwt(
  { header }: z.output<typeof jwt>,
  setting: SecretSetting,
): Partial<Source> {
  return {
    async verify(request: Incoming, secrets: readonly string[]): Promise<Verdict> {
      const token = request.headers.get(header)?.replace(/^bearer /i, "").trim();
      if (!token) {
        return signatureMissing(header, `Set ${setting.variable} to ${setting.is}.`);
      }
      const finding = await checkJwt({ header, token }, secrets, request.receivedAt);
      return toVerdict(finding, request, setting);
    },
    async sign({ receivedAt }: Incoming, secret: string): Promise<Record<string, string>> {
      const now = Math.floor(receivedAt / 1_000);
      const token = await signJwt({ iat: now, exp: now + TOKEN_SECONDS }, secret);
      return { [header]: `Bearer ${token}` };
    },
    proof: `a JSON Web Token (HS256) in \`${header}\`; the body is not signed`,
    secretNames: [header.toLowerCase()],
  };
}

const KEYS = { text: "any text", base64: "base64", hex: "hexadecimal digits" };

function keyOf(form: HmacInBody["key"], secret: string): Uint8Array | string | undefined {
  if (form === "text") return secret;
  return form === "hex" ? decodeHex(secret) : decodeBase64(secret);
}

function itemsOf(scheme: HmacInBody, request: Incoming): unknown[] {
  return itemsIn(scheme, payloadOf(request));
}

function itemsIn({ items }: HmacInBody, payload: unknown): unknown[] {
  if (items === undefined) return payload === undefined ? [] : [payload];
  const found = valuesAt(items, { payload }) ?? [];
  return found.length > MOST_ITEMS ? [] : found;
}

/** What is signed of one; undefined where a part is longer than any that somebody signs so. */
function signedText({ signed }: HmacInBody, item: unknown): string | undefined {
  let isTooLong = false;
  const text = signed.replace(PART, (_, path: string) => {
    const part = textAt(path, { payload: item }) ?? "";
    if (part.length > MOST_PART) isTooLong = true;
    return part;
  });
  return isTooLong ? undefined : text;
}
