import { createHash } from "node:crypto";
import { partsIn } from "./answer/parts.ts";

/** A chat completion's request, as it is sent. */
export type Body = Record<string, unknown>;
type Message = Record<string, unknown>;

export function messagesOf({ messages }: Body): Message[] {
  return partsIn(messages);
}

export function withMessages(body: Body, change: (message: Message) => Message): Body {
  return { ...body, messages: messagesOf(body).map(change) };
}

export function hasCalls({ tool_calls }: Message): boolean {
  return partsIn(tool_calls).length > 0;
}

/** Users' turns that follow each other become one; between a tool's and a user's the model nods. */
export function alternating(body: Body): Body {
  const messages: Message[] = [];
  for (const message of messagesOf(body)) {
    const last = messages.at(-1);
    if (message.role === "user" && last?.role === "user") {
      messages[messages.length - 1] = { ...last, content: joined(last.content, message.content) };
      continue;
    }
    if (message.role === "user" && last?.role === "tool") {
      messages.push({ role: "assistant", content: "Noted." });
    }
    messages.push(message);
  }
  return { ...body, messages };
}

/** Instructions where there is no place for them: before what the user says first. */
export function withoutSystem(body: Body): Body {
  const [first, ...others] = messagesOf(body);
  const at = others.findIndex(({ role }) => role === "user");
  if (first?.role !== "system" || at < 0) return body;
  const user = others[at];
  others[at] = { ...user, content: joined(first.content, user.content) };
  return { ...body, messages: others };
}

export function namesCalled(body: Body): string[] {
  const calls = messagesOf(body).flatMap(({ tool_calls }) => partsIn(tool_calls));
  const names = calls.flatMap((call) => partsIn(call.function)).map(({ name }) => String(name));
  return [...new Set(names)];
}

/** A request that names the tools of its calls, and lets none be called. */
export function withToolsCalled(body: Body): Body {
  if (body.tools !== undefined) return body;
  const names = namesCalled(body);
  if (names.length === 0) return body;
  const tools = names.map((name) => ({
    type: "function",
    function: { name, description: name, parameters: { type: "object", properties: {} } },
  }));
  return { ...body, tools, tool_choice: "none" };
}

function joined(one: unknown, other: unknown): unknown {
  if (typeof one === "string" && typeof other === "string") return `${one}\n\n${other}`;
  return [one, other].flat().map((each) =>
    typeof each === "string" ? { type: "text", text: each } : each
  );
}

/** No text is empty: results that say nothing say so. */
export function withOwnWords(body: Body): Body {
  return withMessages(body, (each) => {
    if (typeof each.content !== "string" || each.content.trim() !== "") return each;
    return { ...each, content: hasCalls(each) ? null : "(nothing)" };
  });
}

/** Ids of calls that every server takes; the same one is always made of the same. */
export function withShortIds(body: Body): Body {
  return withMessages(body, ({ tool_calls, tool_call_id, ...each }) => ({
    ...each,
    ...(tool_calls === undefined ? {} : {
      tool_calls: partsIn(tool_calls).map((call) => ({ ...call, id: shortId(call.id) })),
    }),
    ...(tool_call_id === undefined ? {} : { tool_call_id: shortId(tool_call_id) }),
  }));
}

function shortId(id: unknown): string {
  const text = String(id);
  if (/^[a-zA-Z0-9]{9}$/.test(text)) return text;
  return createHash("sha256").update(text).digest("hex").slice(0, 9);
}

/** Calls one after the other, each with its result, as if they had not been made at once. */
export function withSingleCalls(body: Body): Body {
  const messages = messagesOf(body);
  const results = new Map(messages.map((each) => [each.tool_call_id, each]));
  return {
    ...body,
    messages: messages.flatMap((each) => {
      if (each.role === "tool") return [];
      if (!hasCalls(each)) return [each];
      return partsIn(each.tool_calls).flatMap((call, at) => [
        { ...each, ...(at === 0 ? {} : { content: null }), tool_calls: [call] },
        ...partsIn(results.get(call.id)),
      ]);
    }),
  };
}

/** What Google documents for a call that none of its models has signed. */
export const UNSIGNED = "skip_thought_signature_validator";

export function withSignatures(body: Body): Body {
  return withMessages(body, (each) =>
    hasCalls(each)
      ? {
        ...each,
        tool_calls: partsIn(each.tool_calls).map((call) => ({
          extra_content: { google: { thought_signature: UNSIGNED } },
          ...call,
        })),
      }
      : each);
}
