import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * The rooms and whom each may import besides itself (design.md §5); `X/*` is a
 * room's own files without the rooms in it. The first place that fits a path is
 * its room: more precise ones stand first. Types count like everything else.
 */
const BASE = [
  "lib/store/",
  "lib/config/",
  "lib/process/",
  "lib/redaction/",
  "lib/async/",
];
const MESSAGE = [
  "lib/message/",
  "lib/queue/",
  "lib/arq/",
  "lib/people/",
  "lib/ingress/",
  ...BASE,
];
const TASK = ["lib/task/", ...MESSAGE];
const KIT = [
  "sources/kit/",
  "sources/signature/",
  "sources/source.ts",
  "sources/subject.ts",
  "sources/description.ts",
  "sources/reply.ts",
];

/** Senders whose words and signatures fill more than one file. */
const LONGER = [
  "gitea",
  "xml",
  "bitbucket",
  "generic",
  "github",
  "gitlab",
  "jira",
  "meta",
  "shopify",
  "slack",
  "sns",
  "stripe",
  "telegram",
  "trello",
  "twilio",
];

const MAY_IMPORT: [room: string, ...mayImport: string[]][] = [
  ["main.ts", "handlers/mod.ts", "lib/"],
  ["worker.ts", "lib/"],
  ["deploy.ts", "handlers/mod.ts", "lib/"],
  ["otto.ts", "commands/", "lib/"],
  ["commands/", "handlers/", "lib/", "sources/"],

  ["handlers/mod.ts", "handlers/", "lib/", "sources/"],
  ["handlers/*", "handlers/schemas/", "lib/", "sources/"],
  ["handlers/schemas/", "lib/"],
  ["handlers/webhook/", "handlers/schemas/", "handlers/*", "lib/", "sources/"],
  ["handlers/api/", "handlers/webhook/", "handlers/schemas/", "handlers/*", "lib/", "sources/"],
  [
    "handlers/pages/",
    "handlers/api/",
    "handlers/webhook/",
    "handlers/schemas/",
    "handlers/views/",
    "handlers/*",
    "lib/",
    "sources/",
  ],
  ["handlers/views/", "handlers/static.ts", "lib/", "sources/"],

  ["lib/services.ts", "lib/", "sources/"],
  [
    "lib/work/",
    "lib/services.ts",
    "lib/monitor/",
    "lib/jobs/",
    "lib/live/",
    "lib/agent/",
    "lib/notify/",
    "lib/reading/",
    ...TASK,
    "sources/",
  ],
  [
    "lib/monitor/",
    "lib/jobs/",
    "lib/live/",
    "lib/agent/",
    "lib/notify/",
    "lib/markdown/",
    ...TASK,
    "sources/",
  ],
  ["lib/live/", "lib/agent/", "lib/notify/", ...TASK],
  // These three never import each other: they meet in work/ and services.ts.
  ["lib/jobs/", ...TASK, "sources/"],
  ["lib/agent/", ...TASK, "sources/"],
  ["lib/reading/", ...MESSAGE, "sources/"],
  ["lib/notify/", "lib/markdown/", ...TASK, "sources/"],
  ["lib/task/", ...MESSAGE, "sources/"],
  ["lib/message/", ...MESSAGE, "sources/"],
  ["lib/queue/", ...BASE],
  ["lib/arq/", ...BASE, "sources/"],
  ["lib/people/", ...BASE, "sources/"],
  ["lib/ingress/", ...BASE, "sources/"],
  ["lib/config/", "lib/process/", "lib/redaction/", "lib/async/", "sources/"],
  ["lib/store/", "lib/process/", "lib/redaction/", "lib/async/"],
  ["lib/process/", "lib/redaction/", "lib/async/"],
  ["lib/redaction/"],
  ["lib/markdown/"],
  ["lib/async/"],

  ["sources/description.ts"],
  ["sources/subject.ts"],
  ["sources/reply.ts"],
  ["sources/source.ts", "sources/description.ts", "sources/subject.ts", "sources/reply.ts"],
  ["sources/mod.ts", "sources/*", "sources/source.ts"],
  ["sources/signature/"],
  ["sources/kit/", ...KIT],
  ["sources/rules/", "sources/mod.ts", "sources/*", ...KIT],
  ["sources/diagnosis/", "sources/rules/", "sources/mod.ts", ...KIT],
  ["sources/words/", ...KIT],
  ...LONGER.map((name) => [`sources/${name}/`, "sources/words/", ...KIT] as [string, ...string[]]),
  // A sender: the longer ones have a room of their own.
  [
    "sources/*",
    "sources/*",
    ...LONGER.map((name) => `sources/${name}/`),
    "sources/words/",
    ...KIT,
  ],
];

