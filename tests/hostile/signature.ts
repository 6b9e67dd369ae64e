import { Buffer } from "node:buffer";
import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import {
  bytes,
  type Case,
  github,
  githubSignature,
  newDelivery,
  now,
  post,
  SECRETS,
  stripe,
  svix,
  svixSignature,
} from "./case.ts";
import type { Piece } from "./speak.ts";

const BODY = '{"action":"opened"}';
const HEX = githubSignature(BODY);

const refused = (number: number, what: string, pieces: Case["pieces"]): Case => ({
  number,
  what,
  pieces,
  expected: 401,
});

const taken = (number: number, what: string, pieces: Case["pieces"], body: string): Case => ({
  number,
  what,
  pieces,
  expected: 200,
  kept: bytes(body),
});

const signature = (value: string) => github(BODY, { signature: `X-Hub-Signature-256: ${value}` });

/** A signature made with a key that comes along. */
function ownKey(): Piece[] {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const [id, time] = [newDelivery(), now()];
  const made = sign(null, Buffer.from(`${id}.${time}.${BODY}`), privateKey)
    .toString("base64");
  const key = publicKey.export({ format: "jwk" }).x;
  return post("/webhook/svix", BODY, [
    `svix-id: ${id}`,
    `svix-timestamp: ${time}`,
    `svix-signature: v1a,${made}`,
    `svix-key: ${key}`,
  ]);
}

/** What was signed for the id `a` and a longer body is shown as the id `a.{time}` and the rest of it. */
function cutElsewhere(): Piece[] {
  const time = now();
  const right = svixSignature("a", time, `${time}.${BODY}`);
  return post("/webhook/svix", BODY, [
    `svix-id: a.${time}`,
    `svix-timestamp: ${time}`,
    `svix-signature: v1,${right}`,
  ]);
}

/** E. Proofs, right and wrong. */
export const SIGNATURES: readonly Case[] = [
  refused(74, "no signature", github(BODY, { signature: null })),
  refused(74, "an empty signature", signature("")),
  refused(74, "only the prefix", signature("sha256=")),
  taken(
    75,
    "upper-case hexadecimal, which is the same number",
    signature(`sha256=${HEX.toUpperCase()}`),
    BODY,
  ),
  taken(
    75,
    "spaces around the header, which HTTP takes away",
    signature(`  sha256=${HEX}  `),
    BODY,
  ),
  refused(75, "spaces inside", signature(`sha256= ${HEX}`)),
  refused(76, "an odd number of digits", signature(`sha256=${HEX.slice(1)}`)),
  refused(76, "one digit too many", signature(`sha256=${HEX}0`)),
  refused(76, "no digits", signature(`sha256=${"z".repeat(64)}`)),
  refused(76, "10 KB of digits", signature(`sha256=${"a".repeat(10 * 1024)}`)),
  refused(
    77,
    "base64 with a star",
    () => svix(BODY, { signature: (right) => `v1,*${right.slice(1)}` }),
  ),
  refused(
    77,
    "half of the base64",
    () => svix(BODY, { signature: (right) => `v1,${right.slice(0, 20)}` }),
  ),
  refused(78, "a signature over the same JSON, written otherwise", [
    ...github('{"action": "opened"}', {
      signature: `X-Hub-Signature-256: sha256=${HEX}`,
    }),
  ]),
  refused(
    79,
    "one bit of the body flipped",
    github('{"action":"openee"}', {
      signature: `X-Hub-Signature-256: sha256=${HEX}`,
    }),
  ),
  refused(
    79,
    "one byte more",
    github(`${BODY} `, {
      signature: `X-Hub-Signature-256: sha256=${HEX}`,
    }),
  ),
  refused(
    80,
    "signed with the empty key",
    signature(`sha256=${githubSignature(BODY, "")}`),
  ),
  refused(
    82,
    "signed with another source's secret",
    signature(`sha256=${githubSignature(BODY, SECRETS.STRIPE_WEBHOOK_SECRET)}`),
  ),
  refused(
    82,
    "another source's signature",
    github(BODY, {
      signature: `Stripe-Signature: t=${now()},v1=${
        createHmac("sha256", SECRETS.STRIPE_WEBHOOK_SECRET).update(
          `${now()}.${BODY}`,
        ).digest("hex")
      }`,
    }),
  ),
  refused(
    83,
    "two signatures where the scheme has one",
    github(BODY, {
      signature: `X-Hub-Signature-256: sha256=${"0".repeat(64)}`,
      headers: [`X-Hub-Signature-256: sha256=${HEX}`],
    }),
  ),
  taken(
    83,
    "two signatures where the scheme has a list",
    () => svix(BODY, { signature: (right) => `v1,${"A".repeat(43)}= v1,${right}` }),
    BODY,
  ),
  refused(
    84,
    "a list of 200 signatures",
    () =>
      svix(BODY, {
        signature: (right) => `${"v1,AAAA ".repeat(200)}v1,${right.replace(/^./, "*")}`,
      }),
  ),
  refused(
    85,
    "another version of the scheme",
    () => svix(BODY, { signature: (right) => `v9,${right}` }),
  ),
  refused(
    85,
    "SHA-1 alone",
    github(BODY, {
      signature: `X-Hub-Signature: sha1=${
        createHmac("sha1", SECRETS.GITHUB_WEBHOOK_SECRET).update(BODY).digest(
          "hex",
        )
      }`,
    }),
  ),
  refused(86, "a key that came with the request", ownKey),
  ...["", "NaN", "1e9", " 1 ", "0x65000000", `${Date.now()}`, "-1700000000"]
    .map((time) => refused(87, `the time "${time}"`, () => stripe(BODY, { time }))),
  refused(
    87,
    "no time",
    post("/webhook/stripe", BODY, [`Stripe-Signature: v1=${HEX}`]),
  ),
  refused(88, "301 seconds ago", () => stripe(BODY, { time: now(-310) })),
  refused(88, "in 301 seconds", () => stripe(BODY, { time: now(310) })),
  taken(
    88,
    "290 seconds ago",
    () => stripe('{"id":"evt_290"}', { time: now(-290) }),
    '{"id":"evt_290"}',
  ),
  taken(
    88,
    "in 59 seconds",
    () => stripe('{"id":"evt_59"}', { time: now(59) }),
    '{"id":"evt_59"}',
  ),
  refused(93, "the same text cut elsewhere", cutElsewhere),
  refused(
    94,
    "a secret that was rotated out",
    signature(
      `sha256=${githubSignature(BODY, SECRETS.RETIRED_WEBHOOK_SECRETS)}`,
    ),
  ),
];
