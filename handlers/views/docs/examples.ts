/** A JSON Schema, as much of it as an example needs. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  example?: unknown;
  examples?: unknown[];
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
}

const ID = "0198c0de-0000-7000-8000-000000000001";
const TIME = "2026-11-24T09:41:00.000Z";
/** A schema may name itself; no shape of ours is as deep. */
const MOST_DEPTH = 8;

/** What stands in a field of this name, where its schema says no more than "a text". */
const BY_NAME: Record<string, unknown> = {
  webhook_type: "github",
  source: "github",
  event: "issues.opened",
  title: 'ada opened issue #7 "The line drops" in octo/phone',
  description: "Process GitHub opened event by ada in repository octo/phone",
  url: "https://otto.example.com/webhook/github",
  client_ip: "192.0.2.7",
  content_type: "application/json",
  delivery_id: "72d3162e-cc78-11e3-81ab-4c9367dc0958",
  size: 7042,
  attempts: 1,
  text: "The keep-alive timer is too short.",
  name: "Ada",
  email: "ada@example.com",
  slack_id: "U0123ABCD",
  channel: "web",
  destination: "web",
  kind: "completed",
  actor: "gpt-5-mini",
  tool: "notify",
  rule: "approve",
  code: "signature_mismatch",
  message: "The signature does not match the body",
  hint: "Check that the secret is the one configured at the sender",
  host: "otto-1",
  doing: "waiting",
  roles: "messages",
  payload: { action: "opened", issue: { number: 7 } },
  headers: { "content-type": "application/json", "x-hub-signature-256": "•••" },
};

/** Fields that are empty as long as all is well. */
const EMPTY = new Set([
  "error",
  "reason",
  "question",
  "replay_of",
  "next",
  "read_at",
  "decided_at",
]);

/** A value such as the schema describes; `resolve` finds what a `$ref` names. */
function exampleOf(
  schema: Schema,
  resolve: (ref: string) => Schema | undefined,
  { name = "", depth = 0 }: { name?: string; depth?: number } = {},
): unknown {
  const inner = (next: Schema, as = name) =>
    exampleOf(next, resolve, { name: as, depth: depth + 1 });
  const [first] = schema.examples ?? [];
  const given = schema.example ?? first ?? schema.const ?? schema.default;
  if (given !== undefined) return given;
  const types = [schema.type ?? []].flat();
  if (EMPTY.has(name) && (types.includes("null") || schema.anyOf)) return null;
  if (schema.enum) return schema.enum[0];
  if (depth > MOST_DEPTH) return null;
  if (schema.$ref) return inner(resolve(schema.$ref) ?? {});
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map((each) => inner(each)));
  const either = schema.anyOf ?? schema.oneOf;
  if (either) return inner(either.find(({ type }) => type !== "null") ?? either[0]);
  if (schema.properties) {
    return Object.fromEntries(
      Object.entries(schema.properties).map(([each, next]) => [each, inner(next, each)]),
    );
  }
  if (types.includes("array")) return schema.items ? [inner(schema.items)] : [];
  if (schema.format === "uuid") return ID;
  if (schema.format === "date-time") return TIME;
  if (name in BY_NAME) return BY_NAME[name];
  if (types.includes("integer") || types.includes("number")) return 1;
  if (types.includes("boolean")) return true;
  if (types.includes("string")) return "text";
  return {};
}

/** A media type of an OpenAPI document. */
interface Content {
  schema?: Schema;
  example?: unknown;
}

/** As much of an OpenAPI 3.1 document as examples need. */
export interface Described {
  components?: { schemas?: Record<string, Schema> };
  paths?: Record<
    string,
    Record<string, {
      requestBody?: { content?: Record<string, Content> };
      responses?: Record<string, { content?: Record<string, Content> }>;
    }>
  >;
}

/** The document with an example beside each JSON schema that has none. */
export function withExamples<T extends Described>(document: T): T {
  const resolve = (ref: string) => document.components?.schemas?.[ref.split("/").at(-1) ?? ""];
  for (const operation of Object.values(document.paths ?? {}).flatMap(Object.values)) {
    const all = [operation.requestBody, ...Object.values(operation.responses ?? {})];
    for (const each of all) {
      const json = (each as { content?: Record<string, Content> })?.content?.["application/json"];
      if (json?.schema && json.example === undefined) {
        json.example = exampleOf(json.schema, resolve);
      }
    }
  }
  return document;
}
