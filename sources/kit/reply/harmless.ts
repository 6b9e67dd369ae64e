import { changeByCode } from "./code.ts";

/** Calls nobody and leaves no trace elsewhere, as the two below say; code that people copy works. */
export function withoutEchoes(text: string): string {
  return changeByCode(text, {
    prose: (each) => withoutReferences(withoutMentions(each)),
    // No vendor looks for names there, but bots that read what was written do; a package is no name.
    code: (each) => withoutMentions(each, { isCode: true }),
  });
}

/**
 * Calls nobody: a space without width stands behind each @ that could begin a name. GitHub and
 * GitLab look for names in what they have rendered, so an @ written as an entity counts, and so
 * does a name (cmark-gfm's issue 181); in HTML a number needs no semicolon. An address of mail, which
 * people copy, stays whole where nothing in it or before it can become something else, and so does a
 * version: `actions/checkout@v4`.
 *
 * @param isCode whether `@scope/package` stays whole, which elsewhere is a team, and so do entities.
 */
export function withoutMentions(text: string, { isCode = false } = {}): string {
  return text.replace(
    /(?:@|&(?:#0*64(?!\d)|#x0*40(?![\da-f])|commat);?)(?=\S)/gi,
    (found, at: number) => {
      const isWhole = isOfAddress(text, at) || isOfVersion(text, at) ||
        (isCode && !/^@(?![a-z\d][\w.-]*\/[a-z\d])/i.test(text.slice(at, at + 66)));
      return isWhole ? found : `${found}\u200B`;
    },
  );
}

/** Whether the @ at this place is that of an address of mail. */
function isOfAddress(text: string, at: number): boolean {
  return /^[a-z\d.+-]{0,63}[a-z\d]$/i.test(wordBefore(text, at)) &&
    /^@[a-z\d-]+\.[a-z]{2}/i.test(text.slice(at, at + 66));
}

/** Whether a number alone stands behind the @ at this place, and a word before it. */
function isOfVersion(text: string, at: number): boolean {
  return /^@?[a-z\d.+/-]{0,63}[a-z\d]$/i.test(wordBefore(text, at)) &&
    /^@v?\d+(?:\.\d+)*(?![\w-]|\.\w)/i.test(text.slice(at, at + 30));
}

const wordBefore = (text: string, at: number) =>
  text.slice(Math.max(0, at - 65), at).split(/[\s(]/).at(-1)!;

/**
 * Leaves no trace elsewhere: `#12`, `o/r#12`, `GH-12`, and GitLab's `GL-12`, `!12`, `&12` and
 * `[issue:12]` (docs.gitlab.com, "GitLab-specific references") would be told in the timeline of what
 * they name, as would a link to it. GitHub has a host for links that are not; GitLab knows its own by
 * how they begin (Referable's link_reference_pattern), and a browser leaves out the port that is meant
 * anyway, or the 0 before another. A character written as its number may be any part of these.
 */
export function withoutReferences(text: string): string {
  // Within HTML, and behind a bracket that is open, an address is no link but words.
  const areLinked = !/<[a-z/!?]|\[/i.test(text);
  return text.replace(REFERENCE, (found, url?: string) => {
    if (url === undefined) return `${found}\u200B`;
    return toRedirect(areLinked && !url.includes("\\") ? url : url.replace(IN_WORDS, "$&\u200B"));
  });
}

// Not in a word, and not beyond the code or the table's cell that it stands in. An address that is
// put in brackets may have escapes.
const LINK =
  /(?<![a-z])https?\\?:\\?\/\\?\/[a-z\d\\][a-z\d.\\-]*(?::\d+)?(?:\\?[/?#][^\s<>()`|]*)?/;
const NAMED = /(?:(?<!&)#|!|&(?:num|excl|amp);?|(?<![a-z\d])G[HL]\\?-)(?=[\d&<])/;
const EPIC = /(?<![>&])&(?=\d|&#)/;
const KIND = /(?<![a-z\d])(?:issue|epic|work_item|vulnerability)(?=[:&\\]\S)/;
const CODED = /&(?:#\d+(?!\d)|#x[\da-f]+(?![\da-f])|colon|sol|period);?(?=[^\s;])/;
const REFERENCE = new RegExp(
  `(${LINK.source})|${[NAMED, EPIC, KIND, CODED].map(({ source }) => source).join("|")}`,
  "gi",
);
const IN_WORDS = /[#!](?=\d)|&(?=[\d#]|(?:colon|sol|period);)/gi;

const ON_GITHUB =
  /^https?:\/\/(?:www\.)?github\.com\/([^/]+\/[^/]+\/(?:issues|pulls?|discussions)\/)/i;
const ELSEWHERE =
  /^(http(s)?:\/\/[\w.-]+)(?::(\d+))?(?=\/[^?#]*\/(?:issues|merge_requests|work_items|epics)\/[\d%&])/i;

function toRedirect(url: string): string {
  const address = url.replaceAll("\\", "");
  if (ON_GITHUB.test(address)) return address.replace(ON_GITHUB, "https://redirect.github.com/$1");
  if (!ELSEWHERE.test(address)) return url;
  return address.replace(
    ELSEWHERE,
    (_, home, isSafe, port) => `${home}:${port ? `0${port}` : isSafe ? 443 : 80}`,
  );
}

/**
 * Commands nothing: a line that begins like `/close` would be obeyed with our credential's rights,
 * and bots' expressions take any white space before it, or have `.deploy` and `!deploy`. Such a one
 * is a word, except at the very beginning, which is all that some look at: lines of code begin with
 * `.then(`. GitLab takes out each CR before it looks; GitHub itself obeys "Duplicate of".
 */
export function withoutCommands(text: string): string {
  return text.replace(/\r\n?/g, "\n")
    .replace(
      /^((?:>|[^\S\r\n\u2028\u2029])*)(\/\p{L}|[.!]\p{L}[\p{L}\p{N}_-]*(?:\s|$))/gmu,
      "$1\\$2",
    )
    .replace(/^([>\s]*)([.!]\p{L})/u, "$1\\$2")
    .replace(/^((?:>|[^\S\r\n\u2028\u2029])*duplicate)(\s+of\b)/gim, "$1\u200B$2");
}
