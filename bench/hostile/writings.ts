import { Buffer } from "node:buffer";

/** A byte as two digits. */
export const hex = (byte: number): string => byte.toString(16).padStart(2, "0");

/** A text with each of its bytes written in another way. */
export const bytewise = (text: string, write: (byte: number) => string): string =>
  [...Buffer.from(text)].map(write).join("");

export const base64 = (text: string): string => Buffer.from(text).toString("base64");

export const reversed = (text: string): string => [...text].reverse().join("");

export const rot13 = (text: string): string =>
  text.replace(
    /[a-z]/gi,
    (letter) => String.fromCharCode(letter.charCodeAt(0) + (letter.toLowerCase() < "n" ? 13 : -13)),
  );

/** How far the full-width forms of ASCII stand behind it; as tags, they stand at {@link TAGS}. */
export const FULL_WIDTH = 0xfee0;
export const TAGS = 0xe0000;

/** A text whose ASCII stands so much further on. */
export const shifted = (text: string, by: number): string =>
  text.replace(/[!-~]/g, (letter) => String.fromCodePoint(letter.charCodeAt(0) + by));
