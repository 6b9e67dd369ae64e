import { z } from "zod";
import type { ToolSpec } from "../tool_spec.ts";
import { createNotify } from "./notify.ts";
import { getPayload, searchPayload } from "./payload.ts";
import { listSubject } from "./subject.ts";
import { addNote, reassignTask, setTitle } from "./task.ts";
import type { Tool } from "./tool.ts";
import { waitForEvent } from "./wait.ts";

/** Asks people; the run stops and goes on with their answer. The loop knows it. */
const askHuman: Tool<{ question: string }> = {
  name: "ask_human",
  description: "Asks the team a question and waits for the answer. Only when you cannot go on.",
  capability: { reads: "payload", effect: "internal" },
  atomic: true,
  arguments: z.strictObject({ question: z.string().trim().min(1).max(2_000) }),
  run: () => Promise.reject(new Error("answered by people")),
};

/** Ends the run. The loop knows it. */
export const finish: Tool<{
  status: "completed" | "failed";
  summary: string;
  details?: Record<string, unknown>;
}> = {
  name: "finish",
  description: "Ends the task with a summary for the team.",
  capability: { reads: "payload", effect: "none" },
  atomic: true,
  arguments: z.strictObject({
    status: z.enum(["completed", "failed"]),
    summary: z.string().trim().min(1).max(20_000).describe("Markdown, for people"),
    details: z.union([
      z.array(z.strictObject({ name: z.string(), value: z.string() }))
        .transform((facts) => Object.fromEntries(facts.map(({ name, value }) => [name, value]))),
      z.record(z.string(), z.unknown()),
    ]).optional(),
  }),
  // Written out: Gemini takes no object without named fields.
  schema: {
    type: "object",
    properties: {
      status: { type: "string", enum: ["completed", "failed"] },
      summary: { type: "string", description: "Markdown, for people" },
      details: {
        type: "array",
        description: "Facts, for programs",
        items: {
          type: "object",
          properties: { name: { type: "string" }, value: { type: "string" } },
          required: ["name", "value"],
        },
      },
    },
    required: ["status", "summary"],
  },
  run: () => Promise.reject(new Error("ends the run")),
};

/** Otto's own tools; `destinations` are those that `notify` may name. */
export function builtInTools(destinations: readonly string[]): Tool[] {
  const tools: Tool[] = [
    getPayload,
    searchPayload,
    listSubject,
    addNote,
    setTitle,
    reassignTask,
    askHuman,
    waitForEvent,
    finish,
  ];
  return destinations.length > 0 ? [...tools, createNotify(destinations)] : tools;
}

/** A tool as a model sees it. */
export function specOf({ name, description, arguments: shape, schema }: Tool): ToolSpec {
  return {
    name,
    description,
    schema: schema ?? z.toJSONSchema(shape, { io: "input" }) as Record<string, unknown>,
  };
}
