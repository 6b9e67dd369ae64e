/**
 * What stands behind `token =` or `secret:` in code and configuration and is no secret: a call, a
 * variable, a place where one is kept, a name. Machine-made secrets look like none of these: of
 * random texts of 16 letters and digits one in 400 passes for a name, of 32 one in 50,000.
 *
 * @param word `token`, `password` …: people choose passwords among words, so a name may be one.
 * @param between what stands between it and the value: without a gap around `=` it is no name.
 * @param behind the character that follows the value.
 */
export function isOrdinary(
  value: string,
  { word, between, behind }: { word: string; between: string; behind: string },
): boolean {
  if (VARIABLE.test(value) || PLACE.test(value)) return true;
  if (behind === "(") return IDENTIFIER.test(value) && isOfWords(value) && hasFewDigits(value);
  // `$row->token`
  if (behind === ">" && value.endsWith("-")) {
    return isOrdinary(`${value}>x`, { word, between, behind: "" });
  }
  if (MEMBER.test(value) && isOfWords(value)) return !/pass|pwd/i.test(word) || OF_CODE.test(value);
  if (behind === "[") return IDENTIFIER.test(value) && isOfWords(value);
  if (!/token|secret|key|credential/i.test(word) || /^=/.test(between)) return false;
  return DATE.test(value) || NAME.test(value) && isOfWords(value) && partsOf(value).length > 1;
}

/** `$DB_PASSWORD1`, `%TOKEN_V2%`, `@TOKEN@`. */
const VARIABLE = /^(?:\$[A-Z_][A-Z\d_]*|%[A-Z_][A-Z\d_]*%|@[A-Z_][A-Z\d_]*@)$/;
/** `op://vault/item`, `arn:aws:…`: passwords inside URLs are taken out before. */
const PLACE = /^(?:[a-z][a-z\d+.-]{0,30}:\/\/|arn:aws)/;
const IDENTIFIER = /^[A-Za-z_$][\w$.:]*$/;
/** `process.env.API_KEY_V2`, `Config::key2`: digits stand at the ends of names, and are few. */
const MEMBER = /^[a-z_$]+\d{0,2}(?:(?:\.|::|\?\.|->)[a-z_$]+\d{0,2})+$/i;
/** A password may be `john.smith1`: these say that it is code. */
const OF_CODE =
  /pass|pwd|cred|secret|token|^(?:req|request|process|self|this|config|env|settings|args|params|opts|options)\b/i;
const NAME = /^[a-z]*\d{0,2}(?:[-_./:][a-z]*\d{0,2})*$/i;
const DATE = /^\d{4}-\d\d-\d\d(?:T[\d:.]{5,15}(?:Z|[+-]\d\d:?\d\d)?)?$/;

/** What an identifier is made of: `get`, `Token`, `API`. */
const partsOf = (value: string): string[] => value.match(/[A-Z]?[a-z]+|[A-Z]+(?![a-z])/g) ?? [];

/** Whether most of a text is in parts as long as words, which can be said. */
function isOfWords(value: string): boolean {
  const length = (texts: string[]) => texts.join("").length;
  const words = partsOf(value).filter((part) => part.length > 2);
  return length(words) >= 0.6 * length(value.match(/[A-Za-z\d]+/g) ?? []) &&
    !/[bcdfghjklmnpqrstvwxz]{6}/i.test(value);
}

const hasFewDigits = (value: string) => value.replace(/\D+/g, "").length <= 4;
