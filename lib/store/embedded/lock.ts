import { connect, createServer, type Server } from "node:net";
import { readdir, rm } from "node:fs/promises";
import { relative, resolve } from "node:path";
import { errorText } from "../../process/log.ts";
import { Refusal } from "../../process/refusal.ts";
import { hasLockFile, lockFile } from "./lock_file.ts";

/** The folder is open in another process. */
export class LockedError extends Refusal {
  override name = "LockedError";
}

/** Longer paths are cut silently by the kernel (`sun_path` in unix(7)). */
const MAX_SOCKET_PATH = 100;

/**
 * Takes a folder for this process alone, until it is disposed or the process ends in any way, `kill
 * -9` included. By a socket in it, or where it can have none by a file.
 *
 * @throws {LockedError} when another process holds it.
 * @throws {Refusal} when this folder cannot be locked at all.
 */
export async function lockFolder(folder: string): Promise<AsyncDisposable> {
  const taken: AsyncDisposable[] = [];
  const release = async () => {
    for (const lock of taken) await lock[Symbol.asyncDispose]();
  };
  const take = (lock: AsyncDisposable | undefined) => {
    if (!lock) throw locked(folder);
    taken.push(lock);
  };
  try {
    const unlockable = await lockBySocket(folder).then(take, (error) => {
      if (error instanceof Refusal) throw error;
      return error as Error;
    });
    // Somebody's socket lies there, and whether he lives nobody can ask from here.
    const left = unlockable ? await findLocks(folder).catch(() => []) : [];
    if (left.length > 0) throw unaskable(folder);
    // What reaches a folder as a share of another system may have had no sockets there.
    if (unlockable || hasLockFile(folder)) {
      take(await lockFile(folder).catch((error) => Promise.reject(unwritable(folder, error))));
    }
  } catch (error) {
    await release();
    throw error;
  }
  return { [Symbol.asyncDispose]: release };
}

function unaskable(folder: string): Refusal {
  return new Refusal(
    `Cannot lock the data folder ${folder}: it was last used where it can have sockets, and here it ` +
      "can have none. Where no other Otto runs on it, remove its lock-….sock and start again.",
  );
}

function unwritable(folder: string, error: unknown): Refusal {
  return new Refusal(
    `Cannot lock the data folder ${folder}: ${errorText(error)}. It has to be writable for the ` +
      "user that Otto runs as, on a disk that knows file locks. Change its owner, or set " +
      "OTTO_DATA_DIR to another folder.",
  );
}

/**
 * The lock is a listening unix socket, which the kernel closes on `kill -9` too, so one that nobody
 * answers on is stale.
 *
 * A stale socket is not replaced, since what is removed may be somebody's new
 * one by now: the next number is taken, and of two who take it one fails.
 *
 * @returns undefined when another process holds it.
 * @throws what the system says where a folder can have no socket.
 */
async function lockBySocket(folder: string): Promise<AsyncDisposable | undefined> {
  const before = await findLocks(folder);
  if (await anyAnswers(folder, before)) return undefined;
  const number = Math.max(0, ...before) + 1;
  const path = socketPath(folder, number);
  const server = await listen(path);
  if (!server) return undefined;
  const release = async () => {
    await new Promise((done) => server.close(done));
    await rm(path, { force: true });
  };
  // Somebody may have taken another number while this one stood still.
  const others = (await findLocks(folder)).filter((other) => other !== number);
  if (await anyAnswers(folder, others)) {
    await release();
    return undefined;
  }
  for (const other of others) await rm(socketPath(folder, other), { force: true });
  server.unref();
  return { [Symbol.asyncDispose]: release };
}

function locked(folder: string): LockedError {
  return new LockedError(
    `Cannot open the data folder ${folder}: another Otto is running on it. ` +
      "Stop that one, give this one its own OTTO_DATA_DIR, or set DATABASE_URL to share a database.",
  );
}

async function findLocks(folder: string): Promise<number[]> {
  return (await readdir(folder)).flatMap((name) => {
    const number = /^lock-(\d{1,15})\.sock$/.exec(name)?.[1];
    return number ? Number(number) : [];
  });
}

async function anyAnswers(folder: string, numbers: readonly number[]): Promise<boolean> {
  const answering = await Promise.all(
    numbers.map((number) => answers(socketPath(folder, number))),
  );
  return answering.includes(true);
}

function socketPath(folder: string, number: number): string {
  const absolute = resolve(folder, `lock-${number}.sock`);
  const short = relative(".", absolute);
  const path = short.length < absolute.length ? short : absolute;
  if (path.length > MAX_SOCKET_PATH) {
    throw new Refusal(
      `Cannot lock the data folder ${folder}: its path has ${path.length} characters, ` +
        `a socket's path must have at most ${MAX_SOCKET_PATH}. Set OTTO_DATA_DIR to a shorter one.`,
    );
  }
  return path;
}

function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", (error: Error & { code?: string }) => {
      if (error.code === "EADDRINUSE") resolve(undefined);
      else reject(error);
    });
    server.listen(path, () => resolve(server));
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
