import { searchSubjects } from "../../lib/message/subject/search.ts";
import { resumeSubject, stopSubject } from "../../lib/message/subject/stop.ts";
import { readSubject, type ToldSubject } from "../../lib/message/subject/subject.ts";
import { listSubjectEntries } from "../../lib/message/subject/timeline.ts";
import type { Services } from "../../lib/services.ts";
import type { Database } from "../../lib/store/database.ts";
import { conflict, createApi, createRoute, json, missing, refusals } from "../openapi.ts";
import { notFound, Problem } from "../problem.ts";
import { foundPage, idParam, page, searchOf } from "../schemas/fields.ts";
import { subject, subjectFilter, timelinePage, wholeSubject } from "../schemas/subject.ts";

/** What a person says of a subject that they stop. */
const BY_A_PERSON = "a person has stopped it";

/** Stops a subject; @throws {Problem} 404, or 409 where it is stopped already. */
export async function stop(database: Database, id: string): Promise<void> {
  if (await stopSubject(database, { id, why: BY_A_PERSON })) return;
  if (!await readSubject(database, id)) throw notFound("subject");
  throw wrongState("stopped", "It is stopped already");
}

/** Lets one go on; @throws {Problem} 404, or 409 where it is not stopped. */
export async function resume(database: Database, id: string): Promise<void> {
  if (await resumeSubject(database, id)) return;
  if (!await readSubject(database, id)) throw notFound("subject");
  throw wrongState("resumed", "It is not stopped: its messages make tasks");
}

function wrongState(what: string, why: string): Problem {
  return new Problem(409, "wrong_state", `This subject cannot be ${what}`, why);
}

const act = (action: "stop" | "resume", summary: string) =>
  createRoute({
    method: "post",
    path: `/api/subjects/{id}/${action}`,
    operationId: `${action}Subject`,
    summary,
    request: { params: idParam },
    responses: { 200: json("The subject", subject), ...missing, ...conflict, ...refusals },
  });

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
        return c.json(foundPage(await searchSubjects(database, search, limit)), 200);
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
    )
    .openapi(
      act("stop", "Keep what is told of a subject, and make no more tasks of it"),
      async (c) => c.json(await done(database, c.req.valid("param").id, stop), 200),
    )
    .openapi(
      act("resume", "Let a stopped subject make tasks again"),
      async (c) => c.json(await done(database, c.req.valid("param").id, resume), 200),
    );
}

async function done(
  database: Database,
  id: string,
  action: typeof stop,
): Promise<ToldSubject> {
  await action(database, id);
  const found = await readSubject(database, id);
  if (!found) throw notFound("subject");
  return found;
}
