import { Buffer } from "node:buffer";
import { createHmac, randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import process from "node:process";
import { makeBody, SECRET } from "./payload.ts";

/** What the load generator is asked to do: its only argument, as JSON. */
export interface Order {
  port: number;
  connections: number;
  warmUpSeconds: number;
  seconds: number;
  /** Requests a second, sent whether the last was answered or not; without it as fast as answered. */
  rate?: number;
  wide?: boolean;
}

/** What it says in the end: its last line, as JSON. Milliseconds; warming up is not counted. */
export interface Outcome {
  requests: number;
  seconds: number;
  /** Answers 200 of the whole run, warm-up included: so many messages must have been kept. */
  answered: number;
  failed: Record<string, number>;
  p50: number;
  p99: number;
  max: number;
}

/** Lines that tell when the counting begins and ends. */
export const BEGINS = "begins";
export const ENDS = "ends";

async function run(order: Order): Promise<Outcome> {
  const { port, connections, warmUpSeconds, seconds, rate } = order;
  const request = buildRequest(order);
  let counting = false;
  let ending = false;
  let answered = 0;
  const latencies: number[] = [];
  const failed: Record<string, number> = {};

  function note(outcome: string, since: number): void {
    if (outcome === "200") answered++;
    if (!counting) return;
    if (outcome === "200") latencies.push(performance.now() - since);
    else failed[outcome] = (failed[outcome] ?? 0) + 1;
  }

  const lines = await Promise.all(
    Array.from({ length: connections }, () => openLine(port, request, note)),
  );
  if (rate === undefined) {
    // Each line sends its next request in the turn in which it was answered.
    for (const line of lines) line.repeat(() => !ending);
  } else {
    pace(rate, lines, () => !ending);
  }
  await pause(warmUpSeconds);
  console.log(BEGINS);
  counting = true;
  const start = performance.now();
  await pause(seconds);
  counting = false;
  const took = (performance.now() - start) / 1_000;
  console.log(ENDS);
  ending = true;
  await Promise.race([Promise.all(lines.map((line) => line.idle())), pause(5)]);

  latencies.sort((one, other) => one - other);
  const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? 0;
  return {
    requests: latencies.length,
    seconds: took,
    answered,
    failed,
    p50: at(0.5),
    p99: at(0.99),
    max: latencies.at(-1) ?? 0,
  };
}

/** One connection that is kept alive, with at most one request on its way. */
interface Line {
  readonly busy: boolean;
  /** Sends one request; `since` is when it was due. */
  send(since: number): void;
  /** Sends one request after the other while `more` says so. */
  repeat(more: () => boolean): void;
  idle(): Promise<void>;
}

/** The bytes of a request, and where in them stands what is new in each. */
interface Request {
  bytes: Buffer;
  idAt: number;
  signatureAt: number;
  bodyAt: number;
  /** The commit that was pushed: the same signed bytes again would be a captured request. */
  commitAt: number;
}

const ID_DIGITS = 32;
const SIGNATURE_DIGITS = 64;

function buildRequest({ port, wide }: Order): Request {
  const body = makeBody({ wide });
  // GitHub's own headers, and those that a proxy in front adds.
  const head = [
    "POST /webhook/github HTTP/1.1",
    `Host: 127.0.0.1:${port}`,
    "User-Agent: GitHub-Hookshot/044aadd",
    "Accept: */*",
    "Content-Type: application/json",
    `Content-Length: ${body.byteLength}`,
    "X-GitHub-Event: push",
    "X-GitHub-Hook-ID: 292430182",
    "X-GitHub-Hook-Installation-Target-ID: 79929171",
    "X-GitHub-Hook-Installation-Target-Type: repository",
    `X-Hub-Signature-256: sha256=${"0".repeat(SIGNATURE_DIGITS)}`,
    `X-GitHub-Delivery: ${"0".repeat(ID_DIGITS)}`,
    "",
    "",
  ].join("\r\n");
  const bytes = Buffer.concat([Buffer.from(head), body]);
  const bodyAt = head.length;
  return {
    bytes,
    bodyAt,
    idAt: bodyAt - 4 - ID_DIGITS,
    signatureAt: bytes.indexOf("sha256=") + "sha256=".length,
    commitAt: bytes.indexOf('"after":"', bodyAt) + '"after":"'.length,
  };
}

const RUN = randomBytes(8).toString("hex");
let requests = 0;

function openLine(
  port: number,
  { bytes, idAt, signatureAt, bodyAt, commitAt }: Request,
  note: (outcome: string, since: number) => void,
): Promise<Line> {
  // Its own copy: only little is written anew, and only when the last request has been answered.
  const mine = Buffer.from(bytes);
  const body = mine.subarray(bodyAt);
  for (const place of [idAt, commitAt]) mine.write(RUN, place, "latin1");
  let since = 0;
  let busy = false;
  let more = () => false;
  let waiting: (() => void)[] = [];
  let socket: Socket;

  function send(due: number): void {
    busy = true;
    since = due;
    const number = (requests++).toString(16).padStart(16, "0");
    for (const place of [idAt, commitAt]) mine.write(number, place + 16, "latin1");
    const signature = createHmac("sha256", SECRET).update(body).digest("hex");
    mine.write(signature, signatureAt, "latin1");
    socket.write(mine);
  }

  function answered(outcome: string): void {
    note(outcome, since);
    busy = false;
    if (more()) return send(performance.now());
    for (const resolve of waiting) resolve();
    waiting = [];
  }

  const read = createReader(answered);
  function open(): Promise<void> {
    return new Promise((resolve, reject) => {
      socket = connect({ port, host: "127.0.0.1", noDelay: true }, resolve);
      socket.on("data", read);
      socket.once("error", reject);
      socket.on("close", () => {
        more = () => false;
        if (busy) answered("connection closed");
      });
    });
  }

  const line: Line = {
    get busy() {
      return busy;
    },
    send,
    repeat(condition) {
      more = condition;
      send(performance.now());
    },
    idle: () => busy ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(),
  };
  return open().then(() => line);
}

const HEAD_END = Buffer.from("\r\n\r\n");
const TWO = "2".charCodeAt(0);

/** Reads just enough of an answer: its status, and where it ends. */
function createReader(answered: (status: string) => void): (chunk: Buffer) => void {
  let usual = 0;
  let rest: Buffer | undefined;
  return (chunk) => {
    // Nearly all answers are 200s that are as long as the one before.
    if (rest === undefined && chunk.length === usual && chunk[9] === TWO) return answered("200");
    const bytes = rest ? Buffer.concat([rest, chunk]) : chunk;
    const headEnd = bytes.indexOf(HEAD_END);
    if (headEnd !== -1) {
      const head = bytes.toString("latin1", 0, headEnd);
      const length = /\r\ncontent-length: *(\d+)/i.exec(head);
      if (!length) throw new Error(`An answer without Content-Length: ${head}`);
      if (bytes.length >= headEnd + 4 + Number(length[1])) {
        rest = undefined;
        const status = head.slice(9, 12);
        if (status === "200") usual = bytes.length;
        return answered(status);
      }
    }
    rest = bytes;
  };
}

/** Sends at a steady rate over whichever line is free; what finds none waits, and its wait counts. */
function pace(rate: number, lines: Line[], more: () => boolean): void {
  const start = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    if (!more()) return clearInterval(timer);
    const due = (performance.now() - start) / 1_000 * rate;
    while (sent < due) {
      const line = lines.find((each) => !each.busy);
      if (!line) return;
      line.send(start + sent++ / rate * 1_000);
    }
  }, 1);
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
}

if (import.meta.main) {
  const outcome = await run(JSON.parse(process.argv[2]));
  console.log(JSON.stringify(outcome));
  process.exit(0);
}
