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
