import { at, first, isObject, line } from "../kit/json_path.ts";
import { quoted, words } from "../kit/line.ts";
import { httpLink } from "../kit/link.ts";
import { idAt, keyOf, roleIn, timeAt, toSubject } from "../kit/subject/subject_key.ts";
import type { Subject, SubjectRole } from "../subject.ts";
import { repositoryOf } from "./title.ts";

/** Of pull requests and issues, on Cloud and on Data Center. */
const ROLES = {
  opens: ["pullrequest:created", "issue:created", "pr:opened"],
  continues: [
    "pullrequest:updated",
    "pullrequest:push",
    "pullrequest:comment_created",
    "pullrequest:changes_request_created",
    "issue:updated",
    "issue:comment_created",
    "pr:modified",
    "pr:from_ref_updated",
    "pr:comment:added",
    "pr:reviewer:needs_work",
    "pr:reviewer:changes_requested",
  ],
  closes: [
    "pullrequest:fulfilled",
    "pullrequest:rejected",
    "pr:merged",
    "pr:declined",
    "pr:deleted",
  ],
};

/** The states of an issue that is over. */
const OVER = ["resolved", "closed", "invalid", "duplicate", "wontfix"];

/** What an event is about: a pull request, an issue, or the commit that a build has run on. */
export function subjectOf(payload: unknown, event: string | undefined): Subject | undefined {
  const pull = first(at(payload, "pullrequest"), at(payload, "pullRequest"));
  if (pull !== undefined) return pullRequest(payload, pull, roleIn(ROLES, event));
  if (isObject(payload, "issue")) return issue(payload, event);
  return isObject(payload, "commit_status") ? build(payload) : undefined;
}

function pullRequest(payload: unknown, pull: unknown, role: SubjectRole): Subject | undefined {
  const repository = first(
    repositoryId(at(payload, "repository")),
    repositoryId(at(pull, "destination", "repository")),
    repositoryId(at(pull, "toRef", "repository")),
  );
  const head = commitId(
    first(idAt(pull, "source", "commit", "hash"), idAt(pull, "fromRef", "latestCommit")),
  );
  // Builds of a fork's branch are told of the fork.
  const source = first(
    repositoryId(at(pull, "source", "repository")),
    repositoryId(at(pull, "fromRef", "repository")),
  );
  const aliases = [...new Set([repository, source])].map((each) => keyOf`${each}@${head}`)
    .filter((alias) => alias !== undefined);
  const title = line(pull, "title");
  return toSubject(keyOf`${repository}#pr${numberOf(pull)}`, {
    role,
    name: title && words(`PR #${numberOf(pull)}`, quoted(title), ["in", repositoryOf(payload)]),
    link: first(
      httpLink(at(pull, "links", "html", "href")),
      httpLink(at(pull, "links", "self", 0, "href")),
    ),
    at: first(
      timeAt(payload, "date"),
      timeAt(payload, "comment", "updated_on"),
      timeAt(pull, "updated_on"),
    ),
    ...(aliases.length > 0 && { aliases }),
  });
}

function issue(payload: unknown, event: string | undefined): Subject | undefined {
  const work = at(payload, "issue");
  const number = numberOf(work);
  const title = line(work, "title");
  const isOver = OVER.includes(line(payload, "changes", "status", "new") ?? "");
  return toSubject(keyOf`${repositoryId(at(payload, "repository"))}#${number}`, {
    role: event === "issue:updated" && isOver ? "closes" : roleIn(ROLES, event),
    name: title && words(`Issue #${number}`, quoted(title), ["in", repositoryOf(payload)]),
    link: httpLink(at(work, "links", "html", "href")),
    at: first(timeAt(payload, "comment", "updated_on"), timeAt(work, "updated_on")),
  });
}

/** The commit stands only in an address: of the pull request that has it at its head, else of itself. */
function build(payload: unknown): Subject | undefined {
  const status = at(payload, "commit_status");
  const address = line(status, "links", "commit", "href");
  const head = commitId(address?.slice(address.lastIndexOf("/") + 1));
  const key = keyOf`${repositoryId(at(payload, "repository"))}@${head}`;
  return toSubject(key, {
    role: roleIn({ result: ["SUCCESSFUL", "FAILED", "STOPPED"] }, line(status, "state")),
    name: words("Commit", head?.slice(0, 7), ["in", repositoryOf(payload)]),
    at: timeAt(status, "updated_on"),
    ...(key && { joins: [key] }),
  });
}

/** Cloud's full name, or Data Center's project key and slug. */
function repositoryId(repository: unknown): string | undefined {
  return first(
    idAt(repository, "full_name"),
    keyOf`${idAt(repository, "project", "key")}/${idAt(repository, "slug")}`,
  );
}

/** Pull requests tell the first twelve digits of a commit, builds all of them. */
function commitId(id: string | undefined): string | undefined {
  const lower = id?.toLowerCase() ?? "";
  return /^[0-9a-f]{12,64}$/.test(lower) ? lower.slice(0, 12) : undefined;
}

function numberOf(work: unknown): string | undefined {
  const number = idAt(work, "id");
  return number !== undefined && /^\d{1,15}$/.test(number) ? number : undefined;
}
