import { at, first, isObject, line, type PathKey } from "../kit/json_path.ts";
import { quoted, words } from "../kit/line.ts";
import { httpLink } from "../kit/link.ts";
import { idAt, keyOf, roleIn, timeAt, toSubject } from "../kit/subject/subject_key.ts";
import type { Subject, SubjectRole } from "../subject.ts";
import { kindOf, projectOf, requestOfRef } from "./gitlab_event.ts";

type Found = Subject | undefined;

/**
 * What an event is about: a merge request, an issue, an epic, or else a commit. Projects are known by
 * their numbers, as a job names no more. Most pipelines do not name their merge request: it is found
 * by the commit at its head.
 */
export function subjectOf(payload: unknown, headers?: Headers): Found {
  switch (kindOf(payload, headers)) {
    case "merge_request":
      return mergeRequest(payload, "object_attributes", mergeRole(payload));
    case "issue":
    case "incident":
    case "work_item":
      return issue(payload, "object_attributes", issueRole(payload));
    case "note":
      return noted(payload);
    case "pipeline":
      return ran(payload, {
        sha: numberedCommit(payload, "object_attributes", "sha"),
        ref: line(payload, "object_attributes", "ref"),
        role: roleIn(
          { result: ["success", "failed", "canceled"] },
          line(payload, "object_attributes", "status"),
        ),
        at: timeAt(payload, "object_attributes", "finished_at"),
      });
    case "build":
      return ran(payload, {
        sha: numberedCommit(payload, "sha"),
        ref: line(payload, "ref"),
        role: roleIn({ result: ["failed"] }, line(payload, "build_status")),
        at: timeAt(payload, "build_finished_at"),
      });
    default:
      return undefined;
  }
}

function mergeRole(payload: unknown): SubjectRole {
  const action = line(payload, "object_attributes", "action");
  // New commits come as an update, which names the commit before them.
  if (action === "update" && line(payload, "object_attributes", "oldrev")) return "continues";
  return roleIn({
    opens: ["open", "reopen"],
    continues: ["approved", "unapproved"],
    closes: ["merge", "close"],
  }, action);
}

function issueRole(payload: unknown): SubjectRole {
  return roleIn(
    { opens: ["open", "reopen"], closes: ["close"] },
    line(payload, "object_attributes", "action"),
  );
}

/** A comment, on whatever it is on. */
function noted(payload: unknown): Found {
  const note = at(payload, "object_attributes");
  const isSaid = at(note, "system") !== true && line(note, "action") !== "update";
  const role = isSaid ? "continues" : "notes";
  switch (line(note, "noteable_type")) {
    case "MergeRequest":
      return mergeRequest(payload, "merge_request", role);
    case "Issue":
      return issue(payload, "issue", role);
    case "Commit":
      return commit(payload, numberedCommit(payload, "commit", "id"), { role, at: saidAt(note) });
    default:
      return undefined;
  }
}

function mergeRequest(payload: unknown, key: string, role: SubjectRole): Found {
  const request = at(payload, key);
  const target = first(idAt(request, "target_project_id"), projectId(payload));
  const number = numberOf(request);
  const title = line(request, "title");
  const head = commitId(idAt(request, "last_commit", "id"));
  // Pipelines of a fork's branch run in the fork.
  const projects = [...new Set([target, idAt(request, "source_project_id")])];
  const aliases = projects.map((project) => keyOf`${project}@${head}`)
    .filter((alias) => alias !== undefined);
  return toSubject(keyOf`${target}!${number}`, {
    role,
    name: title && words(`MR !${number}`, quoted(title), ["in", projectOf(payload)]),
    link: httpLink(at(request, "url")),
    at: first(saidAt(at(payload, "object_attributes")), saidAt(request)),
    ...(aliases.length > 0 && { aliases }),
  });
}

/** An issue, an incident or a task of a project, or else an epic of a group. */
function issue(payload: unknown, key: string, role: SubjectRole): Found {
  const work = at(payload, key);
  const project = first(projectId(payload), idAt(work, "project_id"));
  const group = first(idAt(payload, "group", "id"), idAt(payload, "group", "group_id"));
  const number = numberOf(work);
  const title = line(work, "title");
  const [noun, mark] = project === undefined ? ["Epic", "&"] : ["Issue", "#"];
  return toSubject(
    project === undefined ? keyOf`${group}&${number}` : keyOf`${project}#${number}`,
    {
      role,
      name: title && words(`${noun} ${mark}${number}`, quoted(title), ["in", projectOf(payload)]),
      link: httpLink(at(work, "url")),
      at: first(saidAt(at(payload, "object_attributes")), saidAt(work)),
    },
  );
}

interface Run {
  sha: string | undefined;
  ref: string | undefined;
  role: SubjectRole;
  at: number | undefined;
}

/** A pipeline or a job: of the merge request that it names, be it by its ref only, else of the commit. */
function ran(payload: unknown, { sha, ref, role, at: time }: Run): Found {
  if (isObject(payload, "merge_request")) {
    const found = mergeRequest(payload, "merge_request", role);
    return found && { ...found, at: time };
  }
  const number = requestOfRef(ref);
  if (number !== undefined) {
    return toSubject(keyOf`${projectId(payload)}!${number}`, { role, at: time });
  }
  return commit(payload, sha, { role, at: time });
}

/** What is told of a commit: of the merge request that has it at its head, else of itself. */
function commit(
  payload: unknown,
  sha: string | undefined,
  rest: { role: SubjectRole; at: number | undefined },
): Found {
  const key = keyOf`${projectId(payload)}@${sha}`;
  const title = first(line(payload, "commit", "title"), line(payload, "commit", "message"));
  return toSubject(key, {
    ...rest,
    name: words("Commit", sha?.slice(0, 7), quoted(title), ["in", projectOf(payload)]),
    link: httpLink(at(payload, "commit", "url")),
    ...(key && { joins: [key] }),
  });
}

function projectId(payload: unknown): string | undefined {
  return first(idAt(payload, "project", "id"), idAt(payload, "project_id"));
}

function numberOf(work: unknown): string | undefined {
  const number = idAt(work, "iid");
  return number !== undefined && /^\d{1,15}$/.test(number) ? number : undefined;
}

function numberedCommit(payload: unknown, ...path: PathKey[]): string | undefined {
  return commitId(idAt(payload, ...path));
}

/** A commit's id; the one of zeros stands for none. */
function commitId(id: string | undefined): string | undefined {
  const lower = id?.toLowerCase() ?? "";
  return /^[0-9a-f]{40}([0-9a-f]{24})?$/.test(lower) && !/^0+$/.test(lower) ? lower : undefined;
}

/** GitLab writes times in ISO 8601 or as `2026-01-02 03:04:05 UTC`. */
function saidAt(said: unknown): number | undefined {
  return first(timeAt(said, "updated_at"), timeAt(said, "created_at"));
}
