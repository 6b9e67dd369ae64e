/** Calls nobody: a space without width stands behind each @ that could begin a name. */
export function withoutMentions(text: string): string {
  return text.replace(/@(?=[\p{L}\p{N}_-])/gu, "@\u200B");
}

/** Commands nothing: a line that begins like `/close` would be obeyed with our credential's rights. */
export function withoutCommands(text: string): string {
  return text.replace(/^([ \t>]*)\/(?=\p{L})/gmu, "$1\\/");
}
