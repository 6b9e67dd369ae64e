import { first, line } from "../kit/json_path.ts";

const DID: Record<string, string> = {
  open: "opened",
  close: "closed",
  reopen: "reopened",
  update: "updated",
  merge: "merged",
  approval: "approved",
  unapproval: "unapproved",
  create: "created",
  delete: "deleted",
  award: "awarded",
  revoke: "revoked",
};

/** Who did it. */
export function whoOf(payload: unknown): string | undefined {
  return first(
    line(payload, "user_name"),
    line(payload, "user", "name"),
    line(payload, "user", "username"),
    line(payload, "user_username"),
  );
}

/** What kind of event it is, by the payload or else the header. */
export function kindOf(payload: unknown, headers?: Headers): string | undefined {
  const hook = headers?.get("x-gitlab-event")?.replace(/ Hook$/, "").toLowerCase();
  return first(
    line(payload, "object_kind"),
    line(payload, "event_type"),
    line(payload, "event_name"),
    hook?.replaceAll(" ", "_") || undefined,
  );
}

/** The project, else the group. */
export function projectOf(payload: unknown): string | undefined {
  return first(
    line(payload, "project", "path_with_namespace"),
    line(payload, "path_with_namespace"),
    line(payload, "project", "name"),
    line(payload, "group", "full_path"),
    line(payload, "group", "group_path"),
  );
}

/** What was done: GitLab's action in the past. */
export function past(action: string | undefined): string | undefined {
  return action && (DID[action] ?? action);
}

/** A branch or tag without `refs/heads/`. */
export function branch(ref: string | undefined): string | undefined {
  return ref?.replace(/^refs\/(heads|tags)\//, "");
}

/**
 * The merge request's number out of a ref that only one has: its own pipelines run on it, and those
 * of a merge train (mvisonneau/gitlab-ci-pipelines-exporter#1091).
 */
export function requestOfRef(ref: string | undefined): string | undefined {
  return /^refs\/merge-requests\/(\d{1,15})\/(?:head|merge|train)$/.exec(ref ?? "")?.[1];
}
