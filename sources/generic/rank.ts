import type { Leaf } from "./survey.ts";

/** So far away a name is that of something else. */
const FAR = 30;

/** By a key, or by the last word of one: how well it says what a payload is about; less is better. */
export type Ranks = Record<string, number>;

/** Lists of keys, the best first, as ranks. */
export const ranked = (...lists: string[]): Ranks =>
  Object.fromEntries(lists.flatMap((keys, rank) => keys.split(" ").map((key) => [key, rank])));

/** A leaf's rank by its whole key, or one more by the key's last word; `undefined` where it has none. */
export function rankOf({ key, words: parts }: Leaf, keys: Ranks, ends: Ranks): number | undefined {
  if (Object.hasOwn(keys, key)) return keys[key];
  const last = parts.at(-1) ?? "";
  return parts.length > 1 && Object.hasOwn(ends, last) ? ends[last] + 1 : undefined;
}

/** The one of the least rank and distance; of equal ones the first. */
export function best(
  leaves: readonly Leaf[],
  rank: (leaf: Leaf) => number | undefined,
): Leaf | undefined {
  let found: Leaf | undefined;
  let least = FAR;
  for (const leaf of leaves) {
    const its = rank(leaf);
    if (its === undefined || its + leaf.distance >= least) continue;
    least = its + leaf.distance;
    found = leaf;
  }
  return found;
}
