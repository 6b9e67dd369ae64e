/** The longest key that is read: a longer one is data. */
const MAX_KEY = 80;

/** The words of a key in small letters: `orderNumber`, `order_number` and `Order-Number` have the same. */
export function wordsOf(key: string): string[] {
  const found: string[] = [];
  let word = "";
  const end = () => {
    if (word) found.push(word);
    word = "";
  };
  for (let i = 0; i < key.length && i < MAX_KEY; i++) {
    const letter = key[i];
    const small = letter.toLowerCase();
    if (!/[\p{L}\p{N}]/u.test(letter)) end();
    else {
      const before = key[i - 1] ?? "";
      const after = key[i + 1] ?? "";
      const isCapital = small !== letter;
      // `eventType` and `HTTPStatus` have two words each, `ID` has one.
      if (isCapital && (isSmall(before) || (isCapitalLetter(before) && isSmall(after)))) end();
      word += small;
    }
  }
  end();
  return found;
}

function isSmall(letter: string): boolean {
  return letter !== "" && letter.toUpperCase() !== letter;
}

function isCapitalLetter(letter: string): boolean {
  return letter !== "" && letter.toLowerCase() !== letter;
}

/** Whatever a key with such a last word holds is nobody's to read. */
const SECRET = new Set(
  "password passwd pwd secret token signature authorization hmac hash credential credentials otp pin cvv cookie csrf jwt"
    .split(" "),
);

/** Whether a key names something that is not shown, such as `access_token` or `api_key`. */
export function isSecretKey(words: readonly string[]): boolean {
  const last = words.at(-1) ?? "";
  return SECRET.has(last) ||
    (last === "key" && /^(api|access|private|secret)$/.test(words.at(-2) ?? ""));
}

/** How a person would write a key: `order_number` as `order number`. */
export function spoken(key: string): string {
  return wordsOf(key).join(" ");
}
