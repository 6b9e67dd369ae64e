import type { Database } from "../../store/database.ts";
import { storedJson } from "../../store/stored.ts";
import type { MessageSubject } from "./subject.ts";

/** Another key of a subject, and whether it is the newest that is known of it. */
interface KnownAlias {
  alias: string;
  key: string;
  verified: boolean;
  is_newest: boolean;
}

/**
 * What messages are about once it is known whose aliases they name: a check of a commit is about
 * the open pull request that has it at its head. Aliases that other messages of the batch bring
 * count, too, whatever their order: senders keep none.
 *
 * @returns for each its subject as it is to be written; undefined where two open ones have the alias.
 */
export async function resolveJoins(
  database: Database,
  subjects: readonly MessageSubject[],
): Promise<(MessageSubject | undefined)[]> {
  const joining = subjects.filter(({ joins }) => joins.length > 0);
  if (joining.length === 0) return [...subjects];
  const kept = await findAliases(database, joining);
  return subjects.map((subject) => resolve(subject, [...kept, ...aliasesIn(subjects, subject)]));
}

function resolve(
  subject: MessageSubject,
  known: readonly KnownAlias[],
): MessageSubject | undefined {
  for (const alias of subject.joins) {
    const found = known.filter((each) =>
      each.alias === alias && (each.verified || !subject.verified)
    );
    const keys = new Set(found.map(({ key }) => key));
    if (keys.size > 1) return undefined;
    const [key] = keys;
    if (key === undefined) continue;
    const role = subject.joinedRole ?? subject.role;
    // What a machine says of an older commit is no news of the present one.
    const isOld = role === "result" && !found.some(({ is_newest }) => is_newest);
    // The name is the commit's, and the subject has one of its own.
    return { ...subject, key, role: isOld ? "notes" : role, name: undefined, link: undefined };
  }
  return subject;
}

/** Those that come with the same batch. */
function aliasesIn(subjects: readonly MessageSubject[], { source }: MessageSubject): KnownAlias[] {
  return subjects
    .filter((each) => each.source === source && each.role !== "closes" && !each.isRetold)
    .flatMap(({ key, verified, aliases }) =>
      aliases.map((alias) => ({ alias, key, verified, is_newest: true }))
    );
}

/** Of open subjects. */
async function findAliases(
  database: Database,
  subjects: readonly MessageSubject[],
): Promise<KnownAlias[]> {
  const asked = subjects.flatMap(({ source, joins }) => joins.map((alias) => ({ source, alias })));
  return await database.query("find whose aliases these are", (sql) =>
    sql<KnownAlias[]>`
      select a.alias, a.key, a.verified, not exists (
        select from subject_aliases newer
        where newer.source = a.source and newer.key = a.key and newer.sent_at > a.sent_at
      ) as is_newest
      from (select distinct source, alias
        from jsonb_to_recordset(${storedJson(asked)}::text::jsonb) as g(source text, alias text)) g
      join subject_aliases a on a.source = g.source and a.alias = g.alias
      join subjects s on s.source = a.source and s.key = a.key and s.closed_at is null`);
}
