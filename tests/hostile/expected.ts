import { assert, assertEquals } from "@std/assert";
import type { Case, Expected } from "./case.ts";
import type { RuntimeName } from "../servers/command.ts";
import type { Conversation, Piece } from "./speak.ts";

/** What is written for a case, now. */
export function piecesOf({ pieces }: Case): readonly Piece[] {
  return typeof pieces === "function" ? pieces() : pieces;
}

/** What a case's answer must be where Otto runs on this runtime. */
export function expectedOf(
  { expected, today, onDeno, onNode }: Case,
  runtime: RuntimeName,
): Expected {
  return (today ?? (runtime === "deno" ? onDeno : onNode))?.[0] ?? expected;
}

/** @throws when it was answered in another way; 5xx never is the right one. */
export function check(expected: Expected, said: Conversation): void {
  const statuses = said.answers.map(({ status }) => status);
  // Node's server says 501 by itself to a method that it does not know.
  assert(statuses.every((status) => status < 500 || status === 501), `${statuses}`);
  if (typeof expected === "function") return expected(said);
  if (expected === "silence") return assertEquals([statuses, said.closed], [[], false]);
  if (expected === "closed") {
    assert(!statuses.includes(200), "it was taken");
    return assert(said.closed || statuses[0] >= 400, `it stays open: ${said.raw.slice(0, 80)}`);
  }
  const wanted = typeof expected === "number" ? [expected] : expected;
  assert(
    wanted.includes(statuses[0]),
    `${statuses[0] ?? (said.closed ? "closed" : "silence")} instead of ${wanted.join(" or ")}`,
  );
}
