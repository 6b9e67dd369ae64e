import type { Config } from "../../config/config.ts";
import { triedSecretsOf } from "../../config/secrets.ts";
import type { Verification } from "../../message/message.ts";
import {
  bodyLimitOf,
  labelOf,
  type Registry,
  variableOf,
} from "../../../sources/rules/registry.ts";
import { plainRequest } from "../../../sources/kit/incoming.ts";
import type { Incoming, Source, SourceSecrets, Verdict } from "../../../sources/source.ts";
import { Problem } from "../../process/problem.ts";

/** What a request of one source meets; the same for all its requests. */
export interface SourceGate extends SourceSecrets {
  name: string;
  source: Source;
  bodyLimit: number;
  /** The variable to set for its secret. */
  variable: string;
}

/**
 * A signature, or its time, is wrong, or nothing is set to check it with. The request comes along,
 * to be kept for a person to look at.
 */
export class SignatureRefused extends Problem {
  override name = "SignatureRefused";
  readonly incoming: Incoming;

  constructor(
    { code, message, hint }: Pick<Problem, "code" | "message" | "hint">,
    incoming: Incoming,
  ) {
    super(401, code, message, hint);
    this.incoming = incoming;
  }
}

/** Finds the gate for a `webhook_type`; each is built once for the rules that are read. */
export function createSourceGates(
  config: Config,
  registry: Registry,
): (type: string) => SourceGate {
  const gates = new Map<string, SourceGate>();
  let rules = registry.all;
  return (type) => {
    if (rules !== registry.all) gates.clear();
    rules = registry.all;
    const { name, source } = registry.find(type);
    let gate = gates.get(name);
    if (!gate) {
      gate = {
        name,
        source,
        // Asked for each time: they may be rotated.
        get secrets() {
          return triedSecretsOf(config, name, source.secretVariable);
        },
        get verifyTokens() {
          return config.secrets.get(source.verifyTokenVariable ?? "") ?? [];
        },
        bodyLimit: bodyLimitOf(source, config.maxBodyBytes),
        variable: variableOf({ name, source }),
      };
      gates.set(name, gate);
    }
    return gate;
  };
}

/**
 * Checks a message's signature, where its source has secrets.
 *
 * @throws {SignatureRefused} 401 when it is wrong, or the source or the operator
 * wants one and there is no secret to check it with.
 */
export async function checkSignature(
  { name, source, secrets, variable }: SourceGate,
  incoming: Incoming,
  { requireVerified }: Pick<Config, "requireVerified">,
): Promise<Verification> {
  if (source.verify && secrets.length > 0) {
    const verdict = await verifyEither(source.verify, incoming, secrets);
    if (verdict.ok) return "verified";
    throw new SignatureRefused(verdict, incoming);
  }
  if (source.secretRequired) {
    throw new SignatureRefused(secretMissing({ name, source, variable }), incoming);
  }
  if (requireVerified) {
    throw new SignatureRefused({
      code: "unverified",
      message: `Only verified messages are taken here, and "${name}" cannot be verified`,
      hint: source.verify
        ? `Set ${variable}, or unset WEBHOOK_REQUIRE_VERIFIED`
        : "Unset WEBHOOK_REQUIRE_VERIFIED to take messages of senders that Otto cannot verify",
    }, incoming);
  }
  return "unverified";
}

/** Checks the bytes as they came; a vendor may have signed them before anybody encoded them. */
async function verifyEither(
  verify: NonNullable<Source["verify"]>,
  incoming: Incoming,
  secrets: readonly string[],
): Promise<Verdict> {
  const verdict = await verify(incoming, secrets);
  const plain = verdict.ok ? undefined : plainRequest(incoming);
  if (!plain) return verdict;
  const second = await verify(plain, secrets);
  return second.ok || second.code === "timestamp_outside_window" ? second : verdict;
}

/** A request must be checked, and there is no secret to check it with. */
export function secretMissing(
  { name, source, variable }: Pick<SourceGate, "name" | "source" | "variable">,
): Problem {
  return new Problem(
    401,
    "secret_not_configured",
    `Cannot verify a ${labelOf({ name, source })} request: no secret is configured`,
    `Set ${variable} and start Otto again`,
  );
}
