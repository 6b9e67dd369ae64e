import type { Services } from "../../../lib/services.ts";
import type { Database } from "../../../lib/store/database.ts";
import {
  type BulkAction,
  cancelBulkAction,
  listBulkActions,
  readBulkAction,
} from "../../../lib/work/bulk/bulk_action.ts";
import { z } from "@hono/zod-openapi";
import { conflict, createApi, createRoute, json, missing, refusals } from "../../openapi.ts";
import { Problem } from "../../problem.ts";
import { bulkAction, bulkActions } from "../../schemas/bulk.ts";
import { idParam, page } from "../../schemas/fields.ts";

/** `/api/bulk`: what is done to many things in the background, how far it is, and its end. */
export function bulkApi({ services: { database } }: { services: Services }) {
  return createApi()
    .openapi(
      createRoute({
        method: "get",
        path: "/api/bulk",
        operationId: "listBulkActions",
        summary: "Bulk actions, newest first",
        request: { query: z.object(page) },
        responses: { 200: json("A page of bulk actions", bulkActions), ...refusals },
      }),
      async (c) => {
        const { limit, cursor } = c.req.valid("query");
        const items = await listBulkActions(database, { limit, before: cursor });
        return c.json({ items, next: items.length === limit ? items.at(-1)!.id : null }, 200);
      },
    )
    .openapi(
      createRoute({
        method: "get",
        path: "/api/bulk/{id}",
        operationId: "getBulkAction",
        summary: "One bulk action, and how far it is",
        request: { params: idParam },
        responses: { 200: json("The bulk action", bulkAction), ...missing, ...refusals },
      }),
      async (c) => c.json(await requireBulkAction(database, c.req.valid("param").id), 200),
    )
    .openapi(
      createRoute({
        method: "post",
        path: "/api/bulk/{id}/cancel",
        operationId: "cancelBulkAction",
        summary: "End a bulk action: what was done stays",
        request: { params: idParam },
        responses: {
          200: json("The bulk action", bulkAction),
          ...missing,
          ...conflict,
          ...refusals,
        },
      }),
      async (c) => {
        const { id } = c.req.valid("param");
        await endBulkAction(database, id);
        return c.json(await requireBulkAction(database, id), 200);
      },
    );
}

/** @throws {Problem} 404 when there is none. */
export async function requireBulkAction(database: Database, id: string): Promise<BulkAction> {
  const found = await readBulkAction(database, id);
  if (found) return found;
  throw new Problem(
    404,
    "bulk_action_not_found",
    "There is no bulk action with this id",
    "GET /api/bulk lists them; they are kept for 30 days after their end",
  );
}

/** Cancels it; @throws {Problem} 404, or 409 when it has ended. */
export async function endBulkAction(database: Database, id: string): Promise<void> {
  if (await cancelBulkAction(database, id)) return;
  const { state, done, total } = await requireBulkAction(database, id);
  throw new Problem(
    409,
    "wrong_state",
    `A bulk action that is ${state} cannot be cancelled: ${done} of ${total} were done`,
    "What was done stays",
  );
}
