import { changed, firstFew } from "../kit/line.ts";
import { at, first, isObject, line, list } from "../kit/json_path.ts";

/** Changes that say nothing to a person: counts, times and places of GitLab's own. */
const INTERNAL = new Set([
  ...["id", "iid", "author_id", "project_id", "state_id", "updated_by_id", "last_edited_by_id"],
  ...["created_at", "updated_at", "last_edited_at", "closed_at", "prepared_at", "lock_version"],
  ...["position", "relative_position", "total_time_spent", "head_pipeline_id"],
  "cached_markdown_version",
]);
const INTERNAL_PARTS = /^(?:merge_|time_|human_)|_(?:html|count)$/;

function isInternal(key: string): boolean {
  return INTERNAL.has(key) || INTERNAL_PARTS.test(key);
}

/** Lists of things that a person knows by a name. */
const LISTS = new Set(["labels", "assignees", "reviewers"]);

/** What an update changed, by its `changes`: `labels added ux, removed bug; title Old → New`. */
export function changesOf(payload: unknown): string | undefined {
  const changes = at(payload, "changes");
  if (!isObject(changes)) return undefined;
  const keys = Object.keys(changes as object).slice(0, 50).filter((key) => !isInternal(key));
  return firstFew(
    keys.map((key) =>
      LISTS.has(key) ? listChange(changes, key) : changed(
        key.replace(/_id$/, "").replaceAll("_", " "),
        valueOf(changes, key, "previous"),
        valueOf(changes, key, "current"),
      )
    ),
  );
}

/** Whose names came and went. */
function listChange(changes: unknown, key: string): string | undefined {
  const names = (age: "previous" | "current") =>
    list(changes, key, age).slice(0, 50).map((each) =>
      first(line(each, "title"), line(each, "name"))
    );
  const [was, now] = [names("previous"), names("current")];
  const added = firstFew(now.filter((name) => !was.includes(name)));
  const removed = firstFew(was.filter((name) => !now.includes(name)));
  const said = [added && `added ${added}`, removed && `removed ${removed}`].filter((each) => each);
  return said.length > 0 ? `${key} ${said.join(", ")}` : undefined;
}

/** Words and switches; of numbers, which are ids, only whether there is one. */
function valueOf(changes: unknown, key: string, age: "previous" | "current"): string | undefined {
  const value = at(changes, key, age);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return key === "weight" ? String(value) : "set";
  return typeof value === "string" ? line([value], 0) : undefined;
}
