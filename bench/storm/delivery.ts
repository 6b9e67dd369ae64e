import { Buffer } from "node:buffer";
import { createHash, createHmac } from "node:crypto";
import { randomFor } from "./random.ts";

/** The body's size, in bytes: from a ping to a push of four commits. */
const SMALLEST = 300;
const LARGEST = 7 * 1024;

/** Secrets of the storm and of nobody else. */
const KEY = Buffer.from("a key of the storm, thirty-two!!");
const SECRETS = {
  GITHUB_WEBHOOK_SECRET: "a secret of the storm's GitHub",
  STRIPE_WEBHOOK_SECRET: "whsec_a_secret_of_the_storms_stripe",
  SVIX_WEBHOOK_SECRET: `whsec_${KEY.toString("base64")}`,
};

/** What Otto's processes need to check the senders' signatures. */
export const SENDER_SETTINGS: Readonly<Record<string, string>> = SECRETS;

/** Says which delivery a request is; our own word, whatever the product reads as its id. */
export const NUMBER_HEADER = "x-storm-number";

/** Of a hundred deliveries so many are sent twice at once, and so many again later. */
const TWINS = 5;
const LATER = 5;

/** What one sender wants delivered. All of it follows from the storm's seed and the number. */
export interface Delivery {
  number: number;
  sender: SenderName;
  /** The delivery id, where its sender has one. */
  id: string | null;
  body: Uint8Array;
  /** When it is sent beyond the first time. */
  again: "never" | "at once" | "later";
}

export type SenderName = keyof typeof senders;

/** One kind of sender: how it writes an event, and what it says of itself in the headers. */
interface Sender {
  /** False where nothing tells a repeat from another event: each send may make a message. */
  hasId: boolean;
  share: number;
  id(mark: string): string;
  event(id: string, mark: string): Record<string, unknown>;
  headers(id: string, body: Uint8Array): Record<string, string>;
}

const seconds = () => `${Math.floor(Date.now() / 1_000)}`;

function hmac(key: string | Buffer, ...parts: (string | Uint8Array)[]): Buffer {
  const made = createHmac("sha256", key);
  for (const part of parts) made.update(part);
  return made.digest();
}

const senders = {
  /** docs.github.com, "Validating webhook deliveries": an HMAC of the body alone. */
  github: {
    hasId: true,
    share: 45,
    id: (mark) => `${mark.slice(0, 8)}-0000-11f0-8000-${mark.slice(8)}`,
    event: (_id, mark) => ({
      ref: "refs/heads/main",
      after: createHash("sha1").update(mark).digest("hex"),
      repository: { full_name: "octo/storm", html_url: "https://github.example/octo/storm" },
      sender: { login: "ada" },
      commits: [],
    }),
    headers: (id, body) => ({
      "x-github-event": "push",
      "x-github-delivery": id,
      "x-hub-signature-256": `sha256=${hmac(SECRETS.GITHUB_WEBHOOK_SECRET, body).toString("hex")}`,
    }),
  },
  /** docs.stripe.com, "Verify webhook signatures manually": the id is in the body alone. */
  stripe: {
    hasId: true,
    share: 25,
    id: (mark) => `evt_${mark}`,
    event: (id, mark) => ({
      id,
      object: "event",
      type: "charge.succeeded",
      data: { object: { id: `ch_${mark}`, object: "charge", amount: 1999, currency: "eur" } },
    }),
    headers(_id, body) {
      const time = seconds();
      const made = hmac(SECRETS.STRIPE_WEBHOOK_SECRET, `${time}.`, body).toString("hex");
      return { "stripe-signature": `t=${time},v1=${made}` };
    },
  },
  /** standardwebhooks.com, as Svix sends: id, time and body are signed. */
  svix: {
    hasId: true,
    share: 20,
    id: (mark) => `msg_${mark}`,
    event: (_id, mark) => ({ type: "invoice.paid", data: { id: mark, name: "An invoice" } }),
    headers(id, body) {
      const time = seconds();
      const made = hmac(KEY, `${id}.${time}.`, body).toString("base64");
      return { "svix-id": id, "svix-timestamp": time, "svix-signature": `v1,${made}` };
    },
  },
  /** A system that nobody knows: no id, no signature. */
  acme: {
    hasId: false,
    share: 10,
    id: (mark) => mark,
    event: (id) => ({ event: "order.placed", title: `Order ${id}` }),
    headers: () => ({}),
  },
} satisfies Record<string, Sender>;

/** Half of the filler is not ASCII: such bodies take other ways through the product. */
const FILLERS = ["The quick brown fox. ", 'Grüße, \u2028 ☎ 📞 \u0000 \\ " '];

/** Delivery number `number` of the storm with this seed. */
export function makeDelivery(seed: string, number: number): Delivery {
  const random = randomFor(seed, "delivery", number);
  const sender = pickSender(random.between(1, 100));
  const mark = createHash("sha256").update(`${seed}/${number}`).digest("hex").slice(0, 20);
  const id = senders[sender].id(mark);
  // Small bodies are far more frequent than large ones.
  const size = Math.round(SMALLEST * (LARGEST / SMALLEST) ** random.next());
  const event = { ...senders[sender].event(id, mark), padding: "" };
  const filler = random.pick(FILLERS);
  const fillerBytes = byteLength(JSON.stringify(filler)) - 2;
  const missing = Math.max(0, size - byteLength(JSON.stringify(event)));
  event.padding = filler.repeat(Math.floor(missing / fillerBytes));
  const share = random.between(1, 100);
  return {
    number,
    sender,
    id: senders[sender].hasId ? id : null,
    body: new TextEncoder().encode(JSON.stringify(event)),
    again: share <= TWINS ? "at once" : share <= TWINS + LATER ? "later" : "never",
  };
}

/** The headers of one try, signed now. */
export function headersOf({ number, sender, id, body }: Delivery): Record<string, string> {
  return {
    "content-type": "application/json",
    [NUMBER_HEADER]: `${number}`,
    ...senders[sender].headers(id ?? "", body),
  };
}

/** How a body is known again. */
export function hashOf(body: Uint8Array): string {
  return createHash("sha256").update(body).digest("hex");
}

function pickSender(draw: number): SenderName {
  let sum = 0;
  const names = Object.keys(senders) as SenderName[];
  return names.find((name) => draw <= (sum += senders[name].share)) ?? names[0];
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).byteLength;
}
