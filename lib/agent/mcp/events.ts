/** An event of a stream. */
export interface StreamEvent {
  /** Of a message; undefined where there is none, and in events of other types. */
  data?: string;
  /** After which the stream can be gone on with, on another connection. */
  id?: string;
  /** Milliseconds until it may be asked for there. */
  retry?: number;
}

/** What fits into a header, and no longer than anybody's. */
const ID = /^[\x21-\x7e]{1,1000}$/;

/**
 * The events of a stream, each whole, in the order in which they came; comments are left out. A
 * stream may be cut anywhere.
 */
export async function* readEvents(parts: AsyncIterable<string>): AsyncGenerator<StreamEvent> {
  let data: string[] = [];
  let event: StreamEvent = {};
  let type = "";
  const whole = (): StreamEvent =>
    data.length > 0 && (type === "" || type === "message")
      ? { data: data.join("\n"), ...event }
      : event;
  for await (const line of linesOf(parts)) {
    const [, field, value] = /^(data|event|id|retry)(?:: ?|$)([^]*)$/.exec(line) ?? [];
    if (field === "data") data.push(value);
    else if (field === "event") type = value.trim();
    else if (field === "id" && ID.test(value)) event.id = value;
    else if (field === "retry" && /^\d{1,9}$/.test(value)) event.retry = Number(value);
    else if (line === "") {
      yield whole();
      data = [];
      event = {};
      type = "";
    }
  }
  // Some servers end with the connection what they should end with an empty line. What broke off
  // may have come in part, and must come again.
  event = {};
  yield whole();
}

async function* linesOf(parts: AsyncIterable<string>): AsyncGenerator<string> {
  // Of a line that has not ended: joined once, however many parts it comes in.
  let rest: string[] = [];
  let afterReturn = false;
  for await (const part of parts) {
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
    yield* lines;
  }
  if (rest.length > 0) yield rest.join("");
}
