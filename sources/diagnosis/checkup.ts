import { signedAs } from "../kit/signed.ts";
import type { Incoming, Source } from "../source.ts";

/** What becomes of a source's messages as it is configured; `failed` when that cannot work. */
interface Checkup {
  status: "verified" | "unverified" | "refused" | "failed";
  /** What is configured or missing, in one line. */
  detail: string;
  /** What to do about it, where there is something. */
  hint?: string;
}

const ORIGIN = "https://otto.example.com";

/**
 * Tries a source's secrets: each one signs a sample of ours, which the source must
 * accept. Of a key with which only the vendor can sign, only the form is checked.
 */
export async function checkUp(
  name: string,
  source: Source,
  { secrets, variable, publicUrl }: {
    secrets: readonly string[];
    variable: string;
    publicUrl?: string;
  },
): Promise<Checkup> {
  if (!source.verify) {
    return secrets.length > 0
      ? {
        status: "failed",
        detail: `${variable} is set, but this sender proves nothing`,
        hint: `Unset ${variable}`,
      }
      : { status: "unverified", detail: "this sender proves nothing" };
  }
  if (secrets.length === 0) {
    return source.secretRequired
      ? {
        status: "refused",
        detail: `no secret: every message is refused`,
        hint: setHint(variable),
      }
      : { status: "unverified", detail: "no secret: anyone can send", hint: setHint(variable) };
  }
  const count = secrets.length > 1
    ? ` (${secrets.length} secrets between commas; as one with its commas it fits, too)`
    : "";
  let coversUrl = false;
  for (const [at, secret] of secrets.entries()) {
    const found = await trySecret(name, source, secret);
    if (found.obstacle !== undefined) {
      const which = secrets.length > 1 ? `secret ${at + 1} of ${secrets.length} in ` : "";
      return {
        status: "failed",
        detail: `${which}${variable}: ${found.obstacle}`,
        hint: found.hint,
      };
    }
    coversUrl ||= found.coversUrl;
  }
  return {
    status: "verified",
    detail: `by ${variable}${count}`,
    hint: coversUrl && publicUrl === undefined
      ? "Its signature covers the URL: set PUBLIC_URL to the origin that the sender has on file"
      : undefined,
  };
}

const setHint = (variable: string) => `Set ${variable}`;

type SecretTrial = { obstacle?: string; hint?: string; coversUrl: boolean };

async function trySecret(name: string, source: Source, secret: string): Promise<SecretTrial> {
  if (source.takes && !await source.takes(secret)) {
    return {
      obstacle: "it is no key of the form that this sender has",
      hint: source.setup,
      coversUrl: false,
    };
  }
  const sample = source.samples?.[0];
  if (!(source.sign ?? source.prove) || !sample) return { coversUrl: false };
  const plain: Incoming = {
    type: name,
    method: "POST",
    url: `${ORIGIN}/webhook/${name}`,
    headers: new Headers(sample.headers),
    body: new TextEncoder().encode(sample.body),
    queryForm: undefined,
    receivedAt: Date.now(),
  };
  try {
    const signed = await signedAs(source, plain, secret);
    const verdict = await source.verify!(signed, [secret]);
    if (!verdict.ok) {
      // Any other refusal is about our sample, which not every scheme lets us sign.
      return verdict.code === "secret_unusable"
        ? { obstacle: verdict.message, hint: verdict.hint, coversUrl: false }
        : { coversUrl: false };
    }
    const url = signed.url.replace(ORIGIN, "https://elsewhere.example.com");
    const moved = { ...signed, url };
    return { coversUrl: !(await source.verify!(moved, [secret])).ok };
  } catch (error) {
    return {
      obstacle: error instanceof Error ? error.message : String(error),
      hint: source.setup,
      coversUrl: false,
    };
  }
}
