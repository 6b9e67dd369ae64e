import { existsSync } from "node:fs";
import { join } from "node:path";

/** Where the lock lies; it stays, as an empty file. */
const pathIn = (folder: string) => join(folder, "lock.db");

/** Whether somebody has ever locked this folder by a file. */
export function hasLockFile(folder: string): boolean {
  return existsSync(pathIn(folder));
}

/**
 * Locks a folder by a file, where it can have no socket: Windows, FAT, some mounts of other systems.
 * Neither runtime has file locks of its own that the other knows, SQLite has them on each system
 * (sqlite.org/lockingv3.html), and the system takes them back from a process that is killed.
 *
 * @returns undefined when another process has it.
 * @throws when the file cannot be made or the file system has no locks.
 */
export async function lockFile(folder: string): Promise<AsyncDisposable | undefined> {
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(pathIn(folder));
  try {
    // Nothing is ever written, so that there is no journal.
    database.exec("begin exclusive");
  } catch (error) {
    database.close();
    // SQLITE_BUSY; Deno has only the text of it.
    if (/database is locked/.test(String(error))) return undefined;
    throw error;
  }
  return {
    [Symbol.asyncDispose]() {
      database.close();
      return Promise.resolve();
    },
  };
}
