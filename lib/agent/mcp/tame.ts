import { isPart, type Part } from "../provider/answer/parts.ts";

/** A request that was made. */
export interface Asked {
  method: string;
  id: unknown;
}

/** What a server has sent, as it came, and as the SDK takes it. */
export interface Tamer {
  /** The SDK refuses a whole message for one part that it does not know, and waits on for another. */
  tame(message: unknown, asked: Asked): unknown;
  /** The newest result of `tools/list` or `tools/call`. */
  last(): unknown;
  /** Whether the server has said that its list of tools is another now. */
  listChanged(): boolean;
}

/** What the SDK is shown of each result: as much as it needs to go on. */
const SHOWN: Record<string, (result: Part) => Part> = {
  // That it has tools is known by asking for them: some say so nowhere.
  "initialize": ({ protocolVersion }) => ({
    protocolVersion: String(protocolVersion),
    capabilities: { tools: {} },
    serverInfo: { name: "", version: "" },
  }),
  "server/discover": ({ supportedVersions }) => ({
    supportedVersions: [supportedVersions].flat().map(String),
    capabilities: { tools: {} },
  }),
  // An empty cursor never ends in the Java SDK (java-sdk#575), and null is none (Wazuh#75).
  "tools/list": ({ nextCursor }) => ({
    tools: [],
    ...(typeof nextCursor === "string" && nextCursor !== "" ? { nextCursor } : {}),
  }),
  "tools/call": (result) => result.resultType === "input_required" ? result : { content: [] },
};

/** What a server wants to be told before it gives a result (`InputRequiredResult` of 2026-07-28). */
function wantedBy({ resultType, inputRequests }: Part): string | undefined {
  const isAsking = resultType === "input_required" && isPart(inputRequests) &&
    Object.keys(inputRequests).length > 0;
  return isAsking
    ? `it wants to be told something first, and nobody here is asked: ${
      JSON.stringify(inputRequests)
    }`
    : undefined;
}

export function createTamer(): Tamer {
  let last: unknown;
  let changed = false;

  function tameResult(result: Part, { method }: Asked, isAnswer: boolean): Part {
    // A stream that is gone on with, or a gateway's batch, may have what others were answered.
    if (isAnswer && method.startsWith("tools/")) last = result;
    const { resultType } = result;
    const shown = SHOWN[method]?.(result) ?? result;
    // The protocol of 2026 has it in every result.
    return typeof resultType === "string" ? { ...shown, resultType } : shown;
  }

  return {
    last: () => last,
    listChanged: () => changed,
    tame(message, asked) {
      if (!isPart(message)) return message;
      const { method, params, result, error } = message;
      const id = message.id ?? undefined;
      if (typeof method === "string") {
        changed ||= method === "notifications/tools/list_changed";
        // One that the SDK cannot read it leaves unanswered, and the server waits.
        return {
          jsonrpc: "2.0",
          ...(id === undefined ? {} : { id }),
          method,
          ...(isPart(params) ? { params } : {}),
        };
      }
      const answer = { jsonrpc: "2.0", id: id ?? asked.id };
      if (error !== undefined && error !== null) return { ...answer, error: readable(error) };
      const wanted = isPart(result) ? wantedBy(result) : undefined;
      if (wanted !== undefined) return { ...answer, error: readable(wanted) };
      if (isPart(result)) {
        return { ...answer, result: tameResult(result, asked, answers(answer, asked)) };
      }
      // Of a gateway, in words of its own: no answer at all.
      if (!("result" in message) && message.jsonrpc === undefined) return {};
      return { ...answer, error: readable("the server's result is no object") };
    },
  };
}

/** Whether a message that was tamed answers a request. */
export function answers(message: unknown, { id }: Asked): boolean {
  return isPart(message) && message.method === undefined && String(message.id) === String(id);
}

/**
 * An error as JSON-RPC has it, whatever a server has put into its places. Its data goes with its
 * words: there stands what is wrong with the arguments, or what a person has to open first (-32042).
 */
function readable(error: unknown): Part {
  const { code, message, data } = isPart(error) ? error : { message: error } as Part;
  const told = [message, data].map(textOf).filter((text) => text !== "");
  return {
    code: Number.isInteger(code) ? code : -32_603,
    message: told.join(": ") || "no reason",
  };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? undefined) ?? "";
}
