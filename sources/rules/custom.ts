import { secretVariable } from "../kit/secret_variable.ts";
import { digest } from "../signature/signature.ts";
import * as generic from "../generic.ts";
import { contentKey, contentOf, payloadOf, usableId } from "../kit/incoming.ts";
import { greeted } from "./greeting.ts";
import { provenByJwt, signedInBody } from "./in_body.ts";
import { putAt, SAME_BYTES, textsAt } from "./path_expression.ts";
import { redactedNames } from "./redaction.ts";
import { jsonSample } from "../kit/sample.ts";
import { modelOf, type Named } from "./known.ts";
import { toScheme } from "./scheme.ts";
import { saidAnyway } from "./said_anyway.ts";
import { pathExpressionsIn } from "./template.ts";
import type { SourceSettings } from "./settings.ts";
import { signedBy, signedByKey } from "../kit/signed.ts";
import type { Incoming, Source, Verdict } from "../source.ts";
import { provenBy } from "../kit/token.ts";
import { describeWith } from "./words.ts";

/**
 * A source with the settings of the operator's file: one that Otto knows, partly
 * changed, or one of the operator's own, of which only the file says anything.
 */
export function customSource(
  name: string,
  settings: SourceSettings,
  known: Source | undefined,
): Source {
  const base = known ?? ownSource(name, settings);
  const { label, methods, body_limit, secret_required, repeats, redact = [] } = settings;
  const proved: Source = { ...base, ...provedBy(name, settings, base) };
  const asksToken = settings.handshake?.some(({ token }) => token !== undefined);
  return {
    ...proved,
    ...greeted(settings, base),
    ...(settings.id !== undefined &&
      { signedContentKeys: proved.signedContentKeys ?? idAsKey(settings, proved) }),
    ...(asksToken && { verifyTokenVariable: base.verifyTokenVariable ?? tokenVariable(name) }),
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
    ...(redact.length > 0 &&
      { secretNames: [...proved.secretNames ?? [], ...redactedNames(redact)] }),
    describe: (payload, context) => describeWith(settings, base, payload, context),
  };
}

/** The variable for the word with which a sender of the operator's own proves itself in a handshake. */
function tokenVariable(name: string): string {
  return `${name.toUpperCase().replace(/[^A-Z0-9]/g, "_")}_VERIFY_TOKEN`;
}

/**
 * A source of the operator's own, before the file says more of it: all that the one is which it is
 * like, but for its name and where its secret stands; else one that nobody knows.
 */
function ownSource(name: string, settings: SourceSettings): Source {
  const model = modelOf(settings.scheme)?.source;
  if (!model) return { ...generic, label: name, samples: [sampleOf(settings)], verify: undefined };
  // While it has the vendor's label still: what the vendor's module has no words for is told by that.
  const said = saidAnyway(model);
  return { ...said, label: name, secretVariable: undefined, setup: undefined, aliases: undefined };
}

/**
 * The vendor's own delivery id with what the delivery says as the key that tells a captured
 * request: another content under the id is news. The id that the file names instead may stand where
 * anybody can write, and so cannot be that key.
 */
function idAsKey({ scheme }: SourceSettings, { verify, deliveryId, changesOnRetry }: Source) {
  const isVendors = scheme === undefined || scheme.type === "like";
  if (!isVendors || !verify || !deliveryId) return undefined;
  return (request: Incoming): string[] => {
    const id = deliveryId(request);
    const said = contentKey({ changesOnRetry }, request) ?? `plain:${digest(contentOf(request))}`;
    return id === undefined ? [] : [`${id}|${said}`];
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
    keySetUrl: undefined,
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
    case "hmac_in_body":
      return { ...nothing, ...signedInBody(scheme, setting) };
    case "jwt":
      return { ...nothing, ...provenByJwt(scheme, setting) };
    case "like":
      return { ...nothing, ...like(modelOf(scheme)!, setting.variable) };
  }
}

/** Signs like a source that Otto knows, with a secret of its own. */
function like({ name, source: model }: Named, variable: string): Partial<Source> {
  const theirs = model.secretVariable ?? secretVariable(name);
  return {
    proof: model.proof,
    sign: model.sign,
    prove: model.prove,
    takes: model.takes,
    secretNames: model.secretNames,
    certificateUrl: model.certificateUrl,
    keySetUrl: model.keySetUrl,
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

/** What several path expressions find makes one id together; where one of them finds nothing there is none. */
function idAt(paths: readonly string[]) {
  const inBody = paths.some((path) => !path.startsWith("header:") && path !== SAME_BYTES);
  return (request: Incoming): string | undefined => {
    // The body is not parsed where the headers have all of the id.
    const parts = {
      headers: request.headers,
      payload: inBody ? payloadOf(request) : undefined,
    };
    const found = paths.map((path) =>
      path === SAME_BYTES ? [digest(contentOf(request))] : textsAt(path, parts) ?? []
    );
    if (found.some((texts) => texts.length === 0)) return undefined;
    const [part, ...others] = found.map((texts) => texts.length === 1 ? texts[0] : texts);
    if (others.length === 0 && typeof part === "string") return usableId(part);
    // As JSON, so that no two lists of parts are the same id.
    const id = JSON.stringify(others.length === 0 ? part : [part, ...others]);
    return usableId(id) ?? digest(id);
  };
}

/** An event to try the source with: it has whatever the templates, the id and what is signed look for. */
function sampleOf({ event, title, id, scheme }: SourceSettings) {
  const paths = [event, title].flatMap((template) => pathExpressionsIn(template ?? ""));
  if (scheme?.type === "hmac_in_body") {
    const item = scheme.items === undefined ? "" : `${scheme.items}.`;
    paths.push(...pathExpressionsIn(scheme.signed).map((path) => item + path));
  }
  const payload: Record<string, unknown> = {};
  const headers: Record<string, string> = {};
  for (const path of [...paths, ...id ?? []]) {
    const isId = id?.includes(path);
    if (path.startsWith("header:")) {
      headers[path.slice("header:".length).toLowerCase()] = isId ? "SAMPLE" : "sample";
    } else putAt(payload, path, isId ? "SAMPLE" : `sample ${path}`);
  }
  return jsonSample(
    "sample",
    Object.keys(payload).length > 0 ? payload : { title: "A sample" },
    headers,
  );
}
