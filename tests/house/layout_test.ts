import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Where code lives and whom it may import (design.md §5). The first place that
 * a file's path begins with is its place; anything not listed is refused.
 */
const MAY_IMPORT: [place: string, ...mayImport: string[]][] = [
  ["main.ts", "handlers/", "lib/", "sources/"],
  ["worker.ts", "lib/"],
  ["doctor.ts", "lib/", "sources/"],
  ["send.ts", "handlers/", "lib/"],
  ["handlers/views/", "handlers/views/", "handlers/static.ts", "lib/", "sources/"],
  ["handlers/", "handlers/", "lib/", "sources/"],
  ["lib/work.ts", "lib/", "sources/"],
  ["lib/work/", "lib/", "sources/"],
  ["lib/hear.ts", "lib/", "sources/"],
  ["lib/source_file.ts", "lib/*", "sources/"],
  ["lib/services.ts", "lib/", "sources/"],
  ["lib/checkup.ts", "lib/", "sources/"],
  // The rooms of lib never import each other: they meet in work.ts, work/ and services.ts.
  ["lib/queue/", "lib/queue/", "lib/*"],
  ["lib/agent/", "lib/agent/", "lib/*"],
  ["lib/notify/", "lib/notify/", "lib/*"],
  ["lib/arq/", "lib/arq/", "lib/*"],
  ["lib/signature.ts", "lib/signature/"],
  ["lib/signature/", "lib/signature/"],
  ["lib/jobs/", "lib/jobs/", "lib/arq/", "lib/*"],
  ["lib/", "lib/*", "lib/queue/queue.ts", "lib/queue/spill.ts", "lib/jobs/jobs.ts"],
  [
    "sources/",
    "sources/",
    "lib/signature.ts",
    "lib/description.ts",
    "lib/payload.ts",
    "lib/line.ts",
    "lib/link.ts",
    "lib/pick.ts",
    "lib/address_list.ts",
    "lib/secret_variable.ts",
  ],
];

/** Packages that only some places may name. */
const ONLY: [package_: string, ...places: string[]][] = [
  ["@electric-sql/pglite", "lib/database.ts"],
  ["redis", "lib/redis.ts"],
  ["ai", "lib/agent/model.ts"],
  ["@ai-sdk/openai-compatible", "lib/agent/model.ts"],
  ["@ai-sdk/anthropic", "lib/agent/model.ts"],
  ["@ai-sdk/google", "lib/agent/model.ts"],
  ["@ai-sdk/mcp", "lib/agent/mcp.ts"],
  ["postgres", "lib/database.ts"],
  ["@hono/node-server", "lib/serve.ts"],
  ["hono", "handlers/"],
  ["@hono/zod-openapi", "handlers/"],
  ["prom-client", "handlers/metrics.ts"],
];

const ENTRYPOINTS = ["main.ts", "worker.ts", "doctor.ts", "send.ts"];
const FORBIDDEN_NAMES = /(^|\/)(utils?|types|constants|helpers|common|misc)\.ts$/;

const root = fileURLToPath(new URL("..", import.meta.url));

interface File {
  path: string;
  text: string;
  imports: string[];
}

async function readTree(): Promise<File[]> {
  const paths = [...ENTRYPOINTS];
  for (const folder of ["handlers", "lib", "sources"]) {
    for (const name of await readdir(join(root, folder), { recursive: true })) {
      if (name.endsWith(".ts")) paths.push(posix.join(folder, name));
    }
  }
  return await Promise.all(paths.map(async (path) => {
    const text = await readFile(join(root, path), "utf8");
    const imports = [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) =>
      match[1].startsWith(".") ? posix.join(dirname(path), match[1]) : match[1]
    );
    return { path, text, imports };
  }));
}

/** `lib/*` is a file of lib itself, not of its rooms. */
function isIn(path: string, place: string): boolean {
  if (place.endsWith("/*")) return dirname(path) === place.slice(0, -2);
  return place.endsWith("/") ? path.startsWith(place) : path === place;
}

