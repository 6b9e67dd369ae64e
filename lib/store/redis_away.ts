/**
 * What an error of Redis means for whoever asked.
 *
 * - `leave`: this node takes no commands now and another may. Nothing was done,
 *   so the same commands may go to where the address leads now.
 * - `wait`: it will answer again by itself, on this connection.
 * - `full`: it is the right node, and has no room.
 */
export type RedisTrouble = "leave" | "wait" | "full";

/**
 * The first words of Redis' errors (src/server.c, `createSharedObjects`, and
 * src/blocked.c) that tell of Redis itself, not of the command or of rights.
 * ioredis' `reconnectOnError` names READONLY as its example.
 */
const TROUBLES: ReadonlyMap<string, readonly [trouble: RedisTrouble, words: string]> = new Map([
  ["READONLY", ["leave", "this Redis is a replica now"]],
  ["UNBLOCKED", ["leave", "this Redis is a replica now"]],
  ["MASTERDOWN", ["leave", "this Redis is a replica that has lost its master"]],
  ["NOREPLICAS", ["leave", "this Redis has too few replicas to take writes"]],
  ["LOADING", ["leave", "this Redis reads its data from the disk"]],
  ["CLUSTERDOWN", ["leave", "this Redis has lost its cluster"]],
  ["TRYAGAIN", ["wait", "this Redis moves its data to another node"]],
  ["BUSY", ["wait", "this Redis runs a long script"]],
  ["OOM", ["full", "Redis holds as much as its maxmemory allows"]],
  ["MISCONF", ["full", "Redis cannot write to its disk"]],
]);

/** A script's error has its code in the middle in Redis 6: "ERR Error running script …: -READONLY …". */
const CODES = new RegExp(`^(?:ERR .{0,200}? -)?(${[...TROUBLES.keys()].join("|")})\\b`);

/** A transaction that was refused as a whole names no reason but this; its commands do. */
interface SeveralReplies {
  replies?: readonly unknown[];
}

function find(error: unknown): readonly [RedisTrouble, string] | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = CODES.exec(error.message)?.[1];
  if (code !== undefined) return TROUBLES.get(code);
  for (const reply of (error as SeveralReplies).replies ?? []) {
    const found = find(reply);
    if (found) return found;
  }
}

/** What is wrong with Redis itself; undefined for any other error. */
export function redisTrouble(error: unknown): RedisTrouble | undefined {
  return find(error)?.[0];
}

/** The same in words for people; they hold nothing of what was stored. */
export function redisTroubleText(error: unknown): string | undefined {
  return find(error)?.[1];
}
