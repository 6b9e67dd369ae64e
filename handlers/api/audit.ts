import { searchAudit } from "../../lib/people/audit_search.ts";
import type { Services } from "../../lib/services.ts";
import { createApi, createRoute, json, refusals } from "../openapi.ts";
import { auditEntry, auditFilter } from "../schemas/audit.ts";
import { foundPage, page, searchOf } from "../schemas/fields.ts";

/** `GET /api/audit`: what people did. Nothing changes it but its age. */
export function audit({ services: { database } }: { services: Services }) {
  return createApi().openapi(
    createRoute({
      method: "get",
      path: "/api/audit",
      operationId: "listAudit",
      summary: "What people did, newest first: who, when, what, from where",
      request: { query: auditFilter.extend(page) },
      responses: { 200: json("A page of entries", searchOf(auditEntry)), ...refusals },
    }),
    async (c) => {
      const { cursor, limit, ...filter } = c.req.valid("query");
      const search = { ...filter, before: cursor };
      return c.json(foundPage(await searchAudit(database, search, limit)), 200);
    },
  );
}
