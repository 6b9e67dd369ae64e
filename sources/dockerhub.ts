import type { Description } from "./description.ts";
import { words } from "./kit/line.ts";
import { at, first, line, whole } from "./kit/json_path.ts";
import { contentId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import type { DescribeContext } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { provenBy } from "./kit/token.ts";

export const label = "Docker Hub";
export const aliases = ["docker-hub", "docker"];
export const secretVariable = "DOCKERHUB_WEBHOOK_SECRET";
export const setup = "The repository → Webhooks: URL with ?token= and the secret";

/** Docker Hub signs nothing and sends no headers of one's own: a token in the URL proves it. */
export const { verify, prove, proof, secretNames } = provenBy(
  { parameters: ["token"] },
  { variable: secretVariable, is: "the token in the webhook's URL" },
);

/** A push has its second in it (docs.docker.com, "Webhooks"). */
export const deliveryId = contentId;

/** Says who pushed which image, such as `ada pushed octo/phone:latest`. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const push = at(payload, "push_data");
  const repository = at(payload, "repository");
  const actor = line(push, "pusher");
  const tag = line(push, "tag");
  const name = first(
    line(repository, "repo_name"),
    [line(repository, "namespace"), line(repository, "name")].filter((part) => part).join("/") ||
      undefined,
  );
  const image = name && (tag ? `${name}:${tag}` : name);
  return toDescription({ name: "dockerhub", label }, payload, context, {
    event: push === undefined ? undefined : "push",
    title: image && (actor ? `${actor} pushed ${image}` : `${image} was pushed`),
    links: [at(repository, "repo_url")],
    actor,
    fields: {
      image,
      tag,
      visibility: at(repository, "is_private") === true ? "private" : undefined,
      owner: line(repository, "owner"),
      description: words(line(repository, "description")),
    },
    text: whole(repository, "description"),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("push", {
    callback_url: "https://registry.hub.docker.com/u/octo/phone/hook/SAMPLE/",
    push_data: { pushed_at: 1_767_322_645, pusher: "ada", tag: "latest" },
    repository: {
      name: "phone",
      namespace: "octo",
      repo_name: "octo/phone",
      repo_url: "https://hub.docker.com/r/octo/phone",
      owner: "octo",
    },
  }),
];
