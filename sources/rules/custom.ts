import { oneLine, wholeText } from "../kit/line.ts";
import { httpLink } from "../kit/link.ts";
import { secretVariable } from "../kit/secret_variable.ts";
import { digest } from "../signature/signature.ts";
import * as generic from "../generic.ts";
import { payloadOf, usableId } from "../kit/incoming.ts";
import { sources } from "../mod.ts";
import { ANY, parsePath, textsAt } from "./path_expression.ts";
import { jsonSample } from "../kit/sample.ts";
import { toScheme } from "./scheme.ts";
import type { SourceSettings } from "./settings.ts";
import { signedBy, signedByKey } from "../kit/signed.ts";
import type { DescribeContext, Incoming, Source, Verdict } from "../source.ts";
import { fillLink, fillTemplate, pathExpressionsIn } from "./template.ts";
import { provenBy } from "../kit/token.ts";

/**
 * A source with the settings of the operator's file: one that Otto knows, partly
 * changed, or one of the operator's own, of which only the file says anything.
 */
export function customSource(
  name: string,
  settings: SourceSettings,
  known: Source | undefined,
): Source {
  const base: Source = known ??
    { ...generic, label: name, samples: [sampleOf(settings)], verify: undefined };
  const { label, methods, body_limit, secret_required, repeats } = settings;
  const proved: Source = { ...base, ...provedBy(name, settings, base) };
  return {
    ...proved,
    ...(settings.id !== undefined &&
      { signedContentKeys: proved.signedContentKeys ?? idAsKey(settings, proved) }),
    ...(known === undefined && greetedLike(settings)),
    ...(label !== undefined && { label }),
    ...(methods !== undefined && { methods: [...new Set(["POST", ...methods])] }),
    ...(body_limit !== undefined && { bodyLimit: body_limit }),
    ...(secret_required !== undefined && { secretRequired: secret_required }),
    ...(repeats === "normal" && { signedContentKeys: undefined }),
    // That an id says all is true of the sender's own only.
    ...(settings.id !== undefined && {
      deliveryId: idAt(settings.id),
      ...(proved.changesOnRetry === "anything" && { changesOnRetry: undefined }),
    }),
    describe: (payload, context) => describeWith(settings, base, payload, context),
  };
}

/**
 * The vendor's own delivery id as the key that tells a captured request. The id
 * that the file names instead may stand where anybody can write, and so cannot be
 * that key.
 */
function idAsKey({ scheme }: SourceSettings, { verify, deliveryId }: Source) {
  const isVendors = scheme === undefined || scheme.type === "like";
  if (!isVendors || !verify || !deliveryId) return undefined;
  return (request: Incoming): string[] => {
    const id = deliveryId(request);
    return id === undefined ? [] : [id];
  };
}

/** What proves its messages; nothing changes where the file does not say. */
function provedBy(
  name: string,
  { scheme, label = name }: SourceSettings,
  base: Source,
): Partial<Source> {
  if (!scheme) return {};
  const nothing = {
    verify: undefined,
    sign: undefined,
    prove: undefined,
    takes: undefined,
    proof: undefined,
    signedContentKeys: undefined,
    certificateUrl: undefined,
    secretNames: undefined,
  };
  const setting = {
    variable: base.secretVariable ?? secretVariable(name),
    is: `the secret that ${label} sends or signs with`,
  };
  switch (scheme.type) {
    case "none":
      return nothing;
    case "bearer":
    case "basic":
      return { ...nothing, ...provenBy({ authorization: true }, setting), prove: undefined };
    case "token": {
      const { header, parameter } = scheme;
      const parameters = parameter === undefined ? [] : [parameter];
      const proven = provenBy({ header, parameters }, setting);
      const other = header === undefined ? { sign: undefined } : { prove: undefined };
      return { ...nothing, ...proven, ...other };
    }
    case "hmac":
      return { ...nothing, ...signedBy(toScheme(scheme), setting) };
    case "ed25519":
    case "ecdsa":
    case "rsa":
      return { ...nothing, ...signedByKey(toScheme(scheme), setting) };
    case "like":
      return { ...nothing, ...like(scheme.source as keyof typeof sources, setting.variable) };
  }
}

