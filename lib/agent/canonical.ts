import { createHash } from "node:crypto";

/** A value as JSON whose text is the same for equal values: keys sorted, as in RFC 8785. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, each) =>
      typeof each === "object" && each !== null && !Array.isArray(each)
        ? Object.fromEntries(
          Object.entries(each).sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0),
        )
        : each,
  ) ?? "null";
}

/** The SHA-256 of a value's canonical JSON, in hex. */
export function fingerprint(value: unknown): string {
  return createHash("sha256").update(canonicalJson(value)).digest("hex");
}
