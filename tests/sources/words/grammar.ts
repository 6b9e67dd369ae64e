import { assert } from "@std/assert";

/** What no title may have: leftovers of missing values, and slips that a reader stumbles over. */
const SLIPS = [
  /undefined|NaN|\[object/,
  /\b1 (?:\w+ )?(?:events|items|commits|alerts|files|pages|lines|refs|products|attachments|accounts)\b/,
  / {2}/,
  /[:,(]\s*$/,
  /^[:,)\s]/,
  /\(\s*\)|""/,
  /\b(\w{3,}) \1\b/,
];

/** A title that a person can read aloud. */
export function assertReads(title: string): void {
  for (const slip of SLIPS) assert(!slip.test(title), `${slip} in: ${title}`);
}
