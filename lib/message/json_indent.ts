/**
 * JSON with its values on lines of their own. Only the space between them is
 * changed: parsing it and writing it out again would round large numbers and
 * drop names that stand there twice. The text must be JSON.
 *
 * @param most how many characters there may be: undefined where there would be
 * more, as each line has as many spaces as it lies deep.
 */
export function indentJson(text: string, most = Infinity): string | undefined {
  const parts: string[] = [];
  let depth = 0;
  let length = 0;
  const put = (part: string) => {
    length += part.length;
    parts.push(part);
  };
  const newLine = () => put(`\n${"  ".repeat(depth)}`);
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[^\s"{}[\],:]+|[{}[\],:]/g)) {
    const isFirst = parts.at(-1) === "{" || parts.at(-1) === "[";
    if (token === "}" || token === "]") {
      depth--;
      if (!isFirst) newLine();
    } else if (isFirst) newLine();
    put(token === ":" ? ": " : token);
    if (length > most) return undefined;
    if (token === "{" || token === "[") depth++;
    if (token === ",") newLine();
  }
  return parts.join("");
}