describe("the house", () => {
  it("has imports that point one way only", async () => {
    for (const { path, imports } of await readTree()) {
      const rule = MAY_IMPORT.find(([place]) => isIn(path, place));
      assert(rule, `${path} has no place in the table`);
      for (const imported of imports.filter((each) => each.endsWith(".ts"))) {
        assert(
          rule.slice(1).some((place) => isIn(imported, place)),
          `${path} may not import ${imported}`,
        );
      }
    }
  });

  it("has no circle of imports", async () => {
    const files = await readTree();
    const edges = new Map(
      files.map(({ path, text }) => [
        path,
        // What only carries types vanishes before anything runs.
        [...text.matchAll(/^(?:import|export)(?! type)[^;]*?from "(\.[^"]+)"/gms)]
          .map((match) => posix.join(dirname(path), match[1])),
      ]),
    );
    const done = new Set<string>();
    const visit = (path: string, trail: string[]): void => {
      assert(!trail.includes(path), `a circle: ${[...trail, path].join(" → ")}`);
      if (done.has(path)) return;
      for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
      done.add(path);
    };
    for (const path of edges.keys()) visit(path, []);
  });

  it("names a package only where it belongs", async () => {
    for (const { path, imports } of await readTree()) {
      for (const [name, ...places] of ONLY) {
        if (!imports.some((each) => each === name || each.startsWith(`${name}/`))) continue;
        assert(places.some((place) => isIn(path, place)), `${path} may not import ${name}`);
      }
    }
  });

  it("reads the environment in lib/config.ts alone", async () => {
    for (const { path, text } of await readTree()) {
      if (path === "lib/config.ts") continue;
      assert(!/process\.env|Deno\.env/.test(text), `${path} reads the environment`);
    }
  });

  it("opens nothing when a module is imported", async () => {
    for (const { path, text } of await readTree()) {
      if (ENTRYPOINTS.includes(path)) continue;
      // Reading our own static files once is the exception.
      if (path === "handlers/static.ts") continue;
      assert(
        !/^(const|let|await|export const)\b.*\bawait\b/m.test(text),
        `${path} awaits on import`,
      );
    }
  });

  it("has no syntax that Node 22 cannot read", async () => {
    for (const { path, text } of await readTree()) {
      const found = /^\s*(await )?using \w+ =|^\s*enum \w|constructor\((private|public|readonly)/m
        .exec(text);
      assert(!found, `${path}: ${found?.[0]}`);
    }
  });

  it("has no drawer for everything", async () => {
    for (const { path } of await readTree()) assert(!FORBIDDEN_NAMES.test(path), path);
  });
});

describe("the dependency lists", () => {
  const read = async (name: string) => JSON.parse(await readFile(join(root, name), "utf8"));

  it("of Deno and Node are the same, with exact versions", async () => {
    const { imports } = await read("deno.json");
    const { dependencies } = await read("package.json");
    assertEquals(
      imports,
      Object.fromEntries(
        Object.entries(dependencies).map(([name, version]) => [name, `npm:${name}@${version}`]),
      ),
    );
    for (const version of Object.values(dependencies)) {
      assert(/^\d+\.\d+\.\d+$/.test(version as string), `${version} is not exact`);
    }
  });

  it("name no address of a registry", async () => {
    for (const name of ["deno.lock", "tests/deno.lock", "package-lock.json", "package.json"]) {
      assert(!/https?:\/\/[^"]*(npm|jsr)/.test(await readFile(join(root, name), "utf8")), name);
    }
  });

  it("run no task with all permissions", async () => {
    const { tasks } = await read("deno.json");
    for (const name of ["start", "worker", "doctor", "send"]) {
      const command: string = tasks[name].command;
      assert(!/\s(-A|--allow-all|--allow-run|--allow-ffi)\b/.test(command), command);
    }
  });
});
