import { oneLine } from "../../kit/line.ts";
import { httpLink } from "../../kit/link.ts";
import { isIdText } from "../../kit/subject/subject_key.ts";
import type { Subject, SubjectRole } from "../../subject.ts";
import { heldBackBy } from "../filter.ts";
import type { RequestParts } from "../path_expression.ts";
import type { Named } from "../known.ts";
import type { SourceSettings } from "../settings.ts";
import { fillLink, fillTemplate } from "../template.ts";
import { fillKey } from "./key.ts";

/** A request, and which source's it is. */
export interface SubjectRequest extends RequestParts {
  /** The name in the URL, as the sender wrote it. */
  type: string;
}

/** So many other names a subject may have or ask for: each is a row. */
const MOST_ALIASES = 4;

/**
 * What a message is about: what its source says, in the words of the operator's file where it has
 * some. Every key has the name in the URL before it, in lower case.
 */
export function subjectIn(
  { source }: Named,
  settings: SourceSettings,
  { type, headers, payload, isRaw }: SubjectRequest,
): Subject | undefined {
  const request = { headers, payload, isRaw };
  const found = settings.subject === undefined
    ? source.subject?.(payload, { headers, type })
    : settings.subject === false
    ? undefined
    : ruledSubject(settings.subject, request, source.subject?.(payload, { headers, type })?.role);
  return found && named(type.toLowerCase(), {
    ...found,
    ...ruledRoles(settings, request, found),
  });
}

function ruledSubject(
  { key: template, name, link }: Exclude<SourceSettings["subject"], false | undefined>,
  request: RequestParts,
  role: SubjectRole = "opens",
): Subject | undefined {
  const key = fillKey(template, request);
  return key === undefined ? undefined : {
    key,
    role,
    name: name && fillTemplate(name, request),
    link: httpLink(link && fillLink(link, request)),
  };
}

/** What `deliver` and `close` make of the roles that the source gives. */
function ruledRoles(
  settings: SourceSettings,
  request: RequestParts,
  { role, joinedRole = role }: Subject,
): Pick<Subject, "role" | "joinedRole"> {
  const { deliver, close } = settings;
  const ends = close && !Array.isArray(close) && heldBackBy(close, request) === undefined;
  const reaches = deliver && heldBackBy(deliver, request) === undefined;
  const ruled = (said: SubjectRole): SubjectRole => {
    if (ends) return "closes";
    const kept = close && said === "closes" ? "continues" : said;
    if (deliver === undefined || kept === "closes") return kept;
    if (!reaches) return "notes";
    return kept === "notes" ? "continues" : kept;
  };
  return { role: ruled(role), joinedRole: ruled(joinedRole) };
}

/** With the name in the URL before every key, and each text as it can be shown; no key, no subject. */
function named(type: string, subject: Subject): Subject | undefined {
  const full = (key: string) => `${type}:${key}`;
  const fits = (key: string) => isIdText(key) && isIdText(full(key));
  if (!fits(subject.key)) return undefined;
  const others = (keys: readonly string[] = []) =>
    keys.filter(fits).slice(0, MOST_ALIASES).map(full);
  return {
    ...subject,
    key: full(subject.key),
    name: oneLine(subject.name ?? "") || undefined,
    link: httpLink(subject.link),
    aliases: others(subject.aliases),
    joins: others(subject.joins),
  };
}
