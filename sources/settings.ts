import { z } from "zod";
import { isSubnet } from "../lib/address_list.ts";
import { secretVariable } from "../lib/secret_variable.ts";
import type { Scheme } from "../lib/signature.ts";
import { sources } from "./mod.ts";
import { placeFault } from "./place.ts";
import type { Source } from "./source.ts";
import { linkFault, templateFault } from "./template.ts";

const MIB = 1024 * 1024;
/** A day: more is no burst. */
const MOST_SECONDS = 86_400;

const place = z.string().max(300).superRefine((text, context) => {
  const fault = placeFault(text);
  if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
});

const template = z.string().min(1).max(1_000).superRefine((text, context) => {
  const fault = templateFault(text);
  if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
});

const link = template.superRefine((text, context) => {
  const fault = linkFault(text);
  if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
});

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
const scheme = z.preprocess(
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
    z.strictObject({
      type: z.literal("like"),
      source: z.string().refine(
        (name) => Object.hasOwn(sources, name) && "verify" in sources[name as keyof typeof sources],
        {
          error: `must be a source that verifies: ${Object.keys(sources).join(", ")}`,
        },
      ),
    }),
  ], {
    error: 'must have the type "none", "bearer", "basic", "token", "hmac", "ed25519", "ecdsa", ' +
      '"rsa" or "like"',
  }).superRefine((given, context) => {
    for (const [path, message] of schemeFaults(given)) {
      context.addIssue({ code: "custom", path: [path], message });
    }
  }),
);

const condition = z.strictObject({
  path: place,
  equals: z.union([z.string(), z.number(), z.boolean(), z.null()], {
    error: "must be a text, a number, true, false or null",
  }).refine((value) => !Number.isInteger(value) || Number.isSafeInteger(value), {
    error: "is more than a number can hold: write it in quotes",
  }).optional(),
  glob: z.string().min(1).max(500).optional(),
  exists: z.boolean().optional(),
  not: z.boolean().optional(),
}).superRefine(({ equals, glob, exists }, context) => {
  if ([equals, glob, exists].filter((each) => each !== undefined).length === 1) return;
  context.addIssue({
    code: "custom",
    message: 'must have one of "equals", "glob" and "exists", and only one',
  });
});

const conditions = z.array(condition).min(1, {
  error: "has no conditions, so it would let everything through: leave it out instead",
}).max(100);

/** A list alone means that all of it must be so. */
const filter = z.preprocess(
  (given) => Array.isArray(given) ? { all: given } : given,
  z.strictObject({ all: conditions.optional(), any: conditions.optional() })
    .refine(({ all, any }) => all !== undefined || any !== undefined, {
      error: 'must have "all" or "any", each a list of conditions',
    }),
);

const seconds = z.number().min(1).max(MOST_SECONDS);

const sourceSettings = z.strictObject({
  label: z.string().trim().min(1).max(60).optional(),
  scheme: scheme.optional(),
  secret_required: z.boolean().optional(),
  id: z.preprocess(
    (given) => typeof given === "string" ? [given] : given,
    z.array(place).min(1).max(8),
  ).optional(),
  event: template.optional(),
  title: template.optional(),
  description: template.optional(),
  link: link.optional(),
  actor: template.optional(),
  text: template.optional(),
  methods: z.array(z.enum(["POST", "PUT", "PATCH", "DELETE", "GET"], {
    error: 'must be "POST", "PUT", "PATCH", "DELETE" or "GET"',
  })).min(1).optional(),
  body_limit: z.number().int().min(1024).max(25 * MIB).optional(),
  allowed_ips: z.array(
    z.string().refine(isSubnet, {
      error:
        'must be an address or a network, such as "192.0.2.7", "10.0.0.0/8" or "2001:db8::/32"',
    }),
  ).min(1, { error: "is empty, so nobody could send: leave it out instead" }).optional(),
  filter: filter.optional(),
  rate_limit: z.strictObject({
    requests: z.number().int().min(1).max(1_000_000),
    seconds: seconds.default(60),
  }).optional(),
  merge: z.strictObject({ key: template, seconds }).optional(),
  ignore_actors: z.array(z.string().min(1).max(200)).optional(),
  repeats: z.literal("normal", { error: 'must be "normal", or left out' }).optional(),
  instruction: z.string().max(8_000).optional(),
  notify: z.strictObject({
    slack: z.string().regex(/^[CDG][A-Z0-9]{2,30}$/, {
      error: "must be a channel's id, such as C0123ABCD: it is at the end of its details in Slack",
    }),
  }).optional(),
});

/** What the operator says of one source; what is left out stays as it is. */
export type SourceSettings = z.infer<typeof sourceSettings>;

const RESERVED = ["health", "stats", "status"];

/** The whole of `sources.json`: settings by the name in the webhook's URL. */
export const sourcesFile = z.record(
  z.string().regex(/^(?!\.+$)[a-z0-9._-]{1,64}$/, {
    error: "must be a name for the URL: 1 to 64 of a-z, 0-9, dot, dash and underscore",
  }).refine((name) => !RESERVED.includes(name), { error: "is the name of a page of Otto's" }),
  sourceSettings,
).superRefine((all, context) => {
  const names = new Map<string, string>();
  for (const name of [...Object.keys(sources), ...Object.keys(all)]) {
    const variable = secretVariable(name);
    const other = names.get(variable);
    if (other !== undefined && other !== name) {
      context.addIssue({
        code: "custom",
        path: [name],
        message: `has the same variable for its secret as "${other}", ${variable}: rename one`,
      });
    }
    names.set(variable, name);
  }
  for (const [name, settings] of Object.entries(all)) {
    for (const [path, message] of sourceFaults(settings, known(name))) {
      context.addIssue({ code: "custom", path: [name, path], message });
    }
  }
});

function known(name: string): Source | undefined {
  return Object.hasOwn(sources, name) ? sources[name as keyof typeof sources] : undefined;
}

/** What of one source contradicts itself. */
function* sourceFaults(
  { scheme, methods = [], secret_required }: SourceSettings,
  base: Source | undefined,
): Generator<[path: string, message: string]> {
  const verifies = scheme ? scheme.type !== "none" : base?.verify !== undefined;
  if (!verifies && (secret_required ?? base?.secretRequired)) {
    yield ["scheme", "is none, but a secret is required: nothing could ever come in"];
  }
  const isQuery = methods.find((method) => method === "GET" || method === "DELETE");
  if (isQuery && !signsUrl(scheme, base)) {
    yield [
      "methods",
      `has ${isQuery}, whose query is the payload, but the scheme does not sign the URL: sign ` +
      "{url}, or let the sender show a token",
    ];
  }
}

/** Whether what stands in a URL is its sender's for certain, as far as anything of him is. */
function signsUrl(scheme: GivenScheme | undefined, base: Source | undefined): boolean {
  if (!scheme) return base?.methods?.includes("GET") ?? false;
  switch (scheme.type) {
    case "bearer":
    case "basic":
    case "token":
      return true;
    case "none":
      return false;
    case "like":
      return known(scheme.source)?.methods?.includes("GET") ?? false;
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
  if (!("signed" in given)) return;
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
export function toScheme(given: Extract<GivenScheme, { signed: string }>): Scheme {
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
