import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";

/** A file of our own that browsers get as it is. */
export interface Asset {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Another whenever the bytes are others: 16 hexadecimal digits. */
  readonly hash: string;
}

/** Reads files of one folder, whose URL ends in a slash, by their names. Rejects when one is missing. */
export async function readAssets(
  folder: URL,
  names: readonly string[],
): Promise<ReadonlyMap<string, Asset>> {
  return new Map(
    await Promise.all(names.map(async (name): Promise<[string, Asset]> => {
      const bytes = new Uint8Array(await readFile(new URL(name, folder)));
      return [name, { bytes, hash: createHash("sha256").update(bytes).digest("hex").slice(0, 16) }];
    })),
  );
}
