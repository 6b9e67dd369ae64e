import { Hono } from "hono";
import { searchAudit } from "../../../lib/people/audit_search.ts";
import { listUsers } from "../../../lib/people/user.ts";
import type { Services } from "../../../lib/services.ts";
import { createLabels } from "../../../sources/rules/names.ts";
import type { Env } from "../../caller.ts";
import { auditFilter } from "../../schemas/audit.ts";
import { auditPage, type AuditQuery } from "../../views/people/audit.ts";
import { asked, queryOf } from "../form.ts";
import { readFrame } from "../frame.ts";

/** As many as the other lists show. */
const MOST_ROWS = 50;
/** More would be no choice to look through. */
const MOST_PEOPLE = 100;

/** `/audit`: who did what, when and from where. */
export function auditPages(
  { services: { database, sources } }: { services: Services },
): Hono<Env> {
  const labelOf = createLabels(sources);
  const app = new Hono<Env>();
  app.get("/audit", async (c) => {
    const frame = await readFrame(c, database, "audit");
    const query: AuditQuery = queryOf(auditFilter, (name) => asked(c, name));
    const { before, ...filter } = query;
    const search = { ...auditFilter.parse(filter), before };
    const [found, people] = await Promise.all([
      searchAudit(database, search, MOST_ROWS),
      listUsers(database, { limit: MOST_PEOPLE }),
    ]);
    return c.html(auditPage({ frame, found, query, people, labelOf }));
  });
  return app;
}
