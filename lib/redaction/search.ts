/** Where in a text one of the needles is. */
export interface Hit {
  at: number;
  length: number;
}

/** So many letters of a needle are looked up at once. */
const BEGINNING = 4;
/** Of each letter's code: some digits and letters have the same, which only costs a second look. */
const BITS = 5;
const OF_LETTER = 2 ** BITS - 1;
const OF_BEGINNING = 2 ** (BITS * BEGINNING) - 1;

/** The key of the last letters, one more among them. */
const keyWith = (key: number, code: number) => (key << BITS | code & OF_LETTER) & OF_BEGINNING;

/**
 * Looks for many needles at once, in one pass over a text: by their first letters, which stand in a
 * table.
 *
 * @param needles of digits and small letters, as the texts; not shorter than four.
 */
export function searcherFor(needles: readonly string[]): (letters: string) => Hit[] {
  const isBeginning = new Uint8Array(OF_BEGINNING + 1);
  const byBeginning = new Map<string, string[]>();
  for (const needle of needles) {
    const beginning = needle.slice(0, BEGINNING);
    isBeginning[[...beginning].reduce((key, each) => keyWith(key, each.charCodeAt(0)), 0)] = 1;
    byBeginning.set(beginning, [...byBeginning.get(beginning) ?? [], needle]);
  }
  return (letters) => {
    const hits: Hit[] = [];
    let key = 0;
    for (let at = 0; at < letters.length; at++) {
      key = keyWith(key, letters.charCodeAt(at));
      if (isBeginning[key] === 0 || at < BEGINNING - 1) continue;
      const from = at - BEGINNING + 1;
      const found = (byBeginning.get(letters.slice(from, at + 1)) ?? [])
        .filter((needle) => letters.startsWith(needle, from));
      hits.push(...found.map(({ length }) => ({ at: from, length })));
    }
    return hits;
  };
}
