import { changed, quoted, words } from "../kit/line.ts";
import { first, line } from "../kit/json_path.ts";

/** What an instance or a group tells of its members, groups, projects and users: `event_name` alone names it. */
const EVENT =
  /^(project|group|subgroup|user|key|repository|gitlab_subscription)_(create|destroy|rename|transfer|update|failed_login|access_request_to_group|access_request_to_project|access_request_revoked_for_group|access_request_revoked_for_project|add_to_team|remove_from_team|update_for_team|add_to_group|remove_from_group|update_for_group|approve|reject|block|deactivate|member_approval)$/;

const DID: Record<string, string> = {
  create: "was created",
  destroy: "was deleted",
  rename: "was renamed",
  transfer: "was moved",
  update: "was updated",
  failed_login: "failed to sign in",
};

/** `Group "Octo" was created`, `Ada was added to project octo/phone as Maintainer`; nothing for other events. */
export function systemTitle(payload: unknown): string | undefined {
  const [, thing, did] = EVENT.exec(line(payload, "event_name") ?? "") ?? [];
  if (!thing || !did) return undefined;
  const member = memberTitle(payload, did);
  if (member) return member;
  const kind = thing === "subgroup" ? "Subgroup" : thing[0].toUpperCase() + thing.slice(1);
  const named = first(
    line(payload, "path_with_namespace"),
    line(payload, "full_path"),
    quoted(line(payload, "name")),
    line(payload, "username"),
    line(payload, "project", "path_with_namespace"),
  );
  const was = first(
    line(payload, "old_path_with_namespace"),
    line(payload, "old_full_path"),
    line(payload, "old_username"),
  );
  const moved = did === "rename" || did === "transfer" ? changed(undefined, was, named) : undefined;
  const title = words(
    kind === "Key" ? "SSH key" : kind,
    kind === "Key" ? ["of", line(payload, "username")] : moved && was ? undefined : named,
    DID[did] ?? did.replaceAll("_", " "),
  );
  return moved && was ? `${title}: ${moved}` : title;
}

/** Somebody came to, left, or asks for a project or a group. */
function memberTitle(payload: unknown, did: string): string | undefined {
  const who = first(line(payload, "user_name"), line(payload, "user_username")) ?? "Somebody";
  const project = first(
    line(payload, "project_path_with_namespace"),
    line(payload, "project_name"),
  );
  const group = first(line(payload, "group_path"), line(payload, "group_name"));
  const where = project ? `project ${project}` : group && `group ${group}`;
  if (!where) return undefined;
  const as = [
    "as",
    first(
      line(payload, "access_level"),
      line(payload, "project_access"),
      line(payload, "group_access"),
    ),
  ] as const;
  if (did.startsWith("add_to")) return words(who, "was added to", where, as);
  if (did.startsWith("remove_from")) return words(who, "was removed from", where);
  if (did.startsWith("update_for")) return words(who, "has another role in", where, as);
  if (did.startsWith("access_request_to")) return words(who, "asks for access to", where);
  if (did.startsWith("access_request_revoked")) {
    return words(who, "no longer asks for access to", where);
  }
  return undefined;
}
