import type { SubjectRole } from "../../../sources/subject.ts";
import type { Database } from "../../store/database.ts";
import { mayHear } from "./audience.ts";

/** As many as one look lists. */
export const TITLES_AT_ONCE = 50;

/** A message about the same as a task, as its agent may know it. */
export interface SubjectTitle {
  received_at: Date;
  role: SubjectRole | null;
  event: string | null;
  title: string | null;
}

/**
 * The titles of all messages of a subject, newest first, a page at a time. To a task whose message
 * somebody vouches for (`verified`) only those that are vouched for, too; to none what is for others
 * than whom it was told of.
 */
export async function listSubjectTitles(
  database: Database,
  { taskId, subjectId, verified, page }: {
    taskId: string;
    subjectId: string;
    verified: boolean;
    page: number;
  },
): Promise<{ titles: SubjectTitle[]; hasMore: boolean }> {
  const titles = await database.query("list the titles of a subject", (sql) =>
    sql<SubjectTitle[]>`
      select received_at, role, event, title from messages m
      where subject_id = ${subjectId} and subject_id is not null
        and (${!verified} or verification = 'verified') and state <> 'rejected'
        and ${mayHear(sql, taskId)}
      order by id desc limit ${TITLES_AT_ONCE + 1} offset ${(page - 1) * TITLES_AT_ONCE}`);
  return { titles: titles.slice(0, TITLES_AT_ONCE), hasMore: titles.length > TITLES_AT_ONCE };
}
