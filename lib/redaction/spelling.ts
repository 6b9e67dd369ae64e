/** A text as somebody reads it who undoes how its characters are written: its letters and digits. */
export interface Spelling {
  /** In lower case; nothing between them. */
  letters: string;
  /** Where the first of these letters begins in the text, and where the last one ends. */
  placeOf(from: number, length: number): [from: number, to: number];
}

/**
 * One character in another writing: `%63` (URLs), `=63` (mail), `\x63`, `0x63`, `\u0063`, `U+0063`,
 * `&#x63;`, `&#99;`, `\143`; entities with names are those of signs, and colors of a terminal are
 * nothing; and what is not ASCII.
 */
const WRITTEN = new RegExp(
  [
    String.raw`(?:\x1b|\\u001b|\\x1b|\\033|\\e)\[[\d;]{0,16}[a-zA-Z]`,
    String.raw`(?:%|=|\\x|0x)([\da-fA-F]{2})`,
    String.raw`(?:\\{1,4}u|U\+)([\da-fA-F]{4})`,
    String.raw`(?:\\{1,4}u\{|&#[xX])([\da-fA-F]{1,6})[;}]?`,
    String.raw`&#(\d{1,7});?`,
    String.raw`\\([0-3]?[0-7]{2})`,
    String.raw`&[a-zA-Z]{2,8};`,
  ].join("|"),
  "g",
);
const NOT_ASCII = /[^\0-\x7f]/u;
/** What numbers the groups of that are. */
const RADIXES = [16, 16, 16, 10, 8];
const PLAIN = /[a-zA-Z\d]/g;
const EACH = new RegExp(`${WRITTEN.source}|${NOT_ASCII.source}|${PLAIN.source}`, "gu");
const NOT_BARE = /[^a-zA-Z\d]+/g;

/** Letters of other scripts that look like ours, and are none of their compatible forms. */
const LOOKALIKES = new Map(
  ([
    ["аеорсухіјѕһԁԛԝӏкмтвнАВСЕНІЈКМОРЅТХУ", "aeopcyxijshdqwlkmtbnABCEHIJKMOPSTXY"],
    ["αβγεικνορτυχωΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "abyeikvoptuxwABEZHIKMNOPTYX"],
    ["ɑɡıⅼ", "agil"],
  ] as const).flatMap(([theirs, ours]) =>
    [...theirs].map((letter, at): [string, string] => [letter, ours[at]])
  ),
);
const LIKE_OURS = new RegExp(`[${[...LOOKALIKES.keys()].join("")}\u{e0020}-\u{e007e}]`, "gu");
const TAGS = 0xe0000;

/** Only the letters and digits of a text, in lower case. */
export const bare = (text: string): string => text.replace(NOT_BARE, "").toLowerCase();

/** How a text may be read: as it stands, and with its characters in plain writing where that differs. */
export function spellingsOf(text: string): Spelling[] {
  const plain = spelling(text, bare(text), PLAIN, (letter) => letter);
  if (text.search(WRITTEN) < 0 && text.search(NOT_ASCII) < 0) return [plain];
  const read = text.replace(
    WRITTEN,
    (whole, ...codes: (string | undefined)[]) => readCharacter(whole, codes),
  );
  const letters = bare(inAscii(read));
  return letters === plain.letters
    ? [plain]
    : [plain, spelling(text, letters, EACH, readCharacter)];
}

function spelling(
  text: string,
  letters: string,
  each: RegExp,
  read: (whole: string, codes: (string | undefined)[]) => string,
): Spelling {
  let places: [from: number, to: number][] | undefined;
  return {
    letters,
    placeOf(from, length) {
      places ??= [...text.matchAll(each)].flatMap((match) => {
        const [whole, ...codes] = match;
        const place: [from: number, to: number] = [match.index, match.index + whole.length];
        return Array.from(bare(read(whole, codes)), () => place);
      });
      return [places[from][0], places[from + length - 1][1]];
    },
  };
}

/** A character that is written in one of these ways, or a plain one, as ASCII where that is possible. */
function readCharacter(whole: string, codes: (string | undefined)[]): string {
  const group = RADIXES.findIndex((_, at) => codes[at] !== undefined);
  if (group < 0 && whole.length > 2) return "";
  const point = group < 0 ? whole.codePointAt(0)! : parseInt(codes[group]!, RADIXES[group]);
  return point > 0x10ffff ? "" : inAscii(String.fromCodePoint(point));
}

/** A text with what looks like ASCII, or stands for it, in ASCII: `ａ`, `𝐚`, `а`, tags. */
function inAscii(text: string): string {
  return text.search(NOT_ASCII) < 0 ? text : text.normalize("NFKD").replace(
    LIKE_OURS,
    (letter) => LOOKALIKES.get(letter) ?? String.fromCodePoint(letter.codePointAt(0)! - TAGS),
  );
}
