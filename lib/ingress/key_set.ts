import { fetchPublished, type Published } from "./published.ts";

/** Vendors' public keys, fetched when a message needs them. */
export interface KeySets {
  /** The key set at an address that is a vendor's for certain. Rejects when it cannot be had within three seconds. */
  read(url: string): Promise<string>;
}

/** Keys are changed in place: without a word of the vendor's they are fetched anew after an hour. */
const FRESH_MS = 60 * 60 * 1_000;
/** However short or long a vendor says. */
const [LEAST_MS, MOST_MS] = [60 * 1_000, 24 * 60 * 60 * 1_000];

/** Each set is fetched once for as long as its `Cache-Control` says; one that could not be had is tried again by the next message. */
export function openKeySets(): KeySets {
  const kept = new Map<string, { set: Promise<Published>; until: number }>();
  return {
    async read(url) {
      let entry = kept.get(url);
      if (!entry || entry.until <= Date.now()) {
        const fresh = { set: fetchPublished(url), until: Infinity };
        kept.set(url, fresh);
        fresh.set.then(
          ({ freshMs = FRESH_MS }) =>
            fresh.until = Date.now() + Math.min(MOST_MS, Math.max(LEAST_MS, freshMs)),
          () => kept.delete(url),
        );
        entry = fresh;
      }
      return (await entry.set).text;
    },
  };
}
