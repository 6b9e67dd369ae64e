import { searchSubjects } from "../../lib/message/subject/search.ts";
import { readSubject } from "../../lib/message/subject/subject.ts";
import { listSubjectEntries } from "../../lib/message/subject/timeline.ts";
import type { Services } from "../../lib/services.ts";
import { createApi, createRoute, json, missing, refusals } from "../openapi.ts";
import { notFound } from "../problem.ts";
import { idParam, page, searchOf } from "../schemas/fields.ts";
import { subject, subjectFilter, timelinePage, wholeSubject } from "../schemas/subject.ts";

/** `/api/subjects`: what messages are about. */
export function subjects({ services: { database } }: { services: Services }) {
  return createApi()
    .openapi(
      createRoute({
        method: "get",
        path: "/api/subjects",
        operationId: "listSubjects",
        summary: "What messages are about: open ones first, each by its newest message",
        description: "One request looks through so many and no more, and says so: `stopped`",
        request: { query: subjectFilter.extend(page) },
        responses: { 200: json("A page of subjects", searchOf(subject)), ...refusals },
      }),
      async (c) => {
        const { cursor, limit, q, ...filter } = c.req.valid("query");
        const search = { ...filter, text: q, after: cursor };
        const { items, next = null, stopped = null } = await searchSubjects(
          database,
          search,
          limit,
        );
        return c.json({ items, next, stopped }, 200);
      },
    )
    .openapi(
      createRoute({
        method: "get",
        path: "/api/subjects/{id}",
        operationId: "getSubject",
        summary: "One subject with its messages and tasks, newest first",
        request: { params: idParam, query: timelinePage },
        responses: { 200: json("The subject", wholeSubject), ...missing, ...refusals },
      }),
      async (c) => {
        const { id } = c.req.valid("param");
        const { cursor, limit } = c.req.valid("query");
        const found = await readSubject(database, id);
        if (!found) throw notFound("subject");
        const { items, next = null } = await listSubjectEntries(database, {
          subjectId: id,
          before: cursor,
          limit,
        });
        return c.json({ ...found, timeline: { items, next } }, 200);
      },
    );
}
