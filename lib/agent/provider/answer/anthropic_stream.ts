import { isPart, type Part } from "./parts.ts";

/** Where the pieces of a part's text are, by what they are a piece of (Anthropic's page on streaming). */
const PIECES: Record<string, string> = {
  text_delta: "text",
  thinking_delta: "thinking",
  signature_delta: "signature",
  input_json_delta: "partial_json",
};

/** A message of Anthropic's protocol, made of the events of its stream. */
export function joinMessage(events: readonly Part[]): Part | undefined {
  const content: Part[] = [];
  const open = new Map<unknown, { part: Part; pieces: Map<string, string[]> }>();
  let usage: Part = {};
  let end: unknown;
  for (const { type, index, message, content_block, delta, usage: counted } of events) {
    if (isPart(message) && isPart(message.usage)) usage = { ...message.usage };
    if (type === "content_block_start" && isPart(content_block)) {
      const part = { ...content_block };
      content.push(part);
      open.set(index, { part, pieces: new Map() });
    }
    if (!isPart(delta)) continue;
    end = delta.stop_reason ?? end;
    if (isPart(counted)) usage = { ...usage, ...counted };
    const name = PIECES[String(delta.type)];
    const block = open.get(index);
    const piece = name === undefined ? undefined : delta[name];
    if (!block || typeof piece !== "string") continue;
    const pieces = block.pieces.get(name);
    if (pieces) pieces.push(piece);
    else block.pieces.set(name, [piece]);
  }
  for (const { part, pieces } of open.values()) {
    for (const [name, all] of pieces) {
      if (name === "partial_json") part.input = all.join("");
      else part[name] = `${part[name] ?? ""}${all.join("")}`;
    }
  }
  if (content.length === 0 && end === undefined) return undefined;
  // A stream without an end was cut.
  return { type: "message", content, stop_reason: end ?? "error", usage };
}
