import { deadline, DeadlineError, pause } from "../../async/deadline.ts";
import type { Sql } from "../database.ts";
import { driverOf, endedError, isAnswer, isCrowded, isFatal } from "./driver.ts";

/** A statement that was given up is cancelled; a server that lives does so within this. */
const CANCEL_MS = 500;
/** Connecting is given up by the driver itself, and the statement behind it takes its time. */
const CONNECT_MS = 10_000;
/** After a server had no connection left, those that are open are used for so long. */
const CROWDED_MS = 1_000;
/** Whoever has none at all asks again after this. */
const CROWDED_RETRY_MS = 100;
/** What a burst needed and nobody uses any more makes room for other processes. */
const SPARE_MS = 10_000;
/** Sooner, for a minute, where the server is known to have no more than it gave. */
const SPARE_CROWDED_MS = 500;
const CROWDED_MEMORY_MS = 60_000;

/** Runs statements over a few connections to one server, each by one statement at a time. */
export interface ConnectionPool {
  /** As `query` of `Database`. */
  run<T>(what: string, statement: (sql: Sql) => PromiseLike<T>, ms: number): Promise<T>;
  /** Uses no connection again that is open now; what runs on one may end. */
  leave(): void;
  /** Closes what rests. */
  dropIdle(): void;
  /** Closes one that rests, when there is one. */
  giveOne(): void;
  /** How many connections there may be. */
  limit: number;
  close(): Promise<void>;
}

/** How a statement failed. */
export interface StatementFailure {
  error: unknown;
  /** False when it never reached the server: no connection came to be. */
  sent: boolean;
  /** Whether its connection has been left since. */
  left: boolean;
  /** Whether sessions are opened in another way since. */
  restyled: boolean;
  /** How many times it has failed. */
  tries: number;
}

/** What all pools to one server share. */
export interface PoolServer {
  /** Opens a session; `closed` hears when its connection is gone. */
  open(closed: () => void): Sql;
  /** Changes whenever sessions are opened in another way. */
  style(): unknown;
  /** Whether a statement that failed so is worth another try at once. */
  mend(failure: StatementFailure): boolean;
  heardFrom(): void;
  /** Whether the server has answered anything since. */
  hasAnswered(since: number): boolean;
  /** Nothing is answered any more. */
  silent(): void;
  /** A pool has no connection and gets none. */
  makeRoom(): void;
}

/** One connection, by a driver of its own: so that it can be let go of alone. */
interface Slot {
  sql: Sql;
  /** Whether it is known to be connected. */
  open: boolean;
  generation: number;
  style: unknown;
  restsSince: number;
}

interface Waiting {
  give(slot: Slot): void;
  fail(error: Error): void;
}

