import {
  checkScheme,
  type Finding,
  isKeyOf,
  type Scheme,
  signScheme,
  tellScheme,
} from "../lib/signature.ts";
import type { Incoming, ReplayKey, Verdict } from "./source.ts";
import { malformed, mismatch, missing, outsideWindow, unusable, verified } from "./verdict.ts";

/** Where a secret is kept: our variable, and the place in the vendor's settings, as in "the app's signing secret". */
export interface SecretPlace {
  variable: string;
  is: string;
}

/** `verify`, `sign`, `proof` and `replayKey` of a source whose vendor signs by a scheme that is data. */
export function signedBy(scheme: Scheme, place: SecretPlace) {
  return {
    verify: async (request: Incoming, secrets: readonly string[]): Promise<Verdict> =>
      toVerdict(await checkScheme(scheme, request, secrets), request, place),
    sign: (request: Incoming, secret: string): Promise<Record<string, string>> =>
      signScheme(scheme, request, secret),
    proof: tellScheme(scheme),
    replayKey: isTimed(scheme) ? undefined : (request: Incoming): ReplayKey => [
      scheme.time?.header === undefined ? "" : request.headers.get(scheme.time.header) ?? "",
      request.body,
    ],
  };
}

/** Whether an old request is refused for its age. */
function isTimed({ time }: Scheme): boolean {
  return time !== undefined && time.window !== null;
}

/** The same for a vendor that signs with a private key: only it can sign. */
export function signedByKey(scheme: Scheme, place: SecretPlace) {
  const { verify, proof, replayKey } = signedBy(scheme, place);
  return { verify, proof, replayKey, takes: (secret: string) => isKeyOf(scheme, secret) };
}

/** What a finding means for a person. */
export function toVerdict(
  finding: Finding,
  { receivedAt }: Pick<Incoming, "receivedAt">,
  { variable, is }: SecretPlace,
): Verdict {
  switch (finding.kind) {
    case "match":
      return verified;
    case "missing":
      return missing(finding.header, `Set ${variable} to ${is}, and the same at the sender.`);
    case "malformed":
      return malformed(finding.header, finding.wanted);
    case "mismatch":
      return mismatch(
        finding.header,
        `Set ${variable} to ${is} and forward the body unchanged.`,
      );
    case "unusable":
      return unusable(variable, finding.wanted);
    case "late":
      return outsideWindow(finding.seconds, receivedAt, finding.allowed);
  }
}
