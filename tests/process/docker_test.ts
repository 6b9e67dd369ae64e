import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse, parseAllDocuments } from "yaml";
import type { Source } from "../../sources/source.ts";
import { sources } from "../../sources/mod.ts";
import { readConfig } from "../../lib/config/config.ts";
import { MOST_BODY_BYTES, SETTING_NAMES } from "../../lib/config/settings.ts";
import { taskFlags } from "../servers/command.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string) => readFileSync(`${root}/${path}`, "utf8");
const sorted = (names: Iterable<string>) => [...new Set(names)].sort();

/** All that a pattern's first group matches. */
const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, name]) => name);

interface Service {
  image: string;
  restart?: string;
  healthcheck?: { test: string[] };
  command?: string[];
  environment?: Record<string, string>;
  volumes?: string[];
  ports?: string[];
  networks: string[];
  read_only?: boolean;
  cap_drop?: string[];
  depends_on?: unknown;
}

const composeText = read("compose.yaml");
const compose = parse(composeText, { merge: true }) as {
  services: Record<string, Service>;
  networks: Record<string, { internal?: boolean } | null>;
  volumes: Record<string, unknown>;
};
const { proxy, web, worker, postgres, redis } = compose.services;

/** Compose's `${NAME}` and `${NAME:-default}`; `${NAME:+…}` asks whether there is a value. */
const composeVariables = all(composeText, /\$\{([A-Z_]+)/g);

/** The Dockerfile's instructions, without comments and with their continuation lines. */
const dockerfile = read("Dockerfile").replace(/^\s*#.*\n/gm, "").replace(/\\\n/g, " ")
  .split("\n").filter((line) => line.trim() !== "")
  .map((line) => ({ name: line.split(" ", 1)[0], rest: line.replace(/^\S+\s+/, "").trim() }));
const instructions = (name: string) =>
  dockerfile.filter((each) => each.name === name).map(({ rest }) => rest);
const last = (name: string) => instructions(name).at(-1) ?? "";

/** What the image adds to a task's flags: nothing is asked, installed or downloaded. */
const IMAGE_FLAGS = ["--no-prompt", "--frozen", "--cached-only"];

describe(".env.example", () => {
  const text = read(".env.example");
  const documented = [...text.matchAll(/^# ?([A-Z][A-Z0-9_]*)=(.*)$/gm)]
    .map(([, name, value]) => ({ name, value }));
  /** One page has all of them (docs/sources.md); here stand those that most teams need. */
  const secrets = Object.values<Source>(sources)
    .flatMap((each) => [each.secretVariable, each.verifyTokenVariable])
    .filter((name) => name !== undefined);

  it("documents every variable that Otto reads, and every one of compose.yaml", () => {
    assertGreater(SETTING_NAMES.length, 10);
    const names = documented.map(({ name }) => name);
    const missing = [...SETTING_NAMES, ...composeVariables]
      // What Deno Deploy sets itself, nobody else may set.
      .filter((name) => !names.includes(name) && !name.startsWith("DENO_"));
    assertEquals(sorted(missing), []);
    const table = read("docs/sources.md");
    assertEquals(secrets.filter((name) => !names.includes(name) && !table.includes(name)), []);
  });

  it("says how it is read in a way that an old Node does not take for its own flag", () => {
    for (const page of [text, read("docs/operating.md"), read("docs/hosting.md")]) {
      assertMatch(page, /--env-file=/);
      assert(!/--env-file /.test(page.replace('"--env-file start"', "")));
    }
  });

  it("documents nothing else", () => {
    const known = [...SETTING_NAMES, ...secrets, ...composeVariables];
    const unknown = documented.map(({ name }) => name)
      .filter((name) => !known.includes(name) && !name.startsWith("WEBHOOK_SECRET_"));
    assertEquals(unknown, []);
  });

  it("sets nothing by itself, and names the defaults as they are", () => {
    assertEquals(all(text, /^([^#\s].*)$/gm), []);
    const defaults = Object.fromEntries(
      documented.filter(({ name }) => SETTING_NAMES.includes(name))
        .map(({ name, value }) => [name, value]),
    );
    // The models' settings have no meaning until one is chosen.
    const models: Record<string, string>[] = [
      { OPENAI_API_KEY: "a key" },
      { USE_OLLAMA: "true" },
      { USE_GEMINI: "true", GOOGLE_API_KEY: "a key" },
      { ANTHROPIC_API_KEY: "a key", OPEN_AI_BASE: "" },
    ];
    for (const model of models) {
      const { variableNames: _, secretsFrom: _from, ...said } = readConfig({
        ...defaults,
        ...model,
      });
      const { variableNames: _none, secretsFrom: _of, ...silent } = readConfig(model);
      assertEquals(said, silent);
    }
    for (const [, name, value] of composeText.matchAll(/\$\{([A-Z]+_PORT):-([^}]*)\}/g)) {
      assertEquals(documented.find((each) => each.name === name)?.value, value, name);
    }
  });
});

describe("compose.yaml", () => {
  it("has the full size, and every service is watched and comes back", () => {
    assertEquals(sorted(Object.keys(compose.services)), [
      "postgres",
      "proxy",
      "redis",
      "web",
      "worker",
    ]);
    for (const [name, service] of Object.entries(compose.services)) {
      assertEquals(service.restart, "unless-stopped", name);
      assertMatch(service.healthcheck?.test[0] ?? "", /^CMD(-SHELL)?$/, name);
      assertGreater(service.healthcheck!.test.length, 1, name);
    }
  });

  it("pins the images it does not build, and keeps what they store", () => {
    for (const service of [proxy, postgres, redis]) {
      assertMatch(service.image, /^[a-z]+:\d+\.\d+(\.\d+)?-alpine$/);
      const named = service.volumes!.map((volume) => volume.split(":")[0])
        .filter((volume) => volume in compose.volumes);
      assertEquals(named.length, 1, service.image);
    }
  });

  it("has a Redis that may take messages while PostgreSQL is away", () => {
    const setting = (name: string) => redis.command![redis.command!.indexOf(`--${name}`) + 1];
    assertEquals(setting("appendonly"), "yes");
    assertEquals(setting("appendfsync"), "always");
    assertEquals(setting("maxmemory-policy"), "noeviction");
  });

  it("lets the world reach the proxy only, and by default this machine only", () => {
    const open = Object.entries(compose.services).filter(([, { ports }]) => ports !== undefined);
    assertEquals(open.map(([name]) => name), ["proxy"]);
    for (const port of proxy.ports!) assertMatch(port, /^\$\{[A-Z_]+:-127\.0\.0\.1:\d+\}:\d+/);
    assertEquals(compose.networks.stores?.internal, true);
    assertEquals([...postgres.networks, ...redis.networks], ["stores", "stores"]);
    assertEquals(web.environment!.TRUST_PROXY, "${TRUST_PROXY:-1}");
  });

  it("runs one image as two commands that may do no more than the tasks", () => {
    assertEquals(web.image, worker.image);
    assertEquals(web.command, undefined);
    assertEquals(worker.command, [
      "run",
      ...IMAGE_FLAGS,
      ...taskFlags("worker.ts"),
      "worker.ts",
    ]);
    assertEquals(worker.healthcheck!.test, ["CMD", "deno", ...worker.command!, "--check"]);
    assertEquals(web.healthcheck!.test, [
      "CMD",
      ...JSON.parse(last("HEALTHCHECK").split("CMD")[1]),
    ]);
    for (const service of [web, worker]) {
      assertEquals(service.read_only, true);
      assertEquals(service.cap_drop, ["ALL"]);
      // A condition would keep Otto from starting, and receiving, while a store is ill.
      assertEquals(service.depends_on, ["postgres", "redis"]);
    }
  });
});

describe("the Dockerfile", () => {
  it("builds on one exact version of Deno", () => {
    const images = instructions("FROM").map((rest) => rest.split(" ")[0]);
    const versions = images.map((image) =>
      /^denoland\/deno:(?:distroless-)?(\d+\.\d+\.\d+)$/.exec(image)?.[1]
    );
    assertEquals(sorted(versions.map(String)).length, 1, images.join());
    assert(versions[0]);
    assertMatch(instructions("RUN").join("\n"), /\bdeno ci\b/);
  });

  it("runs as nobody in particular, and says whether it is well", () => {
    assertMatch(last("USER"), /^[1-9]\d*:0$/);
    // A user that a platform chose is in group 0 alone: docs.openshift.com, "Creating images".
    assertMatch(instructions("RUN").join("\n"), /chmod 2?77\d \/data/);
    assertMatch(instructions("COPY").join("\n"), /--chown=[1-9]\d*:0 \/data \/data/);
    assertEquals(
      dockerfile.findLastIndex(({ name }) => name === "COPY") + 1,
      dockerfile.findIndex(({ name }) => name === "USER"),
    );
    assertMatch(last("HEALTHCHECK"), /--timeout=\d+s .*health\.ts/);
    assertMatch(last("ENV"), /HOST=0\.0\.0\.0 .*OTTO_DATA_DIR=\/data/);
  });

  it("starts what `deno task start` starts, on its own data folder", () => {
    assertEquals(JSON.parse(last("CMD")), [
      "run",
      ...IMAGE_FLAGS,
      ...taskFlags("main.ts", undefined, "/data"),
      "main.ts",
    ]);
  });

  it("gives nobody all permissions, other programs or native code", () => {
    for (const text of [read("Dockerfile"), composeText]) {
      assertEquals(/(^|[\s"])(-A|--allow-(all|run|ffi|import))\b/m.test(text), false);
    }
  });

  it("copies all that the program needs, and nothing else", () => {
    const copied = instructions("COPY").filter((rest) => !rest.startsWith("--from"))
      .flatMap((rest) => rest.split(/\s+/).slice(0, -1));
    for (const path of copied) assert(existsSync(`${root}/${path}`), `${path} is not there`);
    const imported = ["main.ts", "worker.ts", "otto.ts"]
      .flatMap((path) => all(read(path), /from "\.\/([^"/]+)/g));
    assertEquals(
      sorted(copied),
      sorted([
        ...imported,
        // What the rooms import of each other.
        "sources",
        "main.ts",
        "worker.ts",
        "otto.ts",
        "deno.json",
        "deno.lock",
        "package.json",
        "deploy/health.ts",
      ]),
    );
    const ignore = read(".dockerignore").split("\n").filter((line) => /^[^#]/.test(line));
    assertEquals(ignore[0], "*");
    assertEquals(sorted(ignore.slice(1)), sorted(copied.map((path) => `!${path}`)));
  });
});

describe("the reverse proxy", () => {
  const text = read("deploy/Caddyfile").replace(/^\s*#.*\n/gm, "");
  const seconds = (name: string) => all(text, new RegExp(`\\b${name} (\\d+)s`, "g")).map(Number);

  it("gives every connection a time, on both ports", () => {
    assertEquals(all(text, /servers (\S+) \{/g), [":80", ":443"]);
    assertEquals(seconds("read_header"), [10, 10]);
    assertEquals(seconds("idle"), [60, 60]);
    assertEquals(all(text, /max_header_size (\S+)/g), ["16KiB", "16KiB"]);
    // With more protocols, a silent connection on the plain port is never closed.
    assertEquals(all(text, /protocols (.*)/g), ["h1", "h1 h2 h3"]);
  });

  it("lets Otto answer a slow body first: when Caddy gives up, its answer may be an empty 200", () => {
    const otto = Number(
      /READ_MS = ([\d_]+)/.exec(read("handlers/webhook/body.ts"))![1].replaceAll("_", ""),
    );
    for (const body of seconds("read_body")) {
      assertGreater(body, seconds("read_header")[0] + seconds("lb_try_duration")[0] + otto / 1000);
    }
    assertEquals(seconds("read_body").length, 2);
  });

  it("lets Otto's largest body through, and believes no client's X-Forwarded-For", () => {
    const [size] = all(text, /max_size (\d+)MiB/g).map(Number);
    assertGreater(size * 1024 * 1024, MOST_BODY_BYTES);
    assertEquals(/trusted_proxies|X-Forwarded/.test(text), false);
  });
});

describe("the Kubernetes manifest", () => {
  interface Manifest {
    kind: string;
    metadata: { name: string };
    // deno-lint-ignore no-explicit-any -- many shapes
    spec?: any;
  }
  const manifests = parseAllDocuments(read("deploy/kubernetes.yaml"))
    .map((document) => document.toJS() as Manifest);
  const deployments = manifests.filter(({ kind }) => kind === "Deployment");

  it("runs as any user on a read-only system, and is watched by what one process knows", () => {
    assertEquals(deployments.map(({ metadata }) => metadata.name), ["otto-web", "otto-worker"]);
    for (const { spec } of deployments) {
      const pod = spec.template.spec;
      assertEquals(pod.securityContext.runAsNonRoot, true);
      assertEquals(pod.securityContext.runAsUser, undefined);
      const [container] = pod.containers;
      assertEquals(container.securityContext.readOnlyRootFilesystem, true);
      assertEquals(container.securityContext.capabilities, { drop: ["ALL"] });
      for (const probe of ["startupProbe", "readinessProbe", "livenessProbe"]) {
        assert([undefined, "/health"].includes(container[probe]?.httpGet.path), probe);
      }
    }
    assertEquals(deployments[1].spec.template.spec.containers[0].args, worker.command);
  });

  it("has a budget and a scale that name what is there", () => {
    const names = deployments.map(({ metadata }) => metadata.name);
    const budgets = manifests.filter(({ kind }) => kind === "PodDisruptionBudget");
    assertEquals(budgets.map(({ metadata }) => metadata.name), names);
    const [scale] = manifests.filter(({ kind }) => kind === "HorizontalPodAutoscaler");
    assert(names.includes(scale.spec.scaleTargetRef.name));
    assert(read("handlers/metrics.ts").includes(scale.spec.metrics[0].external.metric.name));
  });
});
