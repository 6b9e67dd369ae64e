import { v7 } from "uuid";

/** A new id: a UUID v7 (RFC 9562), so that ids sort by the time they were made. */
export function newId(): string {
  return v7();
}

/** The smallest id that could have been made at this time, for "older than" queries. */
export function firstIdAt(time: Date): string {
  const hex = Math.max(0, time.getTime()).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}

const SHAPE = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether a text has the form of an id. */
export function isId(text: string): boolean {
  return SHAPE.test(text);
}

/** The time that an id was made at: its first 48 bits are Unix milliseconds (RFC 9562). */
export function timeOf(id: string): Date {
  return new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16));
}

/** The id that comes right before another one in their order. */
export function idBefore(id: string): string {
  const number = BigInt(`0x${id.replaceAll("-", "")}`);
  return shaped((number > 0n ? number - 1n : number).toString(16).padStart(32, "0"));
}

function shaped(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** The first and the last id that begin like this text; undefined when none could. */
export function idsBeginning(text: string): [first: string, last: string] | undefined {
  if (!/^[0-9a-f]{8}[0-9a-f-]{0,28}$/i.test(text)) return undefined;
  const hex = text.toLowerCase().replaceAll("-", "");
  if (hex.length > 32) return undefined;
  const filled = (digit: string) => shaped(hex.padEnd(32, digit));
  return [filled("0"), filled("f")];
}

/** A range of ids; what is left out does not bound it. */
export interface IdRange {
  from?: string;
  /** Included. */
  to?: string;
  /** Not included. */
  before?: string;
}

/** The ids from this range that are made after one time and before another. */
export function rangeWithin(
  range: IdRange,
  { since, until }: { since?: Date; until?: Date },
): IdRange {
  const [before] = [range.before, until && firstIdAt(until)]
    .filter((id) => id !== undefined).sort();
  const from = [range.from, since && firstIdAt(since)].filter((id) => id !== undefined).sort();
  return { ...range, from: from.at(-1), before };
}
