import {
  checkScheme,
  type Finding,
  formatScheme,
  isKeyOf,
  type Scheme,
  signedText,
  signScheme,
} from "../signature/signature.ts";
import { plainRequest } from "./incoming.ts";
import type { Incoming, Source, Verdict } from "../source.ts";
import {
  secretUnusable,
  signatureMalformed,
  signatureMismatch,
  signatureMissing,
  timestampOutsideWindow,
  verified,
} from "./verdict.ts";

/** How a secret is set: our variable, and what of the vendor's it is set to, as in "the app's signing secret". */
export interface SecretSetting {
  variable: string;
  is: string;
}

/** `verify`, `sign`, `proof` and `signedContentKeys` of a source whose vendor signs by a scheme that is data. */
export function signedBy(scheme: Scheme, setting: SecretSetting) {
  return {
    verify: async (request: Incoming, secrets: readonly string[]): Promise<Verdict> =>
      toVerdict(await checkScheme(scheme, request, secrets), request, setting),
    sign: (request: Incoming, secret: string): Promise<Record<string, string>> =>
      signScheme(scheme, request, secret),
    proof: formatScheme(scheme),
    /** All that is signed, with the time and the id where the vendor signs them: nothing else is certain to be the vendor's. */
    signedContentKeys: (request: Incoming) => [signedText(scheme, request)],
  };
}

/** The same for a vendor that signs with a private key: only it can sign. */
export function signedByKey(scheme: Scheme, setting: SecretSetting) {
  const { verify, proof, signedContentKeys } = signedBy(scheme, setting);
  return { verify, proof, signedContentKeys, takes: (secret: string) => isKeyOf(scheme, secret) };
}

/**
 * What whoever has captured a signed request cannot change in it: see `signedContentKeys`. Of an
 * encoded body also what it says, which stays the same when somebody encodes it anew.
 */
export function signedKeysOf(
  { signedContentKeys }: Source,
  request: Incoming,
): (string | Uint8Array)[] {
  if (!signedContentKeys) return [];
  const plain = plainRequest(request);
  return [request, ...plain ? [plain] : []].flatMap((each) => signedContentKeys(each));
}

/**
 * A signed body together with a word from a header that is not signed, for a vendor that sends the
 * same bytes for several events. Only the words of a fixed list count: were any word a new key,
 * whoever captured a request could send it again and again.
 */
export function keyWithWord(
  body: Uint8Array,
  word: string | null | undefined,
  known: readonly string[],
): Uint8Array {
  const key = new Uint8Array(body.length + 1);
  key[0] = known.indexOf(word ?? "") + 1;
  key.set(body, 1);
  return key;
}

/**
 * A request with the proof that its sender would give; unchanged where the source
 * can make none.
 *
 * @throws whatever the source does when the secret is none for it.
 */
export async function signedAs(
  source: Source,
  request: Incoming,
  secret: string,
): Promise<Incoming> {
  if (!source.sign) return await source.prove?.(request, secret) ?? request;
  const headers = new Headers(request.headers);
  for (const [name, value] of Object.entries(await source.sign(request, secret))) {
    headers.set(name, value);
  }
  return { ...request, headers };
}

/** What a finding means for a person. */
export function toVerdict(
  finding: Finding,
  { receivedAt }: Pick<Incoming, "receivedAt">,
  { variable, is }: SecretSetting,
): Verdict {
  switch (finding.kind) {
    case "match":
      return verified;
    case "missing":
      return signatureMissing(
        finding.header,
        `Set ${variable} to ${is}; the sender needs the same.`,
      );
    case "malformed":
      return signatureMalformed(finding.header, finding.wanted);
    case "mismatch":
      return signatureMismatch(
        finding.header,
        `Set ${variable} to ${is}, and forward the body unchanged.`,
      );
    case "unusable":
      return secretUnusable(variable, finding.wanted);
    case "late":
      return timestampOutsideWindow(finding.seconds, receivedAt, finding.allowed);
  }
}
