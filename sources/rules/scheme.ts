import { z } from "zod";
import type { Scheme } from "../signature/signature.ts";
import { hmacInBody, jwt } from "./in_body.ts";
import { modelOf } from "./known.ts";
import { sources } from "../mod.ts";
import type { Source } from "../source.ts";

/** The longest time in the file, a day: no rate limit, merging or clock needs more. */
export const MOST_SECONDS = 86_400;

const header = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/, {
  error: "must be the name of a header, without a colon",
});

const signed = {
  header,
  prefix: z.string().max(40).optional(),
  separator: z.enum([",", ";", " "], { error: 'must be ",", ";" or " "' }).optional(),
  encoding: z.enum(["hex", "base64", "base64url"], {
    error: 'must be "hex", "base64" or "base64url"',
  }).default("hex"),
  signed: z.string().max(200).default("{body}"),
  id_header: header.optional(),
  time: z.strictObject({
    header: header.optional(),
    prefix: z.string().min(1).max(40).optional(),
    unit: z.enum(["seconds", "milliseconds", "date"], {
      error: 'must be "seconds", "milliseconds" or "date"',
    }).default("seconds"),
    tolerance_seconds: z.number().int().min(1).max(MOST_SECONDS).default(300),
  }).optional(),
};

/** How a sender proves itself; see docs/sources-file.md. */
export const scheme = z.preprocess(
  // A type that needs nothing else may stand alone.
  (given) => typeof given === "string" ? { type: given } : given,
  z.discriminatedUnion("type", [
    z.strictObject({ type: z.literal("none") }),
    z.strictObject({ type: z.literal("bearer") }),
    z.strictObject({ type: z.literal("basic") }),
    z.strictObject({
      type: z.literal("token"),
      header: header.optional(),
      parameter: z.string().regex(/^[\w.-]{1,100}$/, {
        error: "must be the name of a parameter in the URL",
      }).optional(),
    }),
    z.strictObject({
      type: z.literal("hmac"),
      algorithm: z.enum(["sha256", "sha1", "sha512"], {
        error: 'must be "sha256", "sha1" or "sha512"',
      }).default("sha256"),
      key: z.enum(["text", "base64", "hex", "whsec"], {
        error: 'must be "text", "base64", "hex" or "whsec"',
      }).default("text"),
      ...signed,
    }),
    z.strictObject({ type: z.literal("ed25519"), key: z.enum(["hex", "base64"]), ...signed }),
    z.strictObject({ type: z.enum(["ecdsa", "rsa"]), key: z.literal("base64"), ...signed }),
    hmacInBody,
    jwt,
    z.strictObject({
      type: z.literal("like"),
      source: z.string().refine(
        (source) => modelOf({ type: "like", source }) !== undefined,
        {
          error: `must be a source that verifies: ${Object.keys(sources).join(", ")}`,
        },
      ),
    }),
  ], {
    error:
      'must have the type "none", "bearer", "basic", "token", "hmac", "hmac_in_body", "jwt", ' +
      '"ed25519", "ecdsa", "rsa" or "like"',
  }).superRefine((given, context) => {
    for (const [path, message] of schemeFaults(given)) {
      context.addIssue({ code: "custom", path: [path], message });
    }
  }),
);

/** Whether the proof covers the URL: by a signature over it, or by a token, which vouches for the whole request. */
export function signsUrl(scheme: GivenScheme | undefined, base: Source | undefined): boolean {
  if (!scheme) return base?.methods?.includes("GET") ?? false;
  switch (scheme.type) {
    case "bearer":
    case "basic":
    case "token":
    case "jwt":
      return true;
    case "none":
    case "hmac_in_body":
      return false;
    case "like":
      return modelOf(scheme)?.source.methods?.includes("GET") ?? false;
    default:
      return scheme.signed.includes("{url}");
  }
}

type GivenScheme = z.output<typeof scheme>;

function* schemeFaults(given: GivenScheme): Generator<[path: string, message: string]> {
  if (given.type === "token" && (given.header === undefined) === (given.parameter === undefined)) {
    yield [
      "header",
      'a token stands in a "header" or in a "parameter" of the URL: name one of them',
    ];
  }
  if (!("signed" in given) || given.type === "hmac_in_body") return;
  const parts = [...given.signed.matchAll(/\{(\w*)\}/g)].map(([, name]) => name);
  const unknown = parts.find((name) => !["body", "time", "id", "method", "url"].includes(name));
  if (unknown !== undefined) {
    yield ["signed", `{${unknown}} is none of {body}, {time}, {id}, {method} and {url}`];
  }
  if (parts.filter((name) => name === "body").length !== 1) {
    yield ["signed", "must have {body} once: what is not signed can be changed on the way"];
  }
  if (parts.includes("time") !== (given.time !== undefined)) {
    yield given.time
      ? [
        "signed",
        'must have {time}, or leave "time" out: a time that is not signed proves nothing',
      ]
      : ["time", "is missing: say in which header the time of {time} stands"];
  }
  if (parts.includes("id") && given.id_header === undefined) {
    yield ["id_header", "is missing: say in which header the id of {id} stands"];
  }
  const { time } = given;
  if (time && (time.header === undefined) === (time.prefix === undefined)) {
    yield ["time", 'must have a "header" of its own, or a "prefix" in the signature\'s header'];
  }
  if (time?.prefix !== undefined && given.separator === undefined) {
    yield ["separator", "is missing: what stands between time and signature in the header"];
  }
}

const HMACS = { sha256: "HMAC-SHA-256", sha1: "HMAC-SHA-1", sha512: "HMAC-SHA-512" } as const;
const ALGORITHMS = { ed25519: "Ed25519", ecdsa: "ECDSA-P256", rsa: "RSA-SHA256" } as const;

/** A scheme of the file as the one that checks requests. */
export function toScheme(
  given: Exclude<Extract<GivenScheme, { signed: string }>, { type: "hmac_in_body" }>,
): Scheme {
  const { prefix, separator, encoding, time } = given;
  return {
    algorithm: given.type === "hmac" ? HMACS[given.algorithm] : ALGORITHMS[given.type],
    header: given.header,
    prefix,
    separator,
    encoding,
    signed: given.signed,
    key: given.key,
    id: given.id_header,
    time: time && {
      header: time.header,
      prefix: time.prefix,
      unit: time.unit,
      window: { past: time.tolerance_seconds, future: time.tolerance_seconds },
    },
  };
}
