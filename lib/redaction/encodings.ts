import { Buffer } from "node:buffer";
import { bare } from "./spelling.ts";

/** Of letters and digits; a shorter one is found in ordinary sentences once their gaps are ignored. */
const SHORTEST_BARE = 12;

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/** Uuencode counts from the space, which mail would lose. */
const UU = Array.from({ length: 64 }, (_, at) => String.fromCharCode(32 + at)).join("")
  .replace(" ", "`");

/**
 * Bytes in digits of so many bits, alone or behind anything: each offset gives another text. The
 * digits at the ends that depend on the neighbours are not among them.
 */
function inDigits(bytes: Uint8Array, alphabet: string, offsets: number): string[] {
  const width = Math.log2(alphabet.length);
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return Array.from({ length: offsets }, (_, offset) => {
    const all = "0".repeat(offset * 8) + bits;
    let text = "";
    const first = Math.ceil(offset * 8 / width) * width;
    for (let at = first; at + width <= all.length; at += width) {
      text += alphabet[parseInt(all.slice(at, at + width), 2)];
    }
    return text;
  });
}

/**
 * How a secret is written where each character counts: as it is, in base64 as whoever repeats a
 * header of `Basic` credentials shows it, in uuencode.
 */
export function writtenForms(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const whole = bytes.toString("base64");
  const base64 = [whole, whole.replace(/={1,2}$/, ""), ...inDigits(bytes, BASE64, 3)];
  return [
    secret,
    ...base64.flatMap((text) => [text, text.replaceAll("+", "-").replaceAll("/", "_")]),
    ...inDigits(bytes, UU, 3),
  ];
}

/**
 * A secret as whoever passes it on may have rewritten it, where only letters and digits count, of
 * any case: spelled out with anything between its characters, backwards, in rot13, in the codes of
 * its characters, in base64 and base32 of any lines.
 */
export function bareForms(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const hex = bytes.toString("hex");
  const letters = bare(secret);
  if (letters.length < SHORTEST_BARE) return [hex];
  const codes = ([[2, 8], [8, 3], [10, 0]] as const)
    .map(([radix, width]) => [...bytes].map((byte) => byte.toString(radix).padStart(width, "0")));
  return [
    letters,
    [...letters].reverse().join(""),
    letters.replace(/[a-z]/g, turned),
    hex,
    ...codes.map((each) => each.join("")),
    ...inDigits(bytes, BASE64, 3).map(bare),
    ...inDigits(bytes, BASE32, 5).map(bare),
  ].filter((form) => form.length >= SHORTEST_BARE);
}

const turned = (letter: string) =>
  String.fromCharCode(letter.charCodeAt(0) + (letter < "n" ? 13 : -13));

/** What may be base64 of something, over lines as mail has them, or hex. */
const RUN = /[A-Za-z\d+/_-]{16,}(?:\s{1,2}[A-Za-z\d+/_-]{16,})*={0,2}/g;
const HEX = /^(?:[\da-fA-F]{2})+$/;
/** What is no text, nobody has encoded twice; of once, `bareForms` knows. */
const TEXTS = /[ -~\s]{12,}/g;

/** A part of a text that may hold another. */
export interface EncodedRun {
  from: number;
  to: number;
  text: string;
}

/** The parts of a text that are texts, encoded, decoded once. */
export function decodedRuns(text: string): EncodedRun[] {
  return [...text.matchAll(RUN)].flatMap(({ 0: run, index }) => {
    const inner = Buffer.from(run, HEX.test(run) ? "hex" : "base64").toString("latin1");
    const found = inner.match(TEXTS)?.join("\n");
    return found === undefined ? [] : [{ from: index, to: index + run.length, text: found }];
  });
}
