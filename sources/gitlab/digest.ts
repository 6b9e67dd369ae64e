import { firstFew } from "../kit/line.ts";
import { at, first, line, list } from "../kit/json_path.ts";
import { changesOf } from "./change.ts";
import { branch, projectOf } from "./gitlab_event.ts";

/** A few notable facts. */
export function factsOf(payload: unknown): Record<string, string | undefined> {
  const attributes = at(payload, "object_attributes");
  return {
    project: projectOf(payload),
    state: first(line(attributes, "state"), line(attributes, "status"), line(payload, "status")),
    ref: first(branch(line(payload, "ref")), line(attributes, "ref")),
    from: line(attributes, "source_branch"),
    to: line(attributes, "target_branch"),
    environment: line(payload, "environment"),
    seconds: line(attributes, "duration"),
    assignee: line(payload, "assignees", 0, "name"),
    labels: firstFew(
      list(payload, "labels").slice(0, 50).map((label) => line(label, "title")),
      10,
    ),
    changed: changesOf(payload),
  };
}

/** Where it can be looked at; the project's page last. */
export function linksOf(payload: unknown): unknown[] {
  const commits = list(payload, "commits");
  return [
    at(payload, "object_attributes", "url"),
    at(payload, "url"),
    at(payload, "deployable_url"),
    at(commits, commits.length - 1, "url"),
    at(payload, "project", "web_url"),
  ];
}
