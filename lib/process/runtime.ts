import process from "node:process";

/** What runs this process. */
export interface Runtime {
  /** As it calls itself, with its version: `Deno 2.9.6`. */
  readonly name: string;
  /** How much memory this process has now, in bytes. */
  residentBytes(): number;
}

export function openRuntime(): Runtime {
  const { deno, node } = process.versions as Record<string, string | undefined>;
  return {
    name: deno ? `Deno ${deno}` : `Node ${node}`,
    residentBytes: () => process.memoryUsage.rss(),
  };
}
