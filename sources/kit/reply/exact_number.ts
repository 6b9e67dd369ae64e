/**
 * A vendor's number as a path takes it. Above 2^53 parsed JSON has rounded it, and it would be
 * somebody else's.
 */
export function exactNumber(text: string | undefined): string | undefined {
  return text && /^[1-9]\d{0,15}$/.test(text) && Number.isSafeInteger(Number(text))
    ? text
    : undefined;
}
