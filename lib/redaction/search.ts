/** Where in a text one of the needles is. */
export interface Hit {
  at: number;
  length: number;
}

/** So many letters of a needle are looked up at once. */
const BEGINNING = 4;
const LETTERS = 36;
const BEGINNINGS = LETTERS ** BEGINNING;
const WITHOUT_FIRST = LETTERS ** (BEGINNING - 1);

/** A digit or a small letter as a number. */
const numberOf = (unit: number) => unit < 58 ? unit - 48 : unit - 87;

/**
 * Looks for many needles at once, in one pass over a text: by their first letters, which stand in a
 * table.
 *
 * @param needles of digits and small letters, as the texts; not shorter than four.
 */
export function searcherFor(needles: readonly string[]): (letters: string) => Hit[] {
  const isBeginning = new Uint8Array(BEGINNINGS);
  const byBeginning = new Map<string, string[]>();
  for (const needle of needles) {
    const beginning = needle.slice(0, BEGINNING);
    let key = 0;
    for (let at = 0; at < BEGINNING; at++) key = key * LETTERS + numberOf(needle.charCodeAt(at));
    isBeginning[key] = 1;
    byBeginning.set(beginning, [...byBeginning.get(beginning) ?? [], needle]);
  }
  return (letters) => {
    const hits: Hit[] = [];
    let key = 0;
    for (let at = 0; at < letters.length; at++) {
      key = key % WITHOUT_FIRST * LETTERS + numberOf(letters.charCodeAt(at));
      if (isBeginning[key] === 0 || at < BEGINNING - 1) continue;
      const from = at - BEGINNING + 1;
      const found = byBeginning.get(letters.slice(from, at + 1))!
        .filter((needle) => letters.startsWith(needle, from));
      hits.push(...found.map(({ length }) => ({ at: from, length })));
    }
    return hits;
  };
}
