import type { Description } from "./description.ts";
import { words } from "./kit/line.ts";
import { at, first, line, whole } from "./kit/json_path.ts";
import { jsonSample } from "./kit/sample.ts";
import type { DescribeContext } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { provenBy } from "./kit/token.ts";
import { idAt, toSubject } from "./kit/subject/subject_key.ts";
import type { Subject } from "./subject.ts";
import { httpLink } from "./kit/link.ts";

export const label = "Home Assistant";
export const secretVariable = "HOMEASSISTANT_WEBHOOK_SECRET";
export const setup =
  "configuration.yaml → rest_command: url, method: post, headers: authorization; payload as you like";
/** What a `rest_command` may have for its `method`; GET is its default. */
export const methods = ["POST", "GET", "PUT", "PATCH", "DELETE"];

/** `rest_command` sends any header you write (home-assistant.io, "RESTful Command"). */
export const { verify, sign, proof, secretNames } = provenBy(
  { authorization: true, parameters: ["token"] },
  { variable: secretVariable, is: "the token in the rest_command's headers" },
);

/** Says what the automation wrote: by our convention `title`, `message`, `entity_id`, `state`, `event`. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const entity = line(payload, "entity_id");
  const state = line(payload, "state");
  const saying = first(
    line(payload, "title"),
    entity && words(entity, state && `is ${state}`),
    line(payload, "event"),
  );
  const message = first(line(payload, "message"), line(payload, "raw_body"), line([payload], 0));
  return toDescription({ name: "homeassistant", label }, payload, context, {
    event: line(payload, "event"),
    title: saying && message ? `${saying}: ${message}` : saying ?? message,
    links: [at(payload, "url")],
    fields: { entity, state, area: line(payload, "area") },
    text: first(whole(payload, "message"), whole(payload, "raw_body")),
  });
}

export const about = "an entity";

/** What an automation tells is about: its entity. */
export function subject(payload: unknown): Subject | undefined {
  return toSubject(idAt(payload, "entity_id"), {
    role: "continues",
    name: line(payload, "entity_id"),
    link: httpLink(at(payload, "url")),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("door_open", {
    event: "door_open",
    title: "Front door",
    message: "has been open for ten minutes",
    entity_id: "binary_sensor.front_door",
    state: "on",
  }),
];
