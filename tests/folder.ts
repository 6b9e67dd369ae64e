import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder of a test's own, which goes with all that is in it. */
export interface TestFolder extends AsyncDisposable {
  readonly path: string;
  /** Writes a file of JSON into it; gives the file's path. */
  write(name: string, content: unknown): Promise<string>;
}

export async function testFolder(): Promise<TestFolder> {
  const path = await mkdtemp(join(tmpdir(), "otto-test-"));
  return {
    path,
    async write(name, content) {
      const file = join(path, name);
      await writeFile(file, JSON.stringify(content));
      return file;
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}
