import type { Verdict } from "../source.ts";

/** The signature is right. */
export const verified: Verdict = { ok: true };

/** The header with the signature is not there. */
export function signatureMissing(header: string, hint: string): Verdict {
  return {
    ok: false,
    code: "signature_missing",
    message: `Checking the signature failed: the request has no ${header} header`,
    hint,
  };
}

/** The header is there, but is not written as the vendor writes it. */
export function signatureMalformed(header: string, wanted: string): Verdict {
  return {
    ok: false,
    code: "signature_malformed",
    message: `Checking the signature failed: the ${header} header is not of the form ${wanted}`,
    hint: `Send ${header} exactly once, as the vendor writes it: ${wanted}.`,
  };
}

/** The signature was made over other bytes, or with another secret. */
export function signatureMismatch(header: string, hint: string): Verdict {
  return {
    ok: false,
    code: "signature_mismatch",
    message: `Checking the signature failed: ${header} does not match the body and the secret`,
    hint,
  };
}

/** The sender was to show the secret itself, and shows nothing; as in "no X-Token header". */
export function tokenMissing(where: string, hint: string): Verdict {
  return {
    ok: false,
    code: "signature_missing",
    message: `Checking the token failed: the request has no ${where}`,
    hint,
  };
}

/** What the sender shows is not the secret. */
export function tokenMismatch(where: string, hint: string): Verdict {
  return {
    ok: false,
    code: "signature_mismatch",
    message: `Checking the token failed: what the ${where} holds is not the secret`,
    hint,
  };
}

/** The signature is right, but its time is not. Checked last, so that this verdict says all else is right. */
export function timestampOutsideWindow(
  seconds: number,
  receivedAt: number,
  allowed: number,
): Verdict {
  const age = Math.round(receivedAt / 1000 - seconds);
  const found = age < 0 ? `${-age} s in the future` : `${age} s old`;
  return {
    ok: false,
    code: "timestamp_outside_window",
    message:
      `Checking the signature's time failed: it is ${found}, at most ${allowed} s are allowed`,
    hint: "Sign each attempt anew, and check that both clocks are right.",
  };
}

/** No configured secret can be a key of this scheme, so nothing could ever match. */
export function secretUnusable(variable: string, wanted: string): Verdict {
  return {
    ok: false,
    code: "secret_unusable",
    message: `Checking the signature failed: ${variable} is not of the form ${wanted}`,
    hint: `Set ${variable} to what the sender shows, without quotes or spaces.`,
  };
}
