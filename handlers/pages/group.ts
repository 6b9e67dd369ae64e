import type { Context } from "hono";
import {
  findSubjects,
  type SubjectRef,
  type ToldSubject,
} from "../../lib/message/subject/subject.ts";
import type { Database } from "../../lib/store/database.ts";
import type { Env } from "../caller.ts";
import { asked, oneOf } from "./form.ts";

/** How a list is asked to be put together, as it stands in its URL; nothing where each is by itself. */
export function groupIn(c: Context<Env>): { group?: "subject" } {
  const group = oneOf(asked(c, "group"), ["subject"] as const);
  return group ? { group } : {};
}

/** By their ids, what the rows of a list are about that is grouped by it; undefined for another list. */
export async function readGroups(
  database: Database,
  rows: readonly { subject: SubjectRef | null }[],
  { group }: { group?: "subject" },
): Promise<ReadonlyMap<string, ToldSubject> | undefined> {
  if (!group) return undefined;
  const ids = new Set(rows.map(({ subject }) => subject?.id).filter((id) => id !== undefined));
  return new Map((await findSubjects(database, [...ids])).map((each) => [each.id, each]));
}
