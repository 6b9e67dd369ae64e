/** One server-sent event. */
export interface ServerEvent {
  name: string;
  data: string;
  /** The last id that came; where to go on after a break. */
  id?: string;
}

/** One event is the JSON of one row, whose texts Otto cuts; a stream with longer ones is none of its. */
const MOST_EVENT_CHARACTERS = 4 * 1024 * 1024;

/**
 * Reads server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), of
 * those parts that Otto sends. Rejects when the stream breaks, is silent for `silentMs`, or an event
 * never ends.
 */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  silentMs: number,
  signal: AbortSignal,
): AsyncGenerator<ServerEvent> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let event: { name: string; data: string[]; size: number } = empty();
  let id: string | undefined;
  try {
    for (;;) {
      const { done, value } = await withinSilence(reader.read(), silentMs, signal);
      if (done) return;
      const lines = (rest + value).split("\n");
      rest = lines.pop()!;
      if (rest.length + event.size > MOST_EVENT_CHARACTERS) throw new Error("an event without end");
      for (const line of lines) {
        if (line === "") {
          if (event.data.length > 0) yield { name: event.name, data: event.data.join("\n"), id };
          event = empty();
          continue;
        }
        const colon = line.indexOf(":");
        const field = line.slice(0, colon);
        const text = line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
        if (field === "event") event.name = text;
        else if (field === "id") id = text;
        else if (field === "data") {
          event.data.push(text);
          event.size += text.length;
        }
      }
    }
  } finally {
    // Not waited for: a line that is gone may never say that it is closed.
    reader.cancel().catch(() => {});
  }
}

function empty() {
  return { name: "message", data: [] as string[], size: 0 };
}

/** A line that a sleeping machine or a proxy has cut says nothing any more, and no error either. */
async function withinSilence<T>(work: Promise<T>, ms: number, signal: AbortSignal): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stop = () => {};
  try {
    return await Promise.race([
      work,
      new Promise<never>((_, reject) => {
        stop = () => reject(new Error("it was stopped"));
        if (signal.aborted) stop();
        signal.addEventListener("abort", stop, { once: true });
        timer = setTimeout(() => reject(new Error(`nothing was heard for ${ms / 1_000} s`)), ms);
      }),
    ]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}
