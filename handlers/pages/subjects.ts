import { type Context, Hono } from "hono";
import { searchSubjects } from "../../lib/message/subject/search.ts";
import { readSubject, type ToldSubject } from "../../lib/message/subject/subject.ts";
import { listSubjectEntries } from "../../lib/message/subject/timeline.ts";
import type { Services } from "../../lib/services.ts";
import type { Database } from "../../lib/store/database.ts";
import { isId } from "../../lib/store/id.ts";
import { labelOf } from "../../sources/rules/registry.ts";
import { listChoices } from "../../sources/rules/names.ts";
import { resume, stop } from "../api/subjects.ts";
import type { Env } from "../caller.ts";
import { notFound } from "../problem.ts";
import { subjectFilter } from "../schemas/subject.ts";
import { subjectList, type SubjectQuery } from "../views/subject/list.ts";
import { subjectPage } from "../views/subject/page.ts";
import { asked, queryOf } from "./form.ts";
import { readFrame } from "./frame.ts";

/** As many as the other lists show. */
const MOST_ROWS = 50;

/** `/subjects`, and the page of one. */
export function subjectPages({ services }: { services: Services }): Hono<Env> {
  const { database, sources } = services;
  const app = new Hono<Env>();
  /** What people call a source; for those that nobody knows, the name in the URL. */
  const nameOf = ({ source, key }: ToldSubject) =>
    Object.hasOwn(sources.all, source) && source !== "generic"
      ? labelOf({ name: source, source: sources.all[source] })
      : key.slice(0, key.indexOf(":"));

  app.get("/subjects", async (c) => {
    const frame = await readFrame(c, database, "subjects");
    const query: SubjectQuery = queryOf(subjectFilter, (name) => asked(c, name));
    const { q: text, before: after, source, state } = query;
    const found = await searchSubjects(database, {
      source,
      text,
      after,
      state: subjectFilter.shape.state.parse(state),
    }, MOST_ROWS);
    return c.html(subjectList({ frame, found, query, sources: listChoices(sources), nameOf }));
  });

  app.get("/subjects/:id", async (c) => {
    const subject = await requireSubject(database, c);
    const frame = await readFrame(c, database, "subjects");
    const cursor = asked(c, "before");
    const before = cursor && isId(cursor) ? cursor : undefined;
    const entries = await listSubjectEntries(database, {
      subjectId: subject.id,
      before,
      limit: MOST_ROWS,
    });
    return c.html(
      subjectPage({ frame, subject, sourceName: nameOf(subject), ...entries, before }),
    );
  });
  for (const [action, act] of Object.entries({ stop, resume })) {
    app.post(`/subjects/:id/${action}`, async (c) => {
      const { id } = await requireSubject(database, c);
      await act(database, id);
      return c.redirect(`/subjects/${id}`, 303);
    });
  }
  return app;
}

async function requireSubject(database: Database, c: Context<Env>): Promise<ToldSubject> {
  const id = c.req.param("id") ?? "";
  const found = isId(id) ? await readSubject(database, id) : undefined;
  if (!found) throw notFound("subject");
  return found;
}
