import { z } from "@hono/zod-openapi";
import { conflict, createRoute, dropped, json, missing, refusals } from "../openapi.ts";
import { group } from "../schemas/filter.ts";
import { idParam, page, searchOf } from "../schemas/fields.ts";
import { messageFilter } from "../schemas/message_filter.ts";
import { message, replay, wholeMessage } from "../schemas/message.ts";
import { task } from "../schemas/task.ts";

export const LIST = createRoute({
  method: "get",
  path: "/api/messages",
  operationId: "listMessages",
  summary: "Messages that match, newest first",
  description: "One request looks through so many messages and no more, and says so: `stopped`",
  request: { query: messageFilter.extend({ group, ...page }) },
  responses: { 200: json("A page of messages", searchOf(message)), ...refusals },
});

export const READ = createRoute({
  method: "get",
  path: "/api/messages/{id}",
  operationId: "getMessage",
  summary: "One message with its headers and payload",
  request: { params: idParam },
  responses: { 200: json("The message", wholeMessage), ...missing, ...refusals },
});

export const READ_BODY = createRoute({
  method: "get",
  path: "/api/messages/{id}/body",
  operationId: "getMessageBody",
  summary: "The body, byte for byte as it was received",
  request: { params: idParam },
  responses: {
    200: {
      description: "The bytes, as a file to save",
      content: { "application/octet-stream": { schema: z.string() } },
    },
    ...dropped,
    ...missing,
    ...refusals,
  },
});

export const REPLAY = createRoute({
  method: "post",
  path: "/api/messages/{id}/replay",
  operationId: "replayMessage",
  summary: "Work a message again: a new message with the same bytes, verified anew",
  request: { params: idParam },
  responses: {
    201: json("The new message's id", replay),
    ...missing,
    ...conflict,
    ...refusals,
  },
});

export const DETACH = createRoute({
  method: "post",
  path: "/api/messages/{id}/detach",
  operationId: "detachMessage",
  summary: "Make a task of its own of a message that waits, unread, in another task's inbox",
  request: { params: idParam },
  responses: { 201: json("The new task", task), ...missing, ...conflict, ...refusals },
});

export const REMOVE = createRoute({
  method: "delete",
  path: "/api/messages/{id}",
  operationId: "deleteMessage",
  summary: "Remove a message, its task and its notifications",
  request: { params: idParam },
  responses: { 204: { description: "It is gone" }, ...missing, ...refusals },
});
