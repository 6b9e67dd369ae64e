import { isId } from "../../../lib/store/id.ts";
import type { TaskEvent } from "../../../lib/task/task.ts";
import { counted } from "../parts/count.ts";
import type { StageView } from "../parts/stages.ts";

/** What one entry of a task's timeline says, in words. */
export interface Said {
  what: string;
  tone: StageView["state"];
  detail?: string;
  /** The message that it is about, whose title is the detail. */
  messageId?: string;
}

type Data = Record<string, unknown>;

/** An entry's data, whatever it is. */
export function dataOf({ data }: Pick<TaskEvent, "data">): Data {
  return typeof data === "object" && data !== null ? data as Data : {};
}

/** A text in an entry's data. */
export function textIn(data: Data, name: string): string | undefined {
  const value = data[name];
  if (typeof value === "string") return value;
  return typeof value === "number" ? String(value) : undefined;
}

/** An entry in words; kinds that this version does not know keep their own name. */
export function said(event: Pick<TaskEvent, "kind" | "data">): Said {
  const data = dataOf(event);
  const tool = textIn(data, "tool") ?? "a tool";
  switch (event.kind) {
    case "created":
      return { what: "Task created", tone: "done" };
    case "started":
      return { what: "Agent started", tone: "done" };
    case "taken_over":
      return { what: "Taken over by another worker", tone: "none" };
    case "step":
      return {
        what: `Model step ${textIn(data, "step") ?? ""}`.trim(),
        tone: "done",
        detail: stepDetail(data),
      };
    case "call_lost":
      return {
        what: "A model call was lost",
        tone: "failed",
        detail: `What it has billed, or may have, is counted: ${
          Number(data.tokens).toLocaleString("en")
        } tokens`,
      };
    case "knocked":
      return {
        what: "The model's provider is there",
        tone: "done",
        detail: `Asked with ${
          Number(data.tokens).toLocaleString("en")
        } tokens, since calls before had broken off`,
      };
    case "tool_call":
      return { what: `Called ${tool}`, tone: "done" };
    case "tool_result":
      return data.error
        ? { what: `${tool} failed`, tone: "failed", detail: textIn(data, "error") }
        : { what: `${tool} answered`, tone: "done" };
    case "tool_denied":
      return { what: `${tool} refused`, tone: "failed", detail: textIn(data, "reason") };
    case "approval_requested":
      return { what: `Asks to call ${tool}`, tone: "active", detail: textIn(data, "reason") };
    case "approved":
      return { what: `${tool} approved`, tone: "done" };
    case "denied":
      return { what: `${tool} denied`, tone: "failed" };
    case "approval_expired":
      return { what: `Nobody decided on ${tool} in time`, tone: "failed" };
    case "waiting_input":
    case "asked":
      return { what: "Waits for an answer", tone: "active", detail: textIn(data, "question") };
    case "answered":
      return { what: "Answered", tone: "done", detail: textIn(data, "text") };
    case "later":
    case "put_off":
      return { what: "Put off", tone: "waiting", detail: textIn(data, "reason") };
    case "message_added":
      return { what: "A later message", tone: "done", ...messageIn(data) };
    case "message_detached":
      return {
        what: "A later message became a task of its own",
        tone: "none",
        ...messageIn(data),
      };
    case "closed":
      return { what: "What it is about was closed", tone: "none", ...messageIn(data) };
    case "messages_read":
      return { what: `Read ${counted(Number(data.messages) || 1, "later message")}`, tone: "done" };
    case "said_so_far":
      return { what: "Said so far", tone: "done", detail: textIn(data, "text") };
    case "waiting_event":
      return {
        what: `Waits for ${eventsIn(data) || "the next message about it"}`,
        tone: "waiting",
        detail: textIn(data, "reason"),
      };
    case "aged":
      return { what: "Open for too long: it is to end", tone: "none" };
    case "woken":
      return { what: "Woken", tone: "done" };
    case "tool_off":
      return { what: `${tool} is switched off`, tone: "none", detail: textIn(data, "reason") };
    case "replied":
      return { what: `Replied${placeIn(data)}`, tone: "done", detail: textIn(data, "text") };
    case "reply_failed":
      return {
        what: `The reply${placeIn(data)} was not sent`,
        tone: "failed",
        detail: textIn(data, "error"),
      };
    case "note":
      return { what: "Note", tone: "done", detail: textIn(data, "text") };
    case "titled":
      return { what: "New title", tone: "done", detail: textIn(data, "title") };
    case "reassigned":
      return { what: "Reassigned", tone: "done" };
    case "completed":
      return { what: "Done", tone: "done" };
    case "failed":
      return { what: "Failed", tone: "failed", detail: textIn(data, "error") };
    case "cancelled":
      return { what: "Cancelled", tone: "none" };
    case "retried":
      return { what: "Started again", tone: "none" };
    default:
      return {
        what: event.kind.replaceAll("_", " "),
        tone: "none",
        detail: textIn(data, "reason") ?? textIn(data, "text") ?? textIn(data, "error"),
      };
  }
}

function messageIn(data: Data): Pick<Said, "detail" | "messageId"> {
  const id = textIn(data, "message_id");
  const messageId = id && isId(id) ? id : undefined;
  return { detail: textIn(data, "title") ?? (messageId && "a message"), messageId };
}

function eventsIn({ events }: Data): string {
  return Array.isArray(events) ? events.join(", ") : "";
}

function placeIn(data: Data): string {
  const to = textIn(data, "to");
  return to ? ` (${to})` : "";
}

function stepDetail(data: Record<string, unknown>): string | undefined {
  const over = Number(data.over_tokens);
  return [
    textIn(data, "finish") === "length" ? "It came to its limit of tokens." : "",
    over > 0 ? `It billed ${counted(over, "token")} more than it was allowed.` : "",
    data.estimated === true ? "Its provider did not count its tokens: they are estimated." : "",
  ].filter(Boolean).join(" ") || undefined;
}
