/**
 * Calls nobody: a space without width stands behind each @ that could begin a name. GitHub and
 * GitLab look for names in what they have rendered, so an @ written as an entity counts, and so
 * does a name (cmark-gfm's issue 181); in HTML a number needs no semicolon.
 */
export function withoutMentions(text: string): string {
  return text.replace(/(?:@|&(?:#0*64(?!\d)|#x0*40(?![\da-f])|commat);?)(?=\S)/gi, "$&\u200B");
}

/**
 * Commands nothing: a line that begins like `/close` would be obeyed with our credential's rights,
 * and bots' expressions take any white space before it.
 */
export function withoutCommands(text: string): string {
  return text.replace(/^((?:>|[^\S\r\n\u2028\u2029])*)\/(?=\p{L})/gmu, "$1\\/");
}