/** Opens a pool of at most so many connections. Connects when first used. */
export function openPool(server: PoolServer, connections: number): ConnectionPool {
  const slots = new Set<Slot>();
  /** The one that was used last stands last, and is used next: the others may go when it is quiet. */
  const idle: Slot[] = [];
  const waiting: Waiting[] = [];
  let limit = connections;
  let generation = 0;
  let crowdedUntil = -Infinity;
  let closed = false;
  let trimming: ReturnType<typeof setTimeout> | undefined;

  const isAnyOpen = () => [...slots].some((slot) => slot.open);

  function make(): Slot {
    const slot: Slot = {
      sql: server.open(() => {
        slot.open = false;
        serve();
      }),
      open: false,
      generation,
      style: server.style(),
      restsSince: 0,
    };
    slots.add(slot);
    return slot;
  }

  function drop(slot: Slot): void {
    slots.delete(slot);
    slot.open = false;
    slot.sql.end({ timeout: 0 }).catch(() => {});
  }

  /** A connection that may be used now: an open one, else a new one. */
  function find(): Slot | undefined {
    const at = idle.findLastIndex((slot) => slot.open);
    if (at >= 0) return idle.splice(at, 1)[0];
    if (performance.now() < crowdedUntil && isAnyOpen()) return undefined;
    for (let slot = idle.pop(); slot; slot = idle.pop()) {
      if (slot.style === server.style()) {
        slot.generation = generation;
        return slot;
      }
      drop(slot);
    }
    return slots.size < limit ? make() : undefined;
  }

  function serve(): void {
    while (waiting.length > 0) {
      const slot = find();
      if (!slot) return;
      waiting.shift()!.give(slot);
    }
  }

  /** @throws {DeadlineError} when none is free in time; then nothing was sent. */
  function take(what: string, ms: number): Slot | Promise<Slot> {
    if (closed) throw endedError();
    const free = find();
    if (free) return free;
    return new Promise((resolve, reject) => {
      const entry: Waiting = {
        give(slot) {
          clearTimeout(timer);
          resolve(slot);
        },
        fail(error) {
          clearTimeout(timer);
          reject(error);
        },
      };
      const timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(entry), 1);
        reject(
          new DeadlineError(`Cannot ${what}: no connection to the database was free in ${ms} ms`),
        );
      }, ms);
      waiting.push(entry);
    });
  }

  function release(slot: Slot): void {
    if (!slots.has(slot)) return serve();
    if (closed || slot.generation !== generation || slots.size > limit) {
      drop(slot);
      return serve();
    }
    slot.restsSince = performance.now();
    idle.push(slot);
    serve();
    trimLater();
  }

  const spareMs = () =>
    performance.now() - crowdedUntil < CROWDED_MEMORY_MS ? SPARE_CROWDED_MS : SPARE_MS;

  /** Closes what has rested for long, but for the last. */
  function trimLater(): void {
    if (trimming || closed || idle.length < 2) return;
    trimming = setTimeout(() => {
      trimming = undefined;
      const since = performance.now() - spareMs();
      while (idle.length > 1 && idle[0].restsSince <= since) drop(idle.shift()!);
      trimLater();
    }, spareMs());
  }

  /**
   * Has the server stop a statement that nobody waits for any more. What does not even answer that
   * is a dead connection, and where nothing else is answered either, so are those that rest.
   */
  function giveUp(slot: Slot, asked: PromiseLike<unknown>, since: number): void {
    const statement = driverOf(asked);
    // One that waits to be sent cannot be cancelled in this driver: the connection would be lost.
    const runs = statement.active !== false;
    const cancelled = runs ? Promise.resolve(statement.cancel?.()).catch(() => {}) : undefined;
    const ends = Promise.resolve(asked).then(
      () => server.heardFrom(),
      (error) => isAnswer(error) && server.heardFrom(),
    );
    deadline("cancel a statement", runs ? CANCEL_MS : CONNECT_MS, ends).then(
      async () => {
        // Else it might cancel the connection's next one. Over TLS the driver never says when it is done.
        await Promise.race([cancelled, pause(CANCEL_MS)]);
        release(slot);
      },
      () => {
        drop(slot);
        serve();
        if (!server.hasAnswered(since)) server.silent();
      },
    );
  }

  /** A statement may throw where its values are made into JSON: then its connection is free again. */
  function begin<T>(slot: Slot, statement: (sql: Sql) => PromiseLike<T>): PromiseLike<T> {
    try {
      return statement(slot.sql);
    } catch (error) {
      release(slot);
      throw error;
    }
  }

  /** Waits for what may bring a connection after the server had none to give. */
  async function waitForRoom(until: number): Promise<void> {
    crowdedUntil = performance.now() + CROWDED_MS;
    // One of our own comes free soon: take() waits for it.
    if (isAnyOpen()) return;
    server.makeRoom();
    await pause(Math.max(0, Math.min(CROWDED_RETRY_MS, until - performance.now())));
  }

  return {
    async run(what, statement, ms) {
      const askedAt = performance.now();
      const until = askedAt + ms;
      let crowded: unknown;
      for (let tries = 1;; tries++) {
        const leftMs = Math.ceil(until - performance.now());
        if (leftMs <= 0 && crowded) throw crowded;
        const slot = await take(what, leftMs);
        const asked = begin(slot, statement);
        try {
          const answer = await deadline(what, Math.ceil(until - performance.now()), asked);
          slot.open = true;
          server.heardFrom();
          release(slot);
          return answer;
        } catch (error) {
          if (error instanceof DeadlineError) {
            giveUp(slot, asked, askedAt);
            throw error;
          }
          const sent = driverOf(asked).state !== null;
          if (isAnswer(error)) {
            slot.open = sent && !isFatal(error);
            server.heardFrom();
          }
          const left = slot.generation !== generation;
          const restyled = slot.style !== server.style();
          release(slot);
          if (isCrowded(error)) {
            crowded = error;
            await waitForRoom(until);
          } else if (!server.mend({ error, sent, left, restyled, tries })) {
            throw error;
          }
        }
      }
    },
    leave() {
      generation++;
      for (const slot of idle.splice(0)) drop(slot);
      serve();
    },
    dropIdle() {
      for (const slot of idle.splice(0)) drop(slot);
      serve();
    },
    giveOne() {
      const at = idle.findIndex((slot) => slot.open);
      if (at >= 0) drop(idle.splice(at, 1)[0]);
    },
    get limit() {
      return limit;
    },
    set limit(most) {
      limit = most;
    },
    async close() {
      closed = true;
      clearTimeout(trimming);
      for (const entry of waiting.splice(0)) entry.fail(endedError());
      await Promise.all([...slots].map((slot) => slot.sql.end({ timeout: 2 })));
    },
  };
}
