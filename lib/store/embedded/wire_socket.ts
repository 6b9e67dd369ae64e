import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";

/** Runs one group of PostgreSQL wire messages and hands back what the server says. */
export type ExecuteGroup = (group: Uint8Array, reply: (data: Uint8Array) => void) => Promise<void>;

const [QUERY, SYNC, FLUSH, TERMINATE] = ["Q", "S", "H", "X"].map((letter) => letter.charCodeAt(0));

/**
 * A socket for postgres.js whose other end is a database inside this process.
 *
 * It cuts what the driver writes into groups, each ending where the server has
 * to answer (Sync, Query, Flush, and the untyped startup message), and runs one
 * group at a time: an error makes the server skip to the next Sync, so a second
 * group in the same call would be lost and its query would hang.
 *
 * Message framing: https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
export function createWireSocket(execute: ExecuteGroup): Duplex {
  let pending: Buffer = Buffer.alloc(0);
  let started = false;

  function cutGroups(): Buffer[] {
    const groups: Buffer[] = [];
    let from = 0;
    let at = 0;
    while (true) {
      const lengthAt = started ? at + 1 : at;
      if (pending.length < lengthAt + 4) break;
      const end = lengthAt + pending.readInt32BE(lengthAt);
      if (pending.length < end) break;
      const type = started ? pending[at] : SYNC;
      started = true;
      at = end;
      if (type === QUERY || type === SYNC || type === FLUSH) {
        groups.push(pending.subarray(from, at));
        from = at;
      } else if (type === TERMINATE) {
        from = at;
      }
    }
    pending = pending.subarray(from);
    return groups;
  }

  const socket = new Duplex({
    read() {},
    async write(chunk: Buffer, _encoding, done) {
      pending = pending.length > 0 ? Buffer.concat([pending, chunk]) : chunk;
      try {
        for (const group of cutGroups()) {
          // The database reuses the memory behind `data`, hence the copy.
          await execute(group, (data) => this.push(Buffer.from(data)));
        }
        // The database keeps this thread to itself: without a turn of the loop after
        // each answer, requests would come in one by one and share no commit.
        setTimeout(done, 0);
      } catch (error) {
        done(error as Error);
      }
    },
    final(done) {
      this.push(null);
      done();
    },
  });
  // The driver closes only a socket that says it is open, and its timers end with the close.
  return Object.defineProperty(socket, "readyState", {
    get: () => socket.destroyed || socket.writableEnded ? "closed" : "open",
  });
}
