import { readWholeMessages, type WholeMessage } from "../../message/message.ts";
import { listRejected } from "../../message/quarantine.ts";
import type { Services } from "../../services.ts";
import { labelFor } from "../../../sources/rules/names.ts";
import { Problem } from "../../process/problem.ts";
import { SignatureRefused, type SourceGate } from "./source_gate.ts";
import type { Verifier } from "./verifier.ts";

/** What a value opens of what was refused. */
export interface TriedSecret {
  /** How many of the newest refused messages were tried. */
  tried: number;
  /** How many of them are signed with it. */
  opens: number;
  /** Of these, how many would be refused all the same: their time was outside the window when they came. */
  outside_window: number;
  /** How many could not be tried: their bodies were too large to keep, or time was up. */
  untried: number;
  /** Why the newest one that it does not open is refused; null where it opens all. */
  why: string | null;
}

/** As many as tell; each is a signature over a body of 256 KiB at most. */
const MOST_TRIED = 50;
/** A person waits for it; what is left then was not tried. */
const TRY_MS = 5_000;

/** No key is longer than an RSA one of 8192 bits in PEM. */
export const MOST_SECRET_LENGTH = 8_192;

/**
 * Checks the newest refused messages of a source against a value, each at the time it came. The
 * value is kept nowhere: it is in no log, no answer and no store.
 *
 * @param name the source's one name.
 * @throws {Problem} 400 for a value that cannot be a secret, 409 where nothing can be verified.
 */
export async function trySecret(
  { services: { database, sources }, verifier }: { services: Services; verifier: Verifier },
  name: string,
  value: string,
): Promise<TriedSecret> {
  const gate = gateWith(verifier.gateOf(name), value.trim());
  if (!gate.source.verify) {
    throw new Problem(
      409,
      "cannot_be_verified",
      `Cannot try a secret of ${labelFor(sources, name)}: Otto knows no signature of this sender`,
      "Give it a scheme in SOURCES_FILE: docs/sources-file.md says how",
    );
  }
  const rejected = await listRejected(database, name, MOST_TRIED);
  const until = Date.now() + TRY_MS;
  const found: TriedSecret = { tried: 0, opens: 0, outside_window: 0, untried: 0, why: null };
  const ids = rejected.map(({ message_id }) => message_id);
  for await (const message of readWholeMessages(database, ids)) {
    if (Date.now() > until || !isWhole(message)) found.untried++;
    else await tryOne(message);
  }
  return found;

  async function tryOne(message: WholeMessage): Promise<void> {
    found.tried++;
    try {
      await verifier.verify(gate, verifier.incomingOf(message));
      found.opens++;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.code === "timestamp_outside_window") {
        found.opens++;
        found.outside_window++;
      } else if (found.why === null) {
        found.why = error instanceof SignatureRefused
          ? await verifier.diagnose(gate, error)
          : `${error.message}. ${error.hint}`;
      }
    }
  }
}

const isWhole = ({ body, size, dropped }: WholeMessage) => !dropped && body.byteLength >= size;

/**
 * The gate as if this were all that is set. Several values with commas in between count as in a
 * variable, and as one, too.
 *
 * @throws {Problem} 400 when there is nothing, or too much.
 */
function gateWith(gate: SourceGate, value: string): SourceGate {
  if (value === "" || value.length > MOST_SECRET_LENGTH) {
    throw new Problem(
      400,
      "no_secret",
      value === "" ? "Cannot try a secret: there is none" : "Cannot try a secret that is so long",
      `Paste the value as its sender shows it, of at most ${MOST_SECRET_LENGTH} characters`,
    );
  }
  const parts = value.split(",").map((part) => part.trim()).filter((part) => part !== "");
  const { name, source, bodyLimit, variable, verifyTokens } = gate;
  const secrets = [...new Set([value, ...parts.slice(0, 10)])];
  return { name, source, bodyLimit, variable, verifyTokens, secrets };
}
