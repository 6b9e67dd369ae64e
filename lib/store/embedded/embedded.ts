import { mkdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Closer, openAll } from "../../process/closer.ts";
import { errorText, type Log } from "../../process/log.ts";
import { Refusal } from "../../process/refusal.ts";
import { connect, type Database, openEngine } from "../database.ts";
import { lockFolder } from "./lock.ts";
import { readTemplate, TEMPLATE, unpackTemplate } from "./template.ts";
import { createWireSocket } from "./wire_socket.ts";

/**
 * Opens the database inside this process, in its own locked folder, which is
 * created when missing. `:memory:` keeps everything in memory, for tests.
 *
 * Safe when the process is killed, not when the power fails: PGlite never
 * calls fsync. It runs on the calling thread, so deadlines do not bite.
 */
export async function openEmbedded(
  folder: string,
  { log, template = TEMPLATE }: { log?: Log; template?: URL } = {},
): Promise<Database> {
  return await openAll((closer) => openEmbeddedWith(closer, { folder, log, template }));
}

/** The data folder, and the archive that a new database is copied from. */
interface Origin {
  folder: string;
  template: URL;
  log?: Log;
}

async function openEmbeddedWith(closer: Closer, origin: Origin): Promise<Database> {
  const { folder } = origin;
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
  const engine = folder === ":memory:" ? await openInMemory(origin) : await openFolder(origin);
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

async function openFolder({ folder, template, log }: Origin): ReturnType<typeof openEngine> {
  const dataDir = join(folder, "database");
  if (await exists(dataDir)) return await openEngine({ dataDir });
  // A kill in the middle of creating leaves a folder that never opens again,
  // so it is created under another name first.
  const unfinished = join(folder, "database.new");
  await rm(unfinished, { recursive: true, force: true });
  try {
    await unpackTemplate(unfinished, template);
    await rename(unfinished, dataDir);
    return await openEngine({ dataDir });
  } catch (error) {
    warnOfTemplate(error, log);
  }
  // Nothing was ever written to it.
  await rm(dataDir, { recursive: true, force: true });
  await rm(unfinished, { recursive: true, force: true });
  await (await openEngine({ dataDir: unfinished })).close();
  await rename(unfinished, dataDir);
  return await openEngine({ dataDir });
}

async function openInMemory({ template, log }: Origin): ReturnType<typeof openEngine> {
  try {
    return await openEngine({ template: await readTemplate(template) });
  } catch (error) {
    warnOfTemplate(error, log);
  }
  return await openEngine();
}

/** One that is missing, damaged or another PGlite's costs time and memory, no more. */
function warnOfTemplate(error: unknown, log?: Log): void {
  log?.warn("database.no_template", {
    error,
    hint: "the database is made without it, which takes longer; deno task template writes it anew",
  });
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
