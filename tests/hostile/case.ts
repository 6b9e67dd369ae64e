import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import type { Conversation, Piece } from "./speak.ts";

/** What must come back. */
export type Expected =
  /** This status, or one of these, as the first answer. */
  | number
  | readonly number[]
  /** The connection ends, with or without one of these before; never a 200. */
  | "closed"
  /** Nothing comes for as long as the case listens. */
  | "silence"
  | ((said: Conversation) => void);

/** One way in which a stranger or a clumsy sender writes to us. */
export interface Case {
  /** Its number among the 136 inputs. */
  number: number;
  what: string;
  /** A function where they hold the time of their sending. */
  pieces: readonly Piece[] | (() => readonly Piece[]);
  /** How many answers to listen for. @default {1} */
  answers?: number;
  expected: Expected;
  /** Where a runtime does not let us do what is right: what it does instead, and why. */
  onDeno?: [expected: Expected, why: string];
  onNode?: [expected: Expected, why: string];
  /** What Otto does today although the runtimes would let it do right, and why it is so. */
  today?: [expected: Expected, why: string];
  /** The bytes that must be kept under the id that the 200 names; none where there is no 200. */
  kept?: Uint8Array;
}

export const SECRETS = {
  GITHUB_WEBHOOK_SECRET: "a secret of the hostile tests",
  STRIPE_WEBHOOK_SECRET: "whsec_a_secret_of_the_hostile_tests",
  SVIX_WEBHOOK_SECRET: `whsec_${
    Buffer.from("a key of the hostile tests, 32 b").toString("base64")
  }`,
  RETIRED_WEBHOOK_SECRETS: "a secret that was rotated out",
};

let ids = 0;
/** A delivery id that no other case has. */
export const newDelivery = () => `hostile-${++ids}`;

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A request line and its headers; a Host is added unless there is one or `host` is null. */
export function head(
  line: string,
  headers: readonly string[] = [],
  { host = "127.0.0.1" }: { host?: string | null } = {},
): string {
  const all = host === null || headers.some((each) => /^host *:/i.test(each))
    ? headers
    : [`Host: ${host}`, ...headers];
  return [line, ...all, "", ""].join("\r\n");
}

/** A POST to a webhook, framed as it should be. */
export function post(
  path: string,
  body: string | Uint8Array = "{}",
  headers: readonly string[] = [],
): Piece[] {
  const content = typeof body === "string" ? bytes(body) : body;
  const all = [...headers, `Content-Length: ${content.byteLength}`];
  return [head(`POST ${path} HTTP/1.1`, all), content];
}

export const get = (path: string, headers: readonly string[] = []): Piece[] => [
  head(`GET ${path} HTTP/1.1`, headers),
];

export function githubSignature(
  body: string | Uint8Array,
  secret: string = SECRETS.GITHUB_WEBHOOK_SECRET,
): string {
  return createHmac("sha256", secret).update(body).digest("hex");
}

/** A delivery of GitHub's, signed, with more or other headers where these are given. */
export function github(
  body: string | Uint8Array,
  { id = newDelivery(), signature, headers = [] }: {
    /** A whole header line, or null for none. */
    id?: string | null;
    signature?: string | null;
    headers?: readonly string[];
  } = {},
): Piece[] {
  const signed = signature === undefined
    ? `X-Hub-Signature-256: sha256=${githubSignature(body)}`
    : signature;
  return post("/webhook/github", body, [
    "X-GitHub-Event: push",
    ...(id === null ? [] : [`X-GitHub-Delivery: ${id}`]),
    ...(signed === null ? [] : [signed]),
    ...headers,
  ]);
}

/** An event of Stripe's, signed at some time. */
export function stripe(
  body: string,
  {
    time = `${Math.floor(Date.now() / 1_000)}`,
    secret = SECRETS.STRIPE_WEBHOOK_SECRET,
  }: {
    time?: string;
    secret?: string;
  } = {},
): Piece[] {
  const made = createHmac("sha256", secret).update(`${time}.${body}`).digest(
    "hex",
  );
  return post("/webhook/stripe", body, [
    `Stripe-Signature: t=${time},v1=${made}`,
  ]);
}

const SVIX_KEY = Buffer.from(
  SECRETS.SVIX_WEBHOOK_SECRET.slice("whsec_".length),
  "base64",
);
export const now = (offset = 0) => `${Math.floor(Date.now() / 1_000) + offset}`;

export function svixSignature(id: string, time: string, body: string): string {
  return createHmac("sha256", SVIX_KEY).update(`${id}.${time}.${body}`).digest(
    "base64",
  );
}

/** A message of Svix', with whatever signature header is made of the right one. */
export function svix(
  body: string,
  { id = newDelivery(), time = now(), signature = (right) => `v1,${right}` }: {
    id?: string;
    time?: string;
    signature?: (right: string) => string;
  } = {},
): Piece[] {
  return post("/webhook/svix", body, [
    `svix-id: ${id}`,
    `svix-timestamp: ${time}`,
    `svix-signature: ${signature(svixSignature(id, time, body))}`,
  ]);
}
