/** Area codes of +1 that are countries or territories of their own (NANPA's list of area codes). */
const ISLANDS = new Set([
  ...["242", "246", "264", "268", "284", "340", "345", "441", "473", "649", "658", "664", "670"],
  ...["671", "684", "721", "758", "767", "784", "787", "809", "829", "849", "868", "869", "876"],
  ...["939"],
]);

/**
 * Whether a number begins as one of these prefixes says. `+1` is the United States and Canada, and
 * `+7` is Russia: Jamaica (`+1876`) and Kazakhstan (`+77`) cost a multiple and want a prefix of
 * their own.
 */
export function beginsAs(number: string, prefixes: readonly string[]): boolean {
  const least = countryOf(number).length;
  return prefixes.some((prefix) => prefix.length >= least && number.startsWith(prefix));
}

/** As many of a number's first digits as say that it is no other country's; often none. */
function countryOf(number: string): string {
  if (number.startsWith("+1") && ISLANDS.has(number.slice(2, 5))) return number.slice(0, 5);
  return /^\+7[67]/.test(number) ? number.slice(0, 3) : "";
}