/** Packages that only some places may name; sources name none but zod. */
const ONLY: [package_: string, ...places: string[]][] = [
  ["@electric-sql/pglite", "lib/store/database.ts"],
  ["postgres", "lib/store/database.ts"],
  ["redis", "lib/store/redis.ts"],
  ["ai", "lib/agent/model.ts", "lib/agent/provider/load_model.ts"],
  ["@ai-sdk/openai-compatible", "lib/agent/provider/load_model.ts"],
  ["@ai-sdk/anthropic", "lib/agent/provider/load_model.ts"],
  ["@ai-sdk/google", "lib/agent/provider/load_model.ts"],
  ["@ai-sdk/mcp", "lib/agent/mcp/client.ts"],
  ["@hono/node-server", "lib/process/serve.ts"],
  ["hono", "handlers/"],
  ["@hono/zod-openapi", "handlers/"],
  ["prom-client", "handlers/metrics.ts"],
  ["commander", "commands/program.ts"],
];

const ENTRYPOINTS = ["main.ts", "worker.ts", "deploy.ts", "otto.ts"];
const MOST_FILES = 20;
const FORBIDDEN_NAMES = /(^|\/)(utils?|types|constants|helpers|common|misc)\.ts$/;

const root = fileURLToPath(new URL("../..", import.meta.url));

interface File {
  path: string;
  text: string;
  imports: string[];
}

