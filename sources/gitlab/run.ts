import { firstFew, quoted, words } from "../kit/line.ts";
import { at, first, line, list } from "../kit/json_path.ts";
import { past } from "./gitlab_event.ts";

/** `Pipeline failed on main in octo/repo by Ada`, and the like for jobs, releases and deployments. */
export function runTitle(
  kind: "pipeline" | "build" | "release" | "deployment",
  payload: unknown,
  who: string | undefined,
  project: string | undefined,
): string {
  const attributes = at(payload, "object_attributes");
  switch (kind) {
    case "pipeline": {
      const failed = firstFew(
        list(payload, "builds").slice(0, 200)
          .filter((build) =>
            line(build, "status") === "failed" && at(build, "allow_failure") !== true
          )
          .map((build) => line(build, "name")),
      );
      const title = words(
        "Pipeline",
        line(attributes, "status")?.replaceAll("_", " "),
        ["on", line(attributes, "ref")],
        ["in", project],
        ["by", who],
      );
      return failed && line(attributes, "status") === "failed" ? `${title}: ${failed}` : title;
    }
    case "build": {
      const title = words(
        "Job",
        quoted(line(payload, "build_name")),
        line(payload, "build_status")?.replaceAll("_", " "),
        ["in stage", line(payload, "build_stage")],
        ["on", line(payload, "ref")],
        ["in", first(project, line(payload, "project_name"))],
      );
      const reason = line(payload, "build_failure_reason")?.replaceAll("_", " ");
      const isFailed = line(payload, "build_status") === "failed";
      return isFailed && reason && reason !== "unknown failure" ? `${title}: ${reason}` : title;
    }
    case "release":
      return words(
        "Release",
        first(line(payload, "name"), line(payload, "tag")),
        past(line(payload, "action")),
        ["in", project],
      );
    case "deployment":
      return words(
        "Deployment",
        ["to", line(payload, "environment")],
        line(payload, "status"),
        ["in", project],
        ["by", who],
      );
  }
}
