import { closeSync, createReadStream, mkdirSync, openSync, writeSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { brotliDecompress, createBrotliDecompress } from "node:zlib";

/**
 * What PGlite's `initdb` makes, ready to be copied: running it takes seconds and 600 MB, more than a
 * small machine has. It belongs to a version of PGlite and has no table of ours in it: migrations
 * run on it as on any other new database. `deno task template` writes it.
 */
export const TEMPLATE = new URL("./template.tar.br", import.meta.url);

/** The template as the tar archive that PGlite's `dumpDataDir` gives. Rejects when it is not there. */
export async function readTemplate(template = TEMPLATE): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await promisify(brotliDecompress)(await readFile(template)));
}

/** What is unpacked at once: less is slow, more stays in the process. */
const PIECE = 64 * 1024;

/**
 * Copies the template into a folder that is made for it. PGlite could take the archive as it is, but
 * would hold all its 40 MB three times while the database starts beside them.
 *
 * @throws when it is not there, damaged or cut off.
 */
export async function unpackTemplate(folder: string, template = TEMPLATE): Promise<void> {
  await pipeline(
    createReadStream(template),
    createBrotliDecompress({ chunkSize: PIECE }),
    (archive) => unpackTar(archive as AsyncIterable<Uint8Array>, folder),
  );
}

const BLOCK = 512;

/**
 * Writes the files and folders of an archive as `dumpDataDir` writes it: their names have at most
 * 100 bytes. A header's fields: https://www.gnu.org/software/tar/manual/html_node/Standard.html
 *
 * Nothing else runs yet, so writing may block: it leaves no promises behind for each file.
 */
async function unpackTar(archive: AsyncIterable<Uint8Array>, folder: string): Promise<void> {
  const read = createReader(archive);
  for (let header = await read(BLOCK); header[0] !== 0; header = await read(BLOCK)) {
    const text = (from: number, to: number) =>
      new TextDecoder().decode(header.subarray(from, to)).split("\0", 1)[0];
    const target = join(folder, text(0, 100));
    const size = Number.parseInt(text(124, 136), 8);
    const isFolder = text(156, 157) === "5";
    // PostgreSQL wants its folder for itself.
    if (isFolder) mkdirSync(target, { recursive: true, mode: 0o700 });
    else await writeFrom(read, target, size);
    await read((BLOCK - size % BLOCK) % BLOCK);
  }
}

async function writeFrom(read: Reader, path: string, size: number): Promise<void> {
  const file = openSync(path, "wx", 0o600);
  try {
    for (let left = size; left > 0; left -= PIECE) {
      const bytes = await read(Math.min(left, PIECE));
      for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
    }
  } finally {
    closeSync(file);
  }
}

/** Gives exactly so many bytes. */
type Reader = (size: number) => Promise<Uint8Array>;

function createReader(source: AsyncIterable<Uint8Array>): Reader {
  const chunks = source[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array();

  async function refill(): Promise<void> {
    const next = await chunks.next();
    if (next.done) throw new Error("Cannot unpack the template: it ends too early");
    rest = next.value;
  }

  return async (size) => {
    if (rest.length === 0 && size > 0) await refill();
    if (rest.length >= size) {
      const bytes = rest.subarray(0, size);
      rest = rest.subarray(size);
      return bytes;
    }
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size;) {
      if (rest.length === 0) await refill();
      const part = rest.subarray(0, size - at);
      bytes.set(part, at);
      at += part.length;
      rest = rest.subarray(part.length);
    }
    return bytes;
  };
}