async function readTree(): Promise<File[]> {
  const paths = [...ENTRYPOINTS];
  for (const folder of ["commands", "handlers", "lib", "sources"]) {
    for (const name of await readdir(join(root, folder), { recursive: true })) {
      if (name.endsWith(".ts")) paths.push(posix.join(folder, name));
    }
  }
  return await Promise.all(paths.map(async (path) => {
    const text = await readFile(join(root, path), "utf8");
    const imports = [...text.matchAll(/\b(?:from|import)\s*\(?\s*"([\w@.:/-]+)"/g)]
      .map((match) => match[1].startsWith(".") ? posix.join(dirname(path), match[1]) : match[1]);
    return { path, text, imports };
  }));
}

/** `lib/*` is a file that stands in lib itself, not in one of its rooms. */
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
          rule.some((place) => isIn(imported, place)),
          `${path} may not import ${imported}`,
        );
      }
    }
  });

  it("has no circle of imports", async () => {
    const files = await readTree();
    const edges = new Map(
      files.map((
        { path, imports },
      ) => [path, imports.filter((each) => each.endsWith(".ts"))]),
    );
    const done = new Set<string>();
    const visit = (path: string, trail: string[]): void => {
      assert(
        !trail.includes(path),
        `a circle: ${[...trail, path].join(" → ")}`,
      );
      if (done.has(path)) return;
      for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
      done.add(path);
    };
    for (const path of edges.keys()) visit(path, []);
  });

  it("names a package only where it belongs", async () => {
    for (const { path, imports } of await readTree()) {
      for (const [name, ...places] of ONLY) {
        if (
          !imports.some((each) => each === name || each.startsWith(`${name}/`))
        ) continue;
        assert(
          places.some((place) => isIn(path, place)),
          `${path} may not import ${name}`,
        );
      }
    }
  });

  it("needs no package but zod to know senders", async () => {
    for (const { path, imports } of await readTree()) {
      if (!path.startsWith("sources/")) continue;
      const packages = imports.filter((each) => !each.endsWith(".ts") && !each.startsWith("node:"));
      assertEquals(packages.filter((each) => each !== "zod"), [], path);
    }
  });

  it("reads the environment in lib/config/config.ts alone", async () => {
    for (const { path, text } of await readTree()) {
      if (path === "lib/config/config.ts") continue;
      assert(
        !/process\.env|Deno\.env/.test(text),
        `${path} reads the environment`,
      );
    }
  });

  it("puts notifications into the outbox in lib/store/outbox.ts alone", async () => {
    for (const { path, text } of await readTree()) {
      if (path === "lib/store/outbox.ts") continue;
      assert(!/insert into notifications/i.test(text), `${path} puts them there itself`);
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

  it("has rooms small enough to be looked over", async () => {
    const paths = (await readTree()).map(({ path }) => path);
    for (const room of new Set(paths.map((path) => dirname(path)))) {
      // The senders stand side by side: they are what that folder shows.
      if (room === "sources" || room === ".") continue;
      const count = paths.filter((path) => dirname(path) === room).length;
      assert(
        count <= MOST_FILES,
        `${room}/ has ${count} files; more than ${MOST_FILES} want rooms`,
      );
    }
  });

  it("shows lib's rooms, and senders, at first sight", async () => {
    const paths = (await readTree()).map(({ path }) => path);
    assertEquals(paths.filter((path) => dirname(path) === "lib"), [
      "lib/services.ts",
    ]);
    const shown = paths.filter((path) => dirname(path) === "sources");
    const senders = [...(await readFile(join(root, "sources/mod.ts"), "utf8"))
      .matchAll(/from "\.\/(\w+\.ts)"/g)].map(([, name]) => `sources/${name}`);
    // generic.ts is the sender of every name that no module has.
    const known = ["description", "generic", "mod", "reply", "source", "subject"].map((name) =>
      `sources/${name}.ts`
    );
    assertEquals(shown.sort(), [...new Set([...senders, ...known])].sort());
  });

  it("gives each exported type a name of its own", async () => {
    const owners = new Map<string, string>();
    for (const { path, text } of await readTree()) {
      for (
        const [, name] of text.matchAll(
          /^export (?:interface|type|class) (\w+)/gm,
        )
      ) {
        assert(
          !owners.has(name),
          `${name} is exported by ${owners.get(name)} and ${path}`,
        );
        owners.set(name, path);
      }
    }
  });

  it("has no drawer for everything", async () => {
    for (const { path } of await readTree()) {
      assert(!FORBIDDEN_NAMES.test(path), path);
    }
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
        Object.entries(dependencies).map((
          [name, version],
        ) => [name, `npm:${name}@${version}`]),
      ),
    );
    for (const version of Object.values(dependencies)) {
      assert(
        /^\d+\.\d+\.\d+$/.test(version as string),
        `${version} is not exact`,
      );
    }
  });

  it("name no address of a registry", async () => {
    for (
      const name of [
        "deno.lock",
        "tests/deno.lock",
        "package-lock.json",
        "package.json",
      ]
    ) {
      assert(
        !/https?:\/\/[^"]*(npm|jsr)/.test(
          await readFile(join(root, name), "utf8"),
        ),
        name,
      );
    }
  });

  it("run no task with all permissions", async () => {
    const { tasks } = await read("deno.json");
    for (const name of ["start", "dev", "worker", "otto", "doctor", "send"]) {
      const command: string = tasks[name].command;
      assert(
        !/\s(-A|--allow-all|--allow-run|--allow-ffi)\b/.test(command),
        command,
      );
    }
  });

  it("give whoever develops the permissions of `start`, and a watcher", async () => {
    const { tasks } = await read("deno.json");
    assertEquals(tasks.dev.command.replace(/ --watch=\S+/, ""), tasks.start.command);
  });
});
