/** The most of a document that is read, in characters: what a title is made of stands at its beginning. */
const MAX_LENGTH = 256 * 1024;
/** Deeper than any sender nests. */
const MAX_DEPTH = 64;
const MAX_ELEMENTS = 5_000;

type Element = Record<string, unknown>;

/** Whether a text could be XML. */
export function isXml(text: string): boolean {
  const start = text.trimStart();
  return /^<(\?xml|!DOCTYPE [a-z]|!--|[A-Za-z_])/i.test(start) &&
    !/^<!DOCTYPE html|^<html/i.test(start);
}

/**
 * The elements of an XML document as JSON has them: text under its element's name, attributes
 * beside children, repeated elements as arrays, names without their prefix. No entity but the five
 * of XML and numbers is known, and none is fetched; what is not closed is closed at the end. Reads
 * each character once.
 */
export function readXml(document: string): unknown {
  const text = document.slice(0, MAX_LENGTH);
  const root: Element = {};
  const open: { name: string; element: Element; words: string[] }[] = [{
    name: "",
    element: root,
    words: [],
  }];
  let elements = 0;
  const close = () => {
    const { name, element, words } = open.pop()!;
    const own = words.join("").trim();
    const isPlain = Object.keys(element).length === 0;
    if (!isPlain && own) put(element, "text", own);
    put(open.at(-1)!.element, name, isPlain ? own : element);
  };
  for (let i = 0; i < text.length;) {
    const start = text.indexOf("<", i);
    const end = start < 0 ? text.length : start;
    if (end > i) open.at(-1)!.words.push(decode(text.slice(i, end)));
    if (start < 0) break;
    const special = SPECIAL.find(([mark]) => text.startsWith(mark, start));
    if (special) {
      const [mark, last] = special;
      const stop = text.indexOf(last, start + mark.length);
      if (mark === CDATA) {
        open.at(-1)!.words.push(text.slice(start + mark.length, stop < 0 ? text.length : stop));
      }
      i = stop < 0 ? text.length : stop + last.length;
      continue;
    }
    const stop = endOfTag(text, start);
    const tag = text.slice(start + 1, stop);
    i = stop + 1;
    if (tag.startsWith("/")) {
      // Only the innermost element is closed: a sender that closes another has no XML.
      if (open.length > 1 && localName(tag.slice(1)) === open.at(-1)!.name) close();
      continue;
    }
    if (++elements > MAX_ELEMENTS) break;
    const isEmpty = tag.endsWith("/");
    open.push({ ...readTag(isEmpty ? tag.slice(0, -1) : tag), words: [] });
    if (isEmpty || open.length > MAX_DEPTH) close();
  }
  while (open.length > 1) close();
  return inner(root);
}

const CDATA = "<![CDATA[";
const SPECIAL: [mark: string, end: string][] = [
  [CDATA, "]]>"],
  ["<!--", "-->"],
  ["<?", "?>"],
  ["<!", ">"],
];

/** Where a tag ends: its first `>` outside quotation marks. */
function endOfTag(text: string, start: number): number {
  let quote = "";
  for (let i = start; i < text.length; i++) {
    const letter = text[i];
    if (quote) {
      if (letter === quote) quote = "";
    } else if (letter === '"' || letter === "'") quote = letter;
    else if (letter === ">") return i;
  }
  return text.length;
}

/** `item id="7"` as the name and the attributes; those of namespaces are left out. */
function readTag(tag: string): { name: string; element: Element } {
  const name = localName(tag);
  const element: Element = {};
  for (let i = tag.search(/\s/); i >= 0 && i < tag.length;) {
    const equals = tag.indexOf("=", i);
    if (equals < 0) break;
    const key = tag.slice(i, equals).trim();
    let from = equals + 1;
    while (from < tag.length && /\s/.test(tag[from])) from++;
    const quote = tag[from];
    if (quote !== '"' && quote !== "'") break;
    const end = tag.indexOf(quote, from + 1);
    if (end < 0) break;
    if (!/^(xmlns|xsi|xml|xsd)\b/.test(key)) {
      put(element, localName(key), decode(tag.slice(from + 1, end)));
    }
    i = end + 1;
  }
  return { name, element };
}

function localName(tag: string): string {
  const end = tag.search(/[\s/]/);
  const name = end < 0 ? tag : tag.slice(0, end);
  return name.slice(name.indexOf(":") + 1).slice(0, 100);
}

function put(element: Element, key: string, value: unknown): void {
  if (key === "" || key === "__proto__") return;
  const before = Object.hasOwn(element, key) ? element[key] : undefined;
  if (before === undefined) element[key] = value;
  else if (Array.isArray(before)) before.push(value);
  else element[key] = [before, value];
}

const ENTITIES: Record<string, string> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

function decode(text: string): string {
  return text.replace(
    /&(lt|gt|amp|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});/g,
    (whole, name: string) => {
      if (!name.startsWith("#")) return ENTITIES[name];
      const code = name[1] === "x" ? parseInt(name.slice(2), 16) : Number(name.slice(1));
      return code > 0 && code <= 0x10FFFF ? String.fromCodePoint(code) : whole;
    },
  );
}

/** What stands inside the wrappers that say nothing: SOAP's envelope and body. */
function inner(root: Element): unknown {
  let value: unknown = root;
  for (const name of ["Envelope", "Body"]) {
    const within: unknown =
      typeof value === "object" && value !== null && Object.hasOwn(value, name)
        ? (value as Element)[name]
        : undefined;
    if (typeof within === "object" && within !== null) value = within;
  }
  return value;
}
