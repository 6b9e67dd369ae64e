import { within } from "./wait.ts";

/** One server-sent event. */
export interface StreamEvent {
  id?: string;
  event: string;
  data: string;
}

export interface EventStream extends AsyncDisposable {
  readonly response: Response;
  /** The next event (comments are passed over). @default {5000} timeoutMs */
  next(options?: { timeoutMs?: number }): Promise<StreamEvent>;
}

/** Opens a stream of server-sent events; anything else than a 200 is an error. */
export async function openEvents(
  url: string,
  { headers = {}, timeoutMs = 5000 }: {
    headers?: Record<string, string>;
    timeoutMs?: number;
  } = {},
): Promise<EventStream> {
  const stop = new AbortController();
  const response = await within(
    fetch(url, {
      headers: { accept: "text/event-stream", ...headers },
      signal: stop.signal,
    }),
    timeoutMs,
    `${url} to answer`,
  );
  if (response.status !== 200 || response.body === null) {
    const text = await response.text();
    throw new Error(`Cannot stream ${url}: ${response.status} ${text}`);
  }
  const events = parse(response.body);
  return {
    response,
    async next({ timeoutMs = 5000 } = {}) {
      const { value } = await within(
        events.next(),
        timeoutMs,
        `an event of ${url}`,
      );
      if (value === undefined) throw new Error(`The stream ${url} has ended`);
      return value;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await events.return(undefined).catch(() => {});
    },
  };
}

async function* parse(
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<StreamEvent, undefined> {
  let rest = "";
  let fields: Record<string, string[]> = {};
  // deno-lint-ignore no-explicit-any
  for await (const text of body.pipeThrough(new TextDecoderStream() as any)) {
    const lines = (rest + text).split(/\r\n|\n/);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line !== "") {
        const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line) ?? ["", "", ""];
        (fields[name] ??= []).push(value);
      } else {
        if (fields.data) {
          yield {
            id: fields.id?.at(-1),
            event: fields.event?.at(-1) ?? "message",
            data: fields.data.join("\n"),
          };
        }
        fields = {};
      }
    }
  }
}
