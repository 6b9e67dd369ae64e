import type { Verification, WholeMessage } from "../../message/message.ts";
import { toPublicUrl } from "../../config/public_url.ts";
import type { Services } from "../../services.ts";
import { diagnose } from "../../../sources/diagnosis/diagnosis.ts";
import { beforeProof } from "../../../sources/kit/incoming.ts";
import { readQuery } from "../../../sources/kit/query.ts";
import type { Incoming } from "../../../sources/source.ts";
import {
  checkSignature,
  createSourceGates,
  type SignatureRefused,
  type SourceGate,
} from "./source_gate.ts";
import { Problem } from "../../process/problem.ts";

/** Checks requests against the secrets that are set, now or long after they came in. */
export interface Verifier {
  gateOf(type: string): SourceGate;
  /** The URL the vendor has on file: what some signatures are made over. */
  publicUrl(url: string): string;
  /**
   * Checks a request's signature, and its time at the moment it arrived.
   *
   * @throws {SignatureRefused} when it is wrong.
   * @throws {Problem} when there is no secret and one is wanted, or the
   * vendor's certificate or keys cannot be had.
   */
  verify(gate: SourceGate, incoming: Incoming): Promise<Verification>;
  /** Why a signature was refused, for the operator's eyes only. */
  diagnose(gate: SourceGate, refused: SignatureRefused): Promise<string>;
  /** A kept message as the request that it was. */
  incomingOf(message: WholeMessage): Incoming;
}

export function createVerifier(
  { config, sources, certificates, keySets, log }: Pick<
    Services,
    "config" | "sources" | "certificates" | "keySets" | "log"
  >,
): Verifier {
  const gateOf = createSourceGates(config, sources);

  /** Some vendors sign with a key that they publish, alone or in a certificate. */
  async function withPublished({ source, secrets }: SourceGate, incoming: Incoming) {
    if (secrets.length === 0) return incoming;
    const certificate = await read(certificates, source.certificateUrl?.(incoming, secrets));
    const keySet = await read(keySets, source.keySetUrl?.(incoming));
    return certificate || keySet ? { ...incoming, certificate, keySet } : incoming;

    async function read<T>(from: { read(url: string): Promise<T> }, url: string | undefined) {
      if (url === undefined) return undefined;
      return await from.read(url).catch((error) => {
        log.warn("webhook.certificate_failed", { webhook_type: incoming.type, url, error });
        throw new Problem(
          503,
          "certificate_unreachable",
          "Cannot check the signature now: the sender's certificate could not be fetched",
          "Send it again after the seconds in Retry-After",
          { "retry-after": "30" },
        );
      });
    }
  }

  const publicUrl = (url: string) => toPublicUrl(config, url);

  return {
    gateOf,
    publicUrl,
    async verify(gate, incoming) {
      return await checkSignature(gate, await withPublished(gate, beforeProof(incoming)), config);
    },
    diagnose: (gate, refused) =>
      diagnose(refused, refused.incoming, gate, {
        own: gate.secrets,
        variable: gate.variable,
        all: config.secrets,
        retired: config.retiredSecrets,
        sources: sources.all,
      }),
    incomingOf({ webhook_type, method, url, headers, body, received_at }) {
      const { source, bodyLimit } = gateOf(webhook_type);
      return readQuery(source, {
        type: webhook_type,
        method: method ?? "POST",
        url: publicUrl(url),
        headers,
        body,
        receivedAt: received_at.getTime(),
        bodyLimit,
      });
    },
  };
}
