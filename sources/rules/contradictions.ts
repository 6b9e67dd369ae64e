import { sources } from "../mod.ts";
import { type Filter, formatCondition } from "./filter.ts";
import { ANY, parsePath } from "./path_expression.ts";
import { redactsPath } from "./redaction.ts";
import { aliasesIn, knownSource, modelOf } from "./known.ts";
import { signsUrl } from "./scheme.ts";
import type { SourceSettings } from "./source_fields.ts";
import type { Source } from "../source.ts";
import { pathExpressionsIn } from "./template.ts";

/** What is wrong with a field, and its name. */
type Fault = [path: string, message: string];

/** Sources that never say who did it; a test holds this against the modules. */
export const WITHOUT_ACTOR: readonly string[] = [
  "airtable",
  "alertmanager",
  "dropbox",
  "grafana",
  "homeassistant",
  "msgraph",
  "sns",
];

/** The settings of one source that contradict each other, and those that could never hold. */
export function* sourceFaults(name: string, settings: SourceSettings): Generator<Fault> {
  const base = knownSource(name);
  const { scheme, methods, secret_required, handshake = [] } = settings;
  const model = aliasesIn(sources).get(name);
  if (model !== undefined && scheme?.type !== "like") {
    yield [
      "",
      `is another name of "${model}": write that one, or say in "scheme" that it is a source of ` +
      `its own, {"type": "like", "source": "${model}"}`,
    ];
  }
  const verifies = scheme ? scheme.type !== "none" : base?.verify !== undefined;
  if (!verifies && (secret_required ?? base?.secretRequired)) {
    yield ["scheme", "is none, but a secret is required: nothing could ever come in"];
  }
  if (!verifies && handshake.some(({ signed }) => signed)) {
    yield ["handshake", "is to be signed, but nothing is verified: leave signed out, or say how"];
  }
  // Methods of the known source are kept with another scheme, which may not sign the URL.
  const its = methods ?? (scheme && base?.methods) ?? [];
  const isQuery = its.find((method) => method === "GET" || method === "DELETE");
  if (isQuery && !signsUrl(scheme, base)) {
    yield [
      "methods",
      `has ${isQuery}, whose query is the payload, but the scheme does not sign the URL: sign ` +
      "{url}, or let the sender show a token",
    ];
  }
  yield* neverMet(settings);
  yield* actorless(name, settings);
  yield* subjectless(settings, base ?? modelOf(scheme)?.source);
  yield* redactedRules(settings);
}

/** Rules about subjects of a source whose messages have none. */
function* subjectless(settings: SourceSettings, base: Source | undefined): Generator<Fault> {
  const { subject = base?.subject, later, deliver, close, merge } = settings;
  if (subject) return;
  const why = subject === false
    ? 'asks what a message is about, and "subject" is false: leave one of them out'
    : 'asks what a message is about, which Otto does not know of this source: say it in "subject", ' +
      'such as {"key": "{order.id}"}';
  if (later === "continue") yield ["later", why];
  if (deliver) yield ["deliver", why];
  if (close) yield ["close", why];
  if (merge && merge.key === undefined) yield ["merge", `has no "key" and so ${why}`];
}

/** Conditions of one filter that exclude each other. */
function* neverMet({ filter, ping, deliver, close }: SourceSettings): Generator<Fault> {
  const ends = Array.isArray(close) ? undefined : close;
  const filters = [["filter", filter], ["ping", ping], ["deliver", deliver], [
    "close",
    ends,
  ]] as const;
  for (const [field, each] of filters) {
    const clash = each && clashIn(each);
    if (clash) yield [field, `can never be met: ${clash.map(formatCondition).join(" and ")}`];
  }
}

function clashIn({ all = [] }: Filter) {
  for (const [at, one] of all.entries()) {
    for (const other of all.slice(at + 1)) {
      if (one.path === other.path && excludes(one, other)) return [one, other];
    }
  }
}

type Condition = NonNullable<Filter["all"]>[number];

/** Whether no value can meet both; of `[*]` one item may meet the one and another the other. */
function excludes(one: Condition, other: Condition): boolean {
  if (isThere(one) === false && isThere(other) === true) return true;
  if (isThere(one) === true && isThere(other) === false) return true;
  const isOne = !parsePath(one.path)?.includes(ANY);
  const [a, b] = [one.equals, other.equals];
  if (!isOne || a === undefined || b === undefined) return false;
  const isSame = String(a) === String(b);
  return one.not === other.not ? !one.not && !isSame : isSame;
}

/** Whether a condition is met only by what is there, or only by what is not. */
function isThere({ exists, not = false }: Condition): boolean | undefined {
  if (exists !== undefined) return exists !== not;
  return not ? undefined : true;
}

function* actorless(name: string, { ignore_actors, actor, scheme }: SourceSettings) {
  const words = knownSource(name) ? name : modelOf(scheme)?.name;
  if (!ignore_actors?.length || actor !== undefined) return;
  if (words !== undefined && WITHOUT_ACTOR.includes(words)) {
    const fault: Fault = [
      "ignore_actors",
      `can never leave anybody out: ${words} does not say who did it. Say in "actor" where it stands`,
    ];
    yield fault;
  }
}

function pathsOf({ all = [], any = [] }: Filter = {}): string[] {
  return [...all, ...any].map(({ path }) => path);
}

/** Rules that would have to look at what is redacted. */
function* redactedRules(settings: SourceSettings): Generator<Fault> {
  const { redact, filter, id = [], merge, subject, deliver, close } = settings;
  if (!redact) return;
  const looked: [field: string, paths: string[]][] = [
    ["filter", pathsOf(filter)],
    ["deliver", pathsOf(deliver)],
    ["close", Array.isArray(close) ? [] : pathsOf(close)],
    ["subject", subject ? Object.values(subject).flatMap(pathExpressionsIn) : []],
    ["id", id],
    ["merge", pathExpressionsIn(merge?.key ?? "")],
    ...(["event", "title", "description", "link", "actor", "text"] as const)
      .map((field): [string, string[]] => [field, pathExpressionsIn(settings[field] ?? "")]),
    ["titles", Object.values(settings.titles ?? {}).flatMap(pathExpressionsIn)],
  ];
  for (const [field, paths] of looked) {
    const path = paths.find((each) => redact.some((redacted) => redactsPath(redacted, each)));
    if (path !== undefined) {
      yield [field, `looks at ${path}, which "redact" takes away before anything is read`];
    }
  }
}
