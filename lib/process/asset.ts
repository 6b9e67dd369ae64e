import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";

/** A file of our own that browsers get as it is. */
export interface Asset {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Another whenever the bytes are others: 16 hexadecimal digits. */
  readonly hash: string;
}

/**
 * Reads files of one folder, whose URL ends in a slash. `parts` says by its name which files each is
 * made of, one behind the other. Rejects when one is missing.
 */
export async function readAssets(
  folder: URL,
  parts: Readonly<Record<string, readonly string[]>>,
): Promise<ReadonlyMap<string, Asset>> {
  return new Map(
    await Promise.all(
      Object.entries(parts).map(async ([name, files]): Promise<[string, Asset]> => {
        const read = await Promise.all(files.map((file) => readFile(new URL(file, folder))));
        const bytes = new Uint8Array(Buffer.concat(read));
        return [name, {
          bytes,
          hash: createHash("sha256").update(bytes).digest("hex").slice(0, 16),
        }];
      }),
    ),
  );
}
