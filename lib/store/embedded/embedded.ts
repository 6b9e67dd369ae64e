import { mkdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Closer, openAll } from "../../process/closer.ts";
import { errorText } from "../../process/log.ts";
import { Refusal } from "../../process/refusal.ts";
import { connect, type Database, openEngine } from "../database.ts";
import { lockFolder } from "./lock.ts";
import { createWireSocket } from "./wire_socket.ts";

/**
 * Opens the database inside this process, in its own locked folder, which is
 * created when missing. `:memory:` keeps everything in memory, for tests.
 *
 * Safe when the process is killed, not when the power fails: PGlite never
 * calls fsync. It runs on the calling thread, so deadlines do not bite.
 */
export async function openEmbedded(folder: string): Promise<Database> {
  return await openAll((closer) => openEmbeddedWith(closer, folder));
}

async function openEmbeddedWith(closer: Closer, folder: string): Promise<Database> {
  if (folder !== ":memory:") {
    await mkdir(folder, { recursive: true }).catch((error) => {
      throw new Refusal(
        `Cannot use the data folder ${folder}: ${
          errorText(error)
        }. Set OTTO_DATA_DIR to a folder ` +
          "that can be written to, without spaces in its name: `deno task start` permits no other.",
      );
    });
    closer.add(await lockFolder(folder));
  }
  const engine = folder === ":memory:" ? await openEngine() : await openFolder(folder);
  closer.defer(() => engine.close());
  const sql = connect({
    user: "postgres",
    database: "postgres",
    max: 1,
    fetch_types: false,
    onnotice() {},
    // Not in the driver's types: a function that returns a connected socket.
    ...{
      socket: () =>
        createWireSocket((group, reply) =>
          engine.runExclusive(() => engine.execProtocolRawStream(group, { onRawData: reply }))
        ),
    },
  });
  closer.defer(() => sql.end({ timeout: 2 }));
  return {
    kind: "embedded",
    query: async (_what, statement) => await statement(sql),
    listen: () => Promise.reject(new Error("Cannot listen: there is no other process to hear")),
    remarks: () => [],
    [Symbol.asyncDispose]: () => closer.close(),
  };
}

async function openFolder(folder: string): ReturnType<typeof openEngine> {
  const dataDir = join(folder, "database");
  if (!await exists(dataDir)) {
    // A kill in the middle of creating leaves a folder that never opens again,
    // so it is created under another name first.
    const unfinished = join(folder, "database.new");
    await rm(unfinished, { recursive: true, force: true });
    await (await openEngine(unfinished)).close();
    await rename(unfinished, dataDir);
  }
  return await openEngine(dataDir);
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(() => true, () => false);
}

/** Keeps the embedded database small: single-user mode has neither checkpointer nor autovacuum. */
export async function tidyEmbedded(database: Database): Promise<void> {
  if (database.kind !== "embedded") return;
  await database.query("write a checkpoint", (sql) => sql`checkpoint`);
  await database.query("vacuum", (sql) => sql`vacuum`);
}
