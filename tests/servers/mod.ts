/**
 * Real servers for tests: private ones, on free ports of 127.0.0.1, their data in a temporary
 * folder, ended by their own process numbers. They also go when the tests die half-way.
 *
 * @module
 */
import { fail } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { env } from "node:process";
import { findPgBouncer, findPostgres, findRedis, HOW_TO_GET, type Kind } from "./find.ts";
import { findNode } from "./node.ts";
import { type PostgresServer, startPostgres } from "./postgres.ts";
import { type RedisServer, startRedis } from "./redis.ts";

export { type EventStream, openEvents, type StreamEvent } from "./sse.ts";
export { ROOT, RUNTIME, type RuntimeName } from "./command.ts";
export { type Exit, type Process, type ProcessOptions, startProcess } from "./process.ts";
export { type PgBouncer, startPgBouncer } from "./pgbouncer.ts";
export { freePort } from "./ports.ts";
export { openRelay, type Relay } from "./relay.ts";
export { type PostgresOptions, type PostgresServer, startPostgres } from "./postgres.ts";
export { type RedisOptions, type RedisServer, startRedis } from "./redis.ts";
export { type Main, type Restartable, startMain, startWorker } from "./restartable.ts";
export { until, WaitedTooLong, within } from "./wait.ts";

/** What a suite needs. `true`: any server will do; `"own"`: one it may kill, freeze and restart. */
export interface Needs {
  postgres?: true | "own";
  /** `"durable"`: one of our own whose data survives its death. */
  redis?: true | "own" | "durable";
  /** A Node that runs TypeScript, for `startProcess(…, { runtime: "node" })`. */
  node?: true;
}

/** The servers a suite asked for; there from `beforeAll` on. */
export type Servers<N extends Needs> =
  & (N extends { postgres: true | "own" } ? { readonly postgres: PostgresServer }
    : unknown)
  & (N extends { redis: true | "own" | "durable" } ? { readonly redis: RedisServer }
    : unknown);

/**
 * A suite with servers of its own, started before its first test and ended after its last.
 * Where they cannot be had the suite is skipped, and a line says what was skipped and how to get
 * it; with `OTTO_TEST_REQUIRE_SERVERS=1` it fails instead.
 *
 * ```ts ignore
 * describeWith({ postgres: true, redis: "durable" }, "the queue", (servers) => {
 *   it("keeps what it was given", async () => {
 *     const url = await servers.postgres.createDatabase();
 *   });
 * });
 * ```
 */
export function describeWith<const N extends Needs>(
  needs: N,
  name: string,
  fn: (servers: Servers<N>) => void | undefined,
): void {
  const lacking = kindsOf(needs).flatMap(({ kind, own }) =>
    lacks(kind, { own }) ? [{ kind, own }] : []
  );
  orSkip(lacking)(name, () => {
    let postgres: PostgresServer | undefined;
    let redis: RedisServer | undefined;
    beforeAll(async () => {
      const started = await Promise.allSettled([
        needs.postgres && startPostgres().then((server) => postgres = server),
        needs.redis &&
        startRedis({ durable: needs.redis === "durable" }).then((server) => redis = server),
      ]);
      for (const result of started) {
        if (result.status === "rejected") throw result.reason;
      }
    });
    afterAll(async () => {
      await Promise.all([postgres?.stop(), redis?.stop()]);
    });
    fn({
      get postgres() {
        return postgres ?? tooEarly("PostgreSQL");
      },
      get redis() {
        return redis ?? tooEarly("Redis");
      },
    } as Servers<N>);
  });
}

/**
 * `describe` for suites that start these themselves: where one of them is missing, a `describe`
 * that skips its suite and says so (or fails it, with `OTTO_TEST_REQUIRE_SERVERS=1`).
 */
export function requireOrSkip(
  ...kinds: Kind[]
): (name: string, fn: () => void | undefined) => void {
  return orSkip(
    kinds.filter((kind) => lacks(kind, { own: true })).map((kind) => ({
      kind,
      own: true,
    })),
  );
}

interface Lack {
  kind: Kind;
  /** Whether somebody else's server would not do. */
  own: boolean;
}

function orSkip(
  lacking: Lack[],
): (name: string, fn: () => void | undefined) => void {
  if (lacking.length === 0) return describe;
  return (name) => {
    const line = missingLine(name, lacking);
    if (env.OTTO_TEST_REQUIRE_SERVERS === "1") {
      describe(name, () => it("has what it needs", () => fail(line)));
    } else {
      console.warn(`Skipped ${line}`);
      describe.skip(name, () => {});
    }
  };
}

/** What is missing for a suite, and how to get it, in one line. */
export function missingLine(name: string, lacking: Lack[]): string {
  const what = lacking.map(({ kind, own }) =>
    own && kind !== "Node" && kind !== "PgBouncer" ? `a ${kind} of our own` : kind
  );
  const how = lacking.map(({ kind }) => HOW_TO_GET[kind]);
  return `"${name}": ${what.join(" and ")} not found. To get it: ${how.join("; ")}`;
}

function kindsOf({ postgres, redis, node }: Needs): Lack[] {
  return [
    ...(postgres ? [{ kind: "PostgreSQL" as const, own: postgres === "own" }] : []),
    ...(redis ? [{ kind: "Redis" as const, own: redis !== true }] : []),
    ...(node ? [{ kind: "Node" as const, own: true }] : []),
  ];
}

function lacks(kind: Kind, { own }: { own: boolean }): boolean {
  if (kind === "Node") return findNode() === undefined;
  if (kind === "PgBouncer") return findPgBouncer() === undefined;
  const found = kind === "PostgreSQL" ? findPostgres() : findRedis();
  return found === undefined || (own && "url" in found);
}

function tooEarly(kind: Kind): never {
  throw new Error(
    `Cannot use ${kind} before the tests run: read it inside \`it\` or a hook`,
  );
}
