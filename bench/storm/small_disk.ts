import { execFile } from "node:child_process";
import { chownSync, mkdirSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { promisify } from "node:util";
import { unprivileged } from "../../tests/servers/find.ts";
import type { Cluster } from "./cluster.ts";

const exec = promisify(execFile);

/** Room for what is written in a fault's seconds; memory is only taken for what is there. */
const SIZE = "64m";
const TABLESPACE = "small_disk";
const INDEX = "on_small_disk";
/** Entries so large that three fill a page: soon every message that comes needs another one. */
const KEY = Array.from({ length: 80 }, (_, at) => `md5(id::text || '${at}')`).join(" || ");

/**
 * A disk of its own for one more index on the table of messages, so that it can be filled up
 * without filling up anybody's real one. Whoever stores a message hears then what a full disk
 * says: 53100.
 */
export interface SmallDisk extends AsyncDisposable {
  /** Makes the index, for messages from now on, and takes all room that is left for it. */
  fill(cluster: Cluster): Promise<void>;
  /** Makes room, and takes the index away. */
  empty(cluster: Cluster): Promise<void>;
}

/** Mounts the disk; undefined where we may not mount. */
export async function mountSmallDisk(folder: string): Promise<SmallDisk | undefined> {
  const at = `${folder}/small-disk`;
  const place = `${at}/tablespace`;
  const ballast = `${at}/ballast`;
  mkdirSync(at, { recursive: true });
  try {
    // One that a killed storm has left may hold the index.
    await exec("mountpoint", ["-q", at])
      .catch(() => exec("mount", ["-t", "tmpfs", "-o", `size=${SIZE}`, "storm", at]));
    mkdirSync(place, { recursive: true });
    const user = unprivileged();
    if (user) { for (const each of [at, place]) chownSync(each, user.uid, user.gid); }
  } catch {
    return undefined;
  }

  return {
    async fill({ asAdmin }) {
      await asAdmin(async (sql) => {
        // Made anew: the disk of a storm that was stopped is gone with all that was on it.
        await sql.unsafe(`drop tablespace if exists ${TABLESPACE}`);
        await sql.unsafe(`create tablespace ${TABLESPACE} location '${place}'`);
        await sql.unsafe(`
          create index ${INDEX} on messages ((${KEY})) tablespace ${TABLESPACE}
          where received_at > '${new Date().toISOString()}'::timestamptz`);
      }, "database");
      const file = await open(ballast, "w");
      try {
        for (const block = new Uint8Array(64 * 1024);;) await file.write(block);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      } finally {
        await file.close();
      }
    },
    async empty({ asAdmin }) {
      await rm(ballast, { force: true });
      await asAdmin((sql) => sql.unsafe(`drop index if exists ${INDEX}`), "database");
    },
    async [Symbol.asyncDispose]() {
      await exec("umount", [at]).catch(() => {});
    },
  };
}
