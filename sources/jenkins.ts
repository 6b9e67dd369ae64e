import type { Description } from "./description.ts";
import { words } from "./kit/line.ts";
import { at, first, isObject, line, list, text, whole } from "./kit/json_path.ts";
import { contentId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import type { DescribeContext } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { provenBy } from "./kit/token.ts";

export const label = "Jenkins";
export const secretVariable = "JENKINS_WEBHOOK_SECRET";
export const setup =
  "The Notification plugin; the job → Job Notifications: format JSON, protocol HTTP, " +
  "URL with ?token= and the secret";
export const troubles = [
  "A job in a folder has its Job Notifications of its own; a Jenkinsfile sets them in `properties`.",
];

/** The plugin signs nothing and sends no headers of one's own: a token in the URL proves it. */
export const { verify, sign, proof, secretNames } = provenBy(
  { authorization: true, parameters: ["token"] },
  { variable: secretVariable, is: "the token in the notification's URL" },
);

/** A build's phase has its time. */
export const deliveryId = contentId;

/** Says which build of which job is where, such as `phone #12 completed: FAILURE on origin/main`. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const build = at(payload, "build");
  const job = first(line(payload, "display_name"), line(payload, "name"));
  const phase = line(build, "phase");
  const status = line(build, "status");
  const branch = line(build, "scm", "branch");
  const culprits = list(build, "scm", "culprits").map((_, i) => line(build, "scm", "culprits", i))
    .filter((each) => each);
  const title = phase && words(
    job,
    line(build, "number") && `#${line(build, "number")}`,
    phase.toLowerCase(),
  );
  return toDescription({ name: "jenkins", label }, payload, context, {
    event: phase && words(phase.toLowerCase(), status?.toLowerCase()).replace(" ", "."),
    title: title && words(status ? `${title}: ${status}` : title, ["on", branch]),
    links: [at(build, "full_url"), at(payload, "url")],
    actor: culprits.length === 1 ? culprits[0] : undefined,
    fields: {
      job: first(line(payload, "name"), job),
      build: line(build, "number"),
      phase,
      status,
      branch,
      commit: line(build, "scm", "commit"),
      culprits: culprits.join(", "),
      duration_ms: text(build, "duration") === "0" ? undefined : line(build, "duration"),
      parameters: isObject(build, "parameters")
        ? Object.keys(at(build, "parameters") as object).slice(0, 10).join(", ")
        : undefined,
    },
    text: first(whole(build, "notes"), whole(build, "log")),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("completed.failure", {
    name: "phone",
    display_name: "phone",
    url: "job/phone/",
    build: {
      full_url: "https://jenkins.example.com/job/phone/12/",
      number: 12,
      phase: "COMPLETED",
      status: "FAILURE",
      timestamp: 1_767_322_645_000,
      scm: { branch: "origin/main", commit: "SAMPLE", culprits: ["ada"] },
    },
  }),
];
