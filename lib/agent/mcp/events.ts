/**
 * The data of a stream of events, each whole, in the order in which they came; events of other
 * types than messages are left out, and so are comments. A stream may be cut anywhere.
 */
export async function* readEvents(parts: AsyncIterable<string>): AsyncGenerator<string> {
  let data: string[] = [];
  let type = "";
  for await (const line of linesOf(parts)) {
    if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
    else if (line.startsWith("event:")) type = line.slice(6).trim();
    else if (line === "") {
      if (data.length > 0 && (type === "" || type === "message")) yield data.join("\n");
      data = [];
      type = "";
    }
  }
  // Some servers end with the connection what they should end with an empty line.
  if (data.length > 0 && (type === "" || type === "message")) yield data.join("\n");
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
