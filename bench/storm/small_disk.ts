import { execFile } from "node:child_process";
import { chownSync, mkdirSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { promisify } from "node:util";
import { unprivileged } from "../../tests/servers/find.ts";
import type { Cluster } from "./cluster.ts";

const exec = promisify(execFile);

/** Room for the index of some ten million messages; memory is only taken for what is written. */
const SIZE = "512m";
const TABLESPACE = "small_disk";
/** Every message that is kept needs an entry here, and the ids grow, so the last page fills up. */
const INDEX = "messages_pkey";

/**
 * A disk of its own for one index of PostgreSQL, so that it can be filled up without filling up
 * anybody's real one.
 */
export interface SmallDisk extends AsyncDisposable {
  /** Moves the index there and takes all room that is left. */
  fill(cluster: Cluster): Promise<void>;
  /** Makes room, and moves the index back. */
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

  const move = ({ asAdmin }: Cluster, to: string) =>
    asAdmin(async (sql) => {
      const known = await sql`select from pg_tablespace where spcname = ${TABLESPACE}`;
      if (known.length === 0) {
        await sql.unsafe(`create tablespace ${TABLESPACE} location '${place}'`);
      }
      // Whoever writes waits for the lock, and gets it before us again and again.
      await sql`set lock_timeout = '20s'`;
      await sql.unsafe(`alter index ${INDEX} set tablespace ${to}`);
    }, "database");

  return {
    async fill(cluster) {
      await move(cluster, TABLESPACE);
      const file = await open(ballast, "w");
      try {
        for (const block = new Uint8Array(1024 * 1024);;) await file.write(block);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      } finally {
        await file.close();
      }
    },
    async empty(cluster) {
      await rm(ballast, { force: true });
      await move(cluster, "pg_default");
    },
    async [Symbol.asyncDispose]() {
      await exec("umount", [at]).catch(() => {});
    },
  };
}
