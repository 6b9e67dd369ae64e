import { at } from "../kit/json_path.ts";

/** An element of an XML document; names are without their prefix, as vendors choose that freely. */
export interface XmlElement {
  name: string;
  attributes: Record<string, string>;
  children: XmlElement[];
  text: string;
}

/** The largest document that is read, in characters, and the most of its elements and levels: vendors' have some hundred. */
const MOST = { characters: 1024 * 1024, elements: 20_000, depth: 64, tag: 4_000 };

/** An attribute as everybody writes it, without spaces around its `=`. */
const ATTRIBUTE = /\s([\w.:-]+)=(?:"([^"]*)"|'([^']*)')/g;

const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/**
 * The root of the XML document in a payload that is no JSON and no form; `undefined` where there
 * is none that can be read. Read once from front to end: no entities but XML's own five and
 * numbers, no document types, nothing is fetched.
 */
export function xmlOf(payload: unknown): XmlElement | undefined {
  const document = at(payload, "raw_body");
  return typeof document === "string" && document.length <= MOST.characters
    ? parse(document)
    : undefined;
}

/** The first child of that name, and of that the next name's, and so on. */
export function child(
  element: XmlElement | undefined,
  ...names: string[]
): XmlElement | undefined {
  return names.reduce<XmlElement | undefined>(
    (found, name) => found?.children.find((each) => each.name === name),
    element,
  );
}

/** The text of what `child` finds; blank is none. */
export function textIn(element: XmlElement | undefined, ...names: string[]): string | undefined {
  return child(element, ...names)?.text.trim() || undefined;
}

function parse(document: string): XmlElement | undefined {
  const root: XmlElement = { name: "", attributes: {}, children: [], text: "" };
  const open = [root];
  let elements = 0;
  let from = 0;
  while (from < document.length) {
    const parent = open[open.length - 1];
    const start = document.indexOf("<", from);
    parent.text += decode(document.slice(from, start < 0 ? undefined : start));
    if (start < 0) break;
    const [opening, closing] = document.startsWith("<!--", start)
      ? ["<!--", "-->"]
      : document.startsWith("<![CDATA[", start)
      ? ["<![CDATA[", "]]>"]
      : ["<", ">"];
    const end = document.indexOf(closing, start + opening.length);
    if (end < 0) return undefined;
    const inside = document.slice(start + opening.length, end);
    from = end + closing.length;
    if (opening === "<![CDATA[") parent.text += inside;
    if (opening !== "<" || inside.startsWith("?")) continue;
    if (inside.startsWith("!") || inside.length > MOST.tag) return undefined;
    if (inside.startsWith("/")) {
      if (open.length === 1 || localName(inside.slice(1)) !== parent.name) return undefined;
      open.pop();
      continue;
    }
    if (++elements > MOST.elements || open.length > MOST.depth) return undefined;
    const element = readTag(inside);
    parent.children.push(element);
    if (!inside.endsWith("/")) open.push(element);
  }
  return open.length === 1 ? root.children[0] : undefined;
}

function readTag(inside: string): XmlElement {
  const attributes: Record<string, string> = {};
  for (const [, name, one, other] of inside.matchAll(ATTRIBUTE)) {
    attributes[localName(name)] = decode(one ?? other);
  }
  return { name: localName(inside), attributes, children: [], text: "" };
}

function localName(tag: string): string {
  const [name] = tag.trim().split(/[\s/]/, 1);
  return name.slice(name.lastIndexOf(":") + 1);
}

function decode(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(/&(#x[0-9a-fA-F]{1,6}|#\d{1,7}|\w{2,4});/g, (whole, name: string) => {
    if (!name.startsWith("#")) return ENTITIES[name] ?? whole;
    const code = name[1] === "x" ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : "\uFFFD";
  });
}
