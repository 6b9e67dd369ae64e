import { Problem } from "./problem.ts";

const TYPE = /^(?!\.+$)[A-Za-z0-9._-]{1,64}$/;
/** Names of our own pages under /webhook. */
const RESERVED = new Set(["health", "stats", "status"]);

/** Whether a part of a path is a webhook type. */
export function isType(type: string): boolean {
  return TYPE.test(type) && !RESERVED.has(type.toLowerCase());
}

/** @throws {Problem} 400 when a path names no webhook type. */
export function requireType(type: string): void {
  if (!isType(type)) refuseType();
}

/** @throws {Problem} 400, whatever the path was. */
export function refuseType(): never {
  throw new Problem(
    400,
    "bad_webhook_type",
    "The path does not name a webhook type",
    "Send to /webhook/{type}, where the type is 1 to 64 letters, digits, dots, dashes or " +
      "underscores, not only dots, and not health, stats or status",
  );
}
