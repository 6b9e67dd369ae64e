/** The variable that holds the secrets of any source, by the name in its URL: `WEBHOOK_SECRET_GITHUB`. */
export function secretVariable(name: string): string {
  // A shell sets no variable with a dash or a dot in it.
  return `WEBHOOK_SECRET_${name.toUpperCase().replace(/[^A-Z0-9]/g, "_")}`;
}
