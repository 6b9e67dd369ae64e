import { Buffer } from "node:buffer";
import { connect } from "node:net";

/** What is written on a socket, piece by piece: bytes, a pause in milliseconds, or "fin". */
export type Piece = string | Uint8Array | number | "fin";

export interface Answer {
  status: number;
  headers: Headers;
  body: string;
}

/** What came back on one connection. */
export interface Conversation {
  /** Answers in their order, interim ones (1xx) left out. */
  answers: Answer[];
  /** Whether there was a 100 Continue before any of them. */
  continued: boolean;
  /** Whether the other side ended the connection. */
  closed: boolean;
  /** All bytes, as Latin-1. */
  raw: string;
  ms: number;
}

/** An open end is not waited for longer than this, unless said. */
const PATIENCE_MS = 40_000;
/** What comes after the wanted answers comes at once. */
const AFTERWARDS_MS = 200;

/**
 * Opens a connection, writes the pieces as they are, and listens until there are `answers`
 * answers, the other side ends it, or patience does.
 */
export function speak(
  port: number,
  pieces: readonly Piece[],
  { answers = 1, patienceMs = PATIENCE_MS }: {
    answers?: number;
    patienceMs?: number;
  } = {},
): Promise<Conversation> {
  return new Promise((resolve) => {
    const began = performance.now();
    const chunks: Buffer[] = [];
    let closed = false;
    let afterwards: ReturnType<typeof setTimeout> | undefined;
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const patience = setTimeout(finish, patienceMs);

    function finish(): void {
      clearTimeout(patience);
      clearTimeout(afterwards);
      socket.destroy();
      const raw = Buffer.concat(chunks).toString("latin1");
      resolve({
        ...parseAnswers(raw),
        closed,
        raw,
        ms: performance.now() - began,
      });
    }
    // A reset is an end like any other: the other side has had enough.
    socket.on("error", () => {});
    socket.on("close", () => {
      closed = true;
      finish();
    });
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      if (afterwards !== undefined) return;
      const { answers: had } = parseAnswers(
        Buffer.concat(chunks).toString("latin1"),
      );
      if (had.length >= answers) afterwards = setTimeout(finish, AFTERWARDS_MS);
    });
    socket.once("connect", async () => {
      for (const piece of pieces) {
        if (socket.destroyed) return;
        if (typeof piece === "number") {
          await new Promise((go) => setTimeout(go, piece));
        } else if (piece === "fin") socket.end();
        else {socket.write(
            typeof piece === "string" ? Buffer.from(piece, "latin1") : piece,
          );}
      }
    });
  });
}

/** Reads whole answers; what is not HTTP/1.1 gives none. */
function parseAnswers(
  raw: string,
): Pick<Conversation, "answers" | "continued"> {
  const answers: Answer[] = [];
  let continued = false;
  for (let at = 0;;) {
    const end = raw.indexOf("\r\n\r\n", at);
    if (end < 0) break;
    const [first, ...lines] = raw.slice(at, end).split("\r\n");
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1]);
    if (!status) break;
    const headers = new Headers(
      lines.map((line) => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon), line.slice(colon + 1).trim()];
      }),
    );
    at = end + 4;
    if (status < 200) {
      continued ||= status === 100 && answers.length === 0;
      continue;
    }
    const body = readBody(raw, at, headers);
    if (body === undefined) break;
    answers.push({ status, headers, body: body.text });
    at = body.end;
  }
  return { answers, continued };
}

/** The body that begins at `at`; undefined while some of it is missing. */
function readBody(
  raw: string,
  at: number,
  headers: Headers,
): { text: string; end: number } | undefined {
  if (headers.get("transfer-encoding") !== "chunked") {
    const end = at + Number(headers.get("content-length") ?? 0);
    return end > raw.length ? undefined : { text: raw.slice(at, end), end };
  }
  let text = "";
  for (;;) {
    const line = raw.indexOf("\r\n", at);
    if (line < 0) return undefined;
    const size = parseInt(raw.slice(at, line), 16);
    const end = line + 2 + size + 2;
    if (end > raw.length) return undefined;
    text += raw.slice(line + 2, line + 2 + size);
    if (size === 0) return { text, end };
    at = end;
  }
}
