import type { Description } from "./description.ts";
import { quoted, words } from "./kit/line.ts";
import { at, first, line, whole } from "./kit/json_path.ts";
import { triedBy } from "./kit/challenge.ts";
import { idWithContent, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, Incoming, Verdict } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { provenBy } from "./kit/token.ts";

export const label = "Buildkite";
export const secretVariable = "BUILDKITE_WEBHOOK_SECRET";
export const secretIsTheirs = true;
export const setup =
  "Settings → Notification Services → Webhook: URL and token, best sent as a signature";

const SIGNATURE = "X-Buildkite-Signature";
const setting = { variable: secretVariable, is: "the webhook's token" };
const signed = signedBy({
  header: SIGNATURE,
  separator: ",",
  prefix: "signature=",
  encoding: "hex",
  signed: "{time}.{body}",
  time: { prefix: "timestamp=" },
}, setting);
const proven = provenBy({ header: "X-Buildkite-Token" }, setting);

export const { sign } = signed;
export const { secretNames } = proven;
export const proof = `${signed.proof}, or ${proven.proof}`;

/** The token signs, or is sent as it is (buildkite.com/docs/apis/webhooks, "HTTP headers"); a signature that is there counts alone. */
export function verify(request: Incoming, secrets: readonly string[]): Promise<Verdict> {
  const isToken = !request.headers.has(SIGNATURE) && request.headers.has("x-buildkite-token");
  return (isToken ? proven : signed).verify(request, secrets);
}

/** Buildkite asks once whether the URL works. */
export const { probe, handshake } = triedBy(({ headers }) =>
  headers.get("x-buildkite-event") === "ping"
);

/** The request's UUID. Whether an attempt keeps it is not documented, nor that no other event has it. */
export function deliveryId(request: Incoming): string | undefined {
  return idWithContent(request, usableId(request.headers.get("x-buildkite-request")));
}

/** What a captured request cannot change; of a token nothing is signed, and what is the same may be news. */
export function signedContentKeys(request: Incoming): Uint8Array[] {
  return request.headers.has(SIGNATURE) ? signed.signedContentKeys(request) : [];
}

/** Says how which build, job or agent of which pipeline fares. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const event = line(payload, "event") ??
    line([context?.headers?.get("x-buildkite-event")], 0);
  const build = at(payload, "build");
  const job = at(payload, "job");
  const number = line(build, "number");
  const pipeline = first(line(payload, "pipeline", "name"), line(payload, "pipeline", "slug"));
  const creator = first(line(build, "creator", "name"), line(build, "author", "name"));
  const actor = first(line(payload, "sender", "name"), creator);
  const state = at(build, "blocked") === true ? "blocked" : line(build, "state");
  const where = ["in", pipeline] as const;
  const title = job !== undefined
    ? words(
      "Job",
      quoted(first(line(job, "name"), line(job, "label"), line(job, "command"))),
      line(job, "state"),
      number && `of build #${number}`,
      where,
    )
    : build !== undefined
    ? words(
      "Build",
      number && `#${number}`,
      state,
      ["on", line(build, "branch")],
      where,
      ["by", creator],
    )
    : event && words("Buildkite", event.replaceAll(/[._]/g, " "), quoted(nameOf(payload)));
  const said = line([whole(build, "message")?.trim().split("\n", 1)[0]], 0);
  return toDescription({ name: "buildkite", label }, payload, context, {
    event,
    title: said && job === undefined ? `${title}: ${said}` : title,
    links: [at(job, "web_url"), at(build, "web_url"), at(payload, "agent", "web_url")],
    actor,
    fields: {
      pipeline,
      state: first(line(job, "state"), state),
      branch: line(build, "branch"),
      commit: line(build, "commit")?.slice(0, 12),
      exit: line(job, "exit_status"),
      agent: line(payload, "agent", "name"),
    },
    text: whole(build, "message"),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("build.finished", {
    event: "build.finished",
    build: {
      id: "b1",
      number: 42,
      state: "failed",
      branch: "main",
      commit: "2222222222222222222222222222222222222222",
      message: "Greet callers by name",
      web_url: "https://buildkite.com/octo/phone/builds/42",
      creator: { name: "Ada Byron", email: "ada@example.com" },
    },
    pipeline: { slug: "phone", name: "Phone" },
    sender: { id: "u1", name: "Ada Byron" },
  }, { "x-buildkite-event": "build.finished", "x-buildkite-request": "SAMPLE" }),
];

function nameOf(payload: unknown): string | undefined {
  return first(
    line(payload, "agent", "name"),
    line(payload, "package", "name"),
    line(payload, "cluster_token", "description"),
  );
}