/** Signs like a source that Otto knows, with a secret of its own. */
function like(name: keyof typeof sources, variable: string): Partial<Source> {
  const model: Source = sources[name];
  const theirs = model.secretVariable ?? secretVariable(name);
  return {
    proof: model.proof,
    sign: model.sign,
    prove: model.prove,
    takes: model.takes,
    secretNames: model.secretNames,
    certificateUrl: model.certificateUrl,
    signedContentKeys: model.signedContentKeys,
    deliveryId: model.deliveryId,
    changesOnRetry: model.changesOnRetry,
    async verify(request: Incoming, secrets: readonly string[]): Promise<Verdict> {
      const verdict = await model.verify!(request, secrets);
      return verdict.ok ? verdict : {
        ...verdict,
        message: verdict.message.replaceAll(theirs, variable),
        hint: verdict.hint.replaceAll(theirs, variable),
      };
    },
  };
}

/** The handshakes, answers and methods of the source that one of the operator's own is like. */
function greetedLike({ scheme }: SourceSettings): Partial<Source> {
  if (scheme?.type !== "like") return {};
  const model: Source = sources[scheme.source as keyof typeof sources];
  const { probe, handshake, answer, methods, bodyLimit, verifyTokenVariable } = model;
  return { probe, handshake, answer, methods, bodyLimit, verifyTokenVariable };
}

/** What several path expressions find makes one id together; where one of them finds nothing there is none. */
function idAt(paths: readonly string[]) {
  const inBody = paths.some((path) => !path.startsWith("header:"));
  return (request: Incoming): string | undefined => {
    // The body is not parsed where the headers have all of the id.
    const parts = {
      headers: request.headers,
      payload: inBody ? payloadOf(request) : undefined,
    };
    const found = paths.map((path) => textsAt(path, parts) ?? []);
    if (found.some((texts) => texts.length === 0)) return undefined;
    const [part, ...others] = found.map((texts) => texts.length === 1 ? texts[0] : texts);
    if (others.length === 0 && typeof part === "string") return usableId(part);
    // As JSON, so that no two lists of parts are the same id.
    const id = JSON.stringify(others.length === 0 ? part : [part, ...others]);
    return usableId(id) ?? digest(id);
  };
}

function describeWith(
  settings: SourceSettings,
  base: Source,
  payload: unknown,
  context: DescribeContext | undefined,
) {
  const description = base.describe(payload, context);
  const request = { payload, headers: context?.headers };
  const fill = (template: string | undefined) =>
    template === undefined ? undefined : fillTemplate(template, request);
  const line = (template: string | undefined) => oneLine(fill(template) ?? "") || undefined;
  return {
    ...description,
    event: line(settings.event) ?? description.event,
    title: line(settings.title) ?? description.title,
    description: line(settings.description) ?? description.description,
    link: httpLink(settings.link && fillLink(settings.link, request)) ?? description.link,
    actor: line(settings.actor) ?? description.actor,
    text: (settings.text && wholeText(fill(settings.text) ?? "").trim()) || description.text,
  };
}

/** An event to try the source with: it has whatever the templates and the id look for. */
function sampleOf({ event, title, id }: SourceSettings) {
  const paths = [event, title].flatMap((template) => pathExpressionsIn(template ?? ""));
  const payload: Record<string, unknown> = {};
  const headers: Record<string, string> = {};
  for (const path of [...paths, ...id ?? []]) {
    const isId = id?.includes(path);
    if (path.startsWith("header:")) {
      headers[path.slice("header:".length).toLowerCase()] = isId ? "SAMPLE" : "sample";
    } else put(payload, path, isId ? "SAMPLE" : `sample ${path}`);
  }
  return jsonSample(
    "sample",
    Object.keys(payload).length > 0 ? payload : { title: "A sample" },
    headers,
  );
}

/** The longest list in a sample: `items[1000000]` would make one of a million items. */
const MOST_ITEMS = 100;

/** Puts a value where a path expression will find it; a path that cannot be made is left out. */
function put(into: Record<string, unknown>, path: string, value: string): void {
  const steps = (parsePath(path) ?? []).map((step) => step === ANY ? 0 : step);
  let at: unknown = into;
  for (const [index, key] of steps.entries()) {
    if (typeof at !== "object" || at === null || key === "__proto__") return;
    if (typeof key === "number" && key > MOST_ITEMS) return;
    const holder = at as Record<string | number, unknown>;
    const next = steps[index + 1];
    if (next === undefined) holder[key] ??= value;
    else at = holder[key] ??= typeof next === "number" ? [] : {};
  }
}
