import process from "node:process";
import { writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";
import { openEngine } from "../database.ts";
import { TEMPLATE } from "./template.ts";

/** A new database, as PGlite's `initdb` makes it, as a tar archive. */
export async function dumpNewDatabase(): Promise<Uint8Array<ArrayBuffer>> {
  const engine = await openEngine();
  try {
    return new Uint8Array(await (await engine.dumpDataDir("none")).arrayBuffer());
  } finally {
    await engine.close();
  }
}

/** A tenth of the archive's three databases is their own: only a window over all of them sees it. */
const WINDOW_BITS = constants.BROTLI_MAX_WINDOW_BITS;

if (process.argv.includes("--write")) {
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_LGWIN]: WINDOW_BITS,
  };
  const template = await promisify(brotliCompress)(await dumpNewDatabase(), { params });
  await writeFile(TEMPLATE, template);
  console.log(`The template of a new database has ${template.length} bytes`);
}
