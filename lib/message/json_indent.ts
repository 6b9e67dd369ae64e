/**
 * JSON with its values on lines of their own. Only the space between them is
 * changed: parsing it and writing it out again would round large numbers and
 * drop names that stand there twice. The text must be JSON.
 */
export function indentJson(text: string): string {
  const parts: string[] = [];
  let depth = 0;
  const newLine = () => parts.push(`\n${"  ".repeat(depth)}`);
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[^\s"{}[\],:]+|[{}[\],:]/g)) {
    const isFirst = parts.at(-1) === "{" || parts.at(-1) === "[";
    if (token === "}" || token === "]") {
      depth--;
      if (!isFirst) newLine();
    } else if (isFirst) newLine();
    parts.push(token === ":" ? ": " : token);
    if (token === "{" || token === "[") depth++;
    if (token === ",") newLine();
  }
  return parts.join("");
}
