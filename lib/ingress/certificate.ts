import { X509Certificate } from "node:crypto";
import type { VendorCertificate } from "../../sources/source.ts";
import { fetchPublished } from "./published.ts";

/** Certificates that vendors publish, fetched when a message needs one. */
export interface Certificates {
  /** The certificate at an address. Rejects when none can be had there within three seconds. */
  read(url: string): Promise<VendorCertificate>;
}

/** A vendor changes its certificate under a new address, so a day is short enough. */
const KEPT_MS = 24 * 60 * 60 * 1_000;
/** More than the vendors who sign in this way; a stranger's addresses must not fill the memory. */
const MOST_KEPT = 16;
/** Strangers can name certificates too: more fetches than these at one time are not begun. */
const MOST_AT_ONCE = 4;

/** Each certificate is fetched once a day; one that could not be had is tried again by the next message. */
export function openCertificates(): Certificates {
  const kept = new Map<string, { certificate: Promise<VendorCertificate>; until: number }>();
  let fetching = 0;
  return {
    read(url) {
      const found = kept.get(url);
      if (found && found.until > Date.now()) return found.certificate;
      if (fetching >= MOST_AT_ONCE) {
        return Promise.reject(new Error(`Fetching ${url} failed: ${fetching} others are fetched`));
      }
      fetching++;
      const certificate = fetchPublished(url).finally(() => fetching--)
        .then(({ text }) => parseCertificate(text));
      kept.delete(url);
      kept.set(url, { certificate, until: Date.now() + KEPT_MS });
      if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value!);
      certificate.catch(() => {
        if (kept.get(url)?.certificate === certificate) kept.delete(url);
      });
      return certificate;
    },
  };
}

/**
 * What a certificate in PEM says; of several, the first: the vendor's own stands before those it
 * was issued by.
 *
 * @throws {Error} when the text is none.
 */
export function parseCertificate(pem: string): VendorCertificate {
  const { subject, validFrom, validTo, publicKey } = new X509Certificate(pem);
  return {
    commonName: /(?:^|\n)CN=(.+)$/m.exec(subject)?.[1] ?? "",
    validFrom: Date.parse(validFrom),
    validTo: Date.parse(validTo),
    publicKey: new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
  };
}
