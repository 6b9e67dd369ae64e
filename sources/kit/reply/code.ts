/**
 * What may keep a renderer from seeing the blocks of code that we see: HTML, within which a fence is
 * text; quotes of many lines and front matter, which GitLab ends within a fence; lines that end for
 * JavaScript alone.
 */
const UNSURE_PROSE = /```|~~~|<[a-z/!?]|^[ \t]*>>>/im;
const UNSURE_TEXT = /[\r\u2028\u2029]|^\s*(?:---|\+\+\+|;;;)|^[^\n]*coding:/;
/** One word alone: GitLab renders what stands in a block of `json:table`. */
const OPENING = /^```[\w+#.-]*[ \t]*$/;
const CLOSING = /^```[ \t]*$/;
/** What can take a backtick for itself before a span of code does: links, tables, math, escapes. */
const UNSURE_PARAGRAPH = /``|[[\]|\\$]/;

/**
 * Changes a text of Markdown, what is code by its own rule: names and numbers are no links there
 * (html-pipeline's MentionFilter, GitLab's ReferenceFilter), and people copy it. Code is only what
 * every renderer is sure to show as such, a small part of what CommonMark has; all else is prose.
 */
export function changeByCode(
  text: string,
  { prose, code }: { prose(text: string): string; code(text: string): string },
): string {
  // Prose, a fence, code, a fence, prose, and so on.
  const parts = text.split(/^(```.*)$/m);
  const isSure = parts.length % 4 === 1 && !UNSURE_TEXT.test(text) &&
    parts.every((part, at) => {
      if (at % 4 === 0) return !UNSURE_PROSE.test(part);
      if (at % 4 === 2) return !part.includes("```");
      return (at % 4 === 1 ? OPENING : CLOSING).test(part);
    });
  if (!isSure) return prose(text);
  return parts.map((part, at) => {
    if (at % 4 === 0) return changeSpans(part, { prose, code });
    return at % 4 === 2 ? code(part) : part;
  }).join("");
}

function changeSpans(
  text: string,
  { prose, code }: { prose(text: string): string; code(text: string): string },
): string {
  return text.split(/(\n[ \t]*\n)/).map((paragraph) => {
    const lines = paragraph.split("\n").map((line) => line.split("`"));
    const isSure = !UNSURE_PARAGRAPH.test(paragraph) &&
      lines.every((pieces) => pieces.length % 2 === 1) &&
      (!/:\/\/|www\./i.test(paragraph) || lines.every(standsApart));
    if (!isSure) return prose(paragraph);
    return lines.map((pieces) =>
      pieces.map((piece, at) => at % 2 === 1 ? code(piece) : prose(piece)).join("`")
    ).join("\n");
  }).join("");
}

/** Whether no span of code begins in what may be the end of an address. */
function standsApart(pieces: string[]): boolean {
  return pieces.every((piece, at) =>
    at % 2 === 1 || at === pieces.length - 1 || /(?:^|\s)$/.test(piece)
  );
}
