/** The most bytes of one answer that are read: a list of a hundred tools has a fortieth of it. */
const MOST_BYTES = 8 * 1_024 * 1_024;

type Message = Record<string, unknown>;

/** What a server has answered, as it came. */
export interface RawResults {
  /** For the SDK, whose own reading refuses a whole answer for one part that it does not know. */
  fetch: typeof globalThis.fetch;
  /** The newest result of `tools/list` or `tools/call`. */
  last: () => unknown;
  /** Whether the server has said that its list of tools is another now. */
  listChanged: () => boolean;
  /** Rejects when an answer is too long, or ended before it was one: the SDK would wait on. */
  broken: Promise<never>;
}

/** Results of the one request at a time that a client makes. */
export function keepRawResults(): RawResults {
  let last: unknown;
  let changed = false;
  const { promise: broken, reject } = Promise.withResolvers<never>();
  broken.catch(() => {});

  function tame(message: unknown, method: string): unknown {
    if (Array.isArray(message)) return message.map((each) => tame(each, method));
    if (typeof message !== "object" || message === null) return message;
    const { result, error, method: notified } = message as Message;
    if (notified === "notifications/tools/list_changed") changed = true;
    if (isObject(error)) return { ...message, error: readableError(error) };
    if (!isObject(result) || result.resultType === "input_required") return message;
    if (method === "tools/list") {
      last = result;
      return { ...message, result: { ...result, tools: [] } };
    }
    if (method === "tools/call") {
      last = result;
      return { ...message, result: { content: [] } };
    }
    return message;
  }

  return {
    last: () => last,
    listChanged: () => changed,
    broken,
    async fetch(input, init) {
      // A stream of the server's own would only be read for as long as one call takes.
      if ((init?.method ?? "GET") === "GET") return new Response(null, { status: 405 });
      const { method = "", id } = typeof init?.body === "string" ? JSON.parse(init.body) : {};
      const response = await fetch(input, init);
      const { status, headers } = response;
      if (response.body === null) return response;
      const fail = (says: string) => {
        const error = new Error(says);
        reject(error);
        return error;
      };
      const bounded = response.body.pipeThrough(bound(fail));
      if (!headers.get("content-type")?.includes("text/event-stream")) {
        const text = await new Response(bounded).text();
        return new Response(tamed(text, (message) => tame(message, method)), {
          status: status,
          headers: plain(headers),
        });
      }
      const events = bounded.pipeThrough(new TextDecoderStream()).pipeThrough(
        tameEvents((message) => tame(message, method), id, fail),
      );
      return new Response(events.pipeThrough(new TextEncoderStream()), {
        status,
        headers: plain(headers),
      });
    },
  };
}

function isObject(value: unknown): value is Message {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An error as JSON-RPC has it, whatever a server has put into its places. */
function readableError({ code, message, data }: Message): Message {
  const told = typeof message === "string"
    ? message
    : JSON.stringify(message ?? data ?? "no reason");
  return {
    code: Number.isInteger(code) ? code : -32_603,
    message: told,
    ...(data === undefined ? {} : { data }),
  };
}

/** Headers of a body that was decoded on its way. */
function plain(headers: Headers): Headers {
  const all = new Headers(headers);
  for (const name of ["content-encoding", "content-length"]) all.delete(name);
  return all;
}

function bound(fail: (says: string) => Error): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  return new TransformStream({
    transform(part, controller) {
      bytes += part.length;
      if (bytes <= MOST_BYTES) return controller.enqueue(part);
      const most = MOST_BYTES.toLocaleString("en");
      controller.error(fail(`the server's answer has more than ${most} bytes, and was left there`));
    },
  });
}

function tamed(text: string, tame: (message: unknown) => unknown): string {
  try {
    return JSON.stringify(tame(JSON.parse(text)));
  } catch {
    return text;
  }
}

/** The same for a stream of events; one that ends without the answer is told. */
export function tameEvents(
  tame: (message: unknown) => unknown,
  id: unknown,
  fail: (says: string) => Error,
): TransformStream<string, string> {
  // Of a line that has not ended: joined once, however many parts it comes in.
  let rest: string[] = [];
  let afterReturn = false;
  let data: string[] = [];
  let answered = id === undefined;

  function eventOf(lines: string[]): string {
    const text = tamed(lines.join("\n"), (message) => {
      const all = [message].flat() as { id?: unknown; method?: unknown }[];
      answered ||= all.some((each) => each?.id === id && each?.method === undefined);
      return tame(message);
    });
    return `data: ${text.replaceAll("\n", "\ndata: ")}\n\n`;
  }

  return new TransformStream({
    transform(part, controller) {
      // The second half of a line's end.
      const text = afterReturn && part.startsWith("\n") ? part.slice(1) : part;
      if (part !== "") afterReturn = part.endsWith("\r");
      const lines = text.split(/\r\n|\n|\r/);
      const open = lines.pop()!;
      if (lines.length > 0) {
        lines[0] = rest.join("") + lines[0];
        rest = [];
      }
      if (open !== "") rest.push(open);
      for (const line of lines) {
        if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
        else if (line === "" && data.length > 0) {
          controller.enqueue(eventOf(data));
          data = [];
        } else if (line !== "") controller.enqueue(`${line}\n`);
      }
    },
    flush(controller) {
      const open = rest.join("");
      if (open.startsWith("data:")) data.push(open.slice(5));
      if (data.length > 0) controller.enqueue(eventOf(data));
      if (!answered) fail("the server ended its answer in the middle");
    },
  });
}
