/** The beginning of a text, and how much is left out. */
export function beginningOf(text: string, max: number): string {
  if (text.length <= max) return text;
  return `${text.slice(0, max).toWellFormed()}… (${text.length - max} more characters)`;
}
