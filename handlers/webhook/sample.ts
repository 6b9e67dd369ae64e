import { type Config, secretsOf } from "../../lib/config/config.ts";
import { GENERIC, labelOf, type Registry, variableOf } from "../../sources/rules/registry.ts";
import { signedAs } from "../../sources/kit/signed.ts";
import type { Incoming, Source } from "../../sources/source.ts";
import { Problem } from "../problem.ts";
import { type Sampled, withMark } from "../../sources/kit/sample.ts";

/** Stands in a sample's ids, where each delivery needs its own. */
const MARKER = /SAMPLE/g;
/** The type in the URL for a sender that we do not know. */
const UNKNOWN = "demo";

interface SampleParts {
  config: Pick<Config, "secrets">;
  sources: Registry;
}

/** The systems that have samples, and what stands in their way. */
export function listSampled(parts: SampleParts): Sampled[] {
  return Object.entries(parts.sources.all)
    .filter(([, source]) => source.samples?.length)
    .map(([name, source]) => ({
      name,
      label: name === GENERIC ? "Something else" : labelOf({ name, source }),
      missing: source.secretRequired && !secretFor(parts, name)
        ? variableOf({ name, source })
        : undefined,
    }));
}

/** The events there are samples of, by source. */
export function listEvents({ all }: Registry): Map<string, string[]> {
  return new Map(
    Object.entries(all).filter(([, { samples }]) => samples?.length)
      .map(([name, { samples }]) => [name, samples!.map(({ event }) => event)]),
  );
}

/**
 * A request such as the source's vendor would send, signed if there is a
 * secret; each one is a new delivery. `origin` is where the sender sees Otto,
 * `path` another path than /webhook/{source}; `event` chooses among the samples, or else `turn`;
 * `given` is a body to send in the sample's place, byte for byte, and headers before the sample's.
 *
 * @throws {Problem} when the source has no samples, must have a secret, or has
 * one that cannot sign.
 */
export async function makeSample(
  parts: SampleParts,
  { name, origin, path, event, given, turn = 0 }: {
    name: string;
    origin: string;
    path?: string;
    event?: string;
    given?: { body?: Uint8Array; headers: Headers };
    turn?: number;
  },
): Promise<Request> {
  const sampled = requireSampled(parts, name);
  const { source, samples, secret } = sampled;
  const sample = samples.find((each) => each.event === event) ?? samples[turn % samples.length];
  const url = origin + (path ?? `/webhook/${name === GENERIC ? UNKNOWN : name}`);
  const isSigned = secret !== undefined && source.verify !== undefined;
  const request = fill(sample, { type: name === GENERIC ? UNKNOWN : name, url, given, isSigned });
  const sent = isSigned ? await sign(sampled, request, secret) : request;
  return new Request(sent.url, {
    method: sent.method,
    headers: sent.headers,
    body: sent.body as BodyInit,
  });
}

/** A source that has samples, and the secret to sign them with. */
interface SampledSource {
  source: Source;
  samples: NonNullable<Source["samples"]>;
  secret?: string;
  label: string;
  /** The variable that its secret belongs in. */
  variable: string;
}

/** @throws {Problem} 400 when no sample of this source can be made. */
function requireSampled(parts: SampleParts, name: string): SampledSource {
  const { all } = parts.sources;
  const source = Object.hasOwn(all, name) ? all[name] : undefined;
  const samples = source?.samples ?? [];
  if (!source || samples.length === 0) {
    throw new Problem(
      400,
      "no_sample",
      "There is no sample of this source",
      `Choose one of ${Object.keys(all).join(", ")}`,
    );
  }
  const label = name === GENERIC ? "generic" : labelOf({ name, source });
  const sender = name === GENERIC ? "the sender" : label;
  const variable = variableOf({ name, source });
  const secret = secretFor(parts, name);
  if (source.secretRequired && !secret) {
    throw new Problem(
      400,
      "secret_not_configured",
      `Cannot send a ${label} sample: no secret is configured to sign it with`,
      `Set ${variable} and start Otto again`,
    );
  }
  if (secret && source.verify && !source.sign && !source.prove) {
    throw new Problem(
      400,
      "cannot_sign",
      `Cannot send a ${label} sample: only ${sender} has the key that signs`,
      `Unset ${variable}, or let ${sender} send a test`,
    );
  }
  return { source, samples, secret, label, variable };
}

/** The sample as a request, with ids of its own. */
function fill(
  sample: SampledSource["samples"][number],
  { type, url, given, isSigned }: {
    type: string;
    url: string;
    isSigned: boolean;
    given?: { body?: Uint8Array; headers: Headers };
  },
): Incoming {
  const id = crypto.randomUUID().replaceAll("-", "");
  const headers = new Headers({ host: new URL(url).host });
  for (const [header, value] of Object.entries(sample.headers)) {
    headers.set(header, value.replace(MARKER, id));
  }
  given?.headers.forEach((value, header) => headers.set(header, value));
  const body = sample.body.replace(MARKER, id);
  const text = isSigned && body === sample.body ? withMark(body, id) : body;
  return {
    type,
    method: "POST",
    url,
    headers,
    body: given?.body ?? new TextEncoder().encode(text),
    queryForm: undefined,
    receivedAt: Date.now(),
  };
}

/** @throws {Problem} 400 when the secret is none that this vendor's could be. */
async function sign(
  { source, label, variable }: SampledSource,
  request: Incoming,
  secret: string,
): Promise<Incoming> {
  try {
    return await signedAs(source, request, secret);
  } catch {
    throw new Problem(
      400,
      "cannot_sign",
      `Cannot send a ${label} sample: the secret that is set cannot sign it`,
      `Set ${variable} to what the sender shows; deno task doctor says ` +
        "what is wrong with it",
    );
  }
}

function secretFor(parts: SampleParts, name: string): string | undefined {
  return secretsOf(parts.config, name, parts.sources.all[name].secretVariable)[0];
}
