import type postgres from "postgres";
import { type Cluster, DATABASE, type Part } from "./cluster.ts";
import type { Random } from "./random.ts";
import type { SmallDisk } from "./small_disk.ts";

/** What a fault may lay its hands on. */
export interface Stage {
  cluster: Cluster;
  /** Undefined where we may not mount one. */
  disk?: SmallDisk;
  random: Random;
  /** Resolves when the fault has lasted long enough. */
  lasted: Promise<void>;
}

/** One kind of fault. */
export interface FaultKind {
  /** Two at a time have two targets. */
  target: "web" | "worker" | "postgres" | "redis" | "all";
  /** How long it lasts, in seconds: chance says what in between. */
  seconds: [least: number, most: number];
  /** Makes it, waits for `lasted`, and sets everything right. */
  make(stage: Stage): Promise<void>;
  needsDisk?: true;
}

/** A worker's lease has to run out while it is frozen, so that its work is taken over. */
const PAST_A_LEASE: [number, number] = [9, 12];

const killed = (parts: (cluster: Cluster) => readonly Part[]): FaultKind["make"] => (stage) =>
  stage.random.pick(parts(stage.cluster)).disturb(async (part) => {
    await part.kill();
    await stage.lasted;
  });

const stopped = (parts: (cluster: Cluster) => readonly Part[]): FaultKind["make"] => (stage) =>
  stage.random.pick(parts(stage.cluster)).disturb(async (part) => {
    await part.process.kill("SIGTERM");
    await stage.lasted;
  });

const frozen = (parts: (cluster: Cluster) => readonly Part[]): FaultKind["make"] => (stage) =>
  stage.random.pick(parts(stage.cluster)).disturb(async ({ process }) => {
    process.freeze();
    await stage.lasted;
    process.thaw();
  });

const webs = (cluster: Cluster) => cluster.webs;
const workers = (cluster: Cluster) => cluster.workers;

/** All kinds of faults, by name. */
const FAULTS = {
  "web killed": { target: "web", seconds: [0, 3], make: killed(webs) },
  "web stopped": { target: "web", seconds: [0, 2], make: stopped(webs) },
  "web frozen": { target: "web", seconds: [2, 8], make: frozen(webs) },
  "worker killed": { target: "worker", seconds: [0, 9], make: killed(workers) },
  "worker stopped": { target: "worker", seconds: [0, 2], make: stopped(workers) },
  "worker frozen": { target: "worker", seconds: PAST_A_LEASE, make: frozen(workers) },

  "postgres killed": {
    target: "postgres",
    seconds: [0, 4],
    async make({ cluster: { postgres }, lasted }) {
      await postgres.kill();
      await lasted;
      await postgres.restart();
    },
  },
  "postgres restarted": {
    target: "postgres",
    seconds: [0, 0],
    make: ({ cluster }) => cluster.postgres.restart(),
  },
  "postgres frozen": {
    target: "postgres",
    seconds: [2, 8],
    async make({ cluster: { postgres }, lasted }) {
      await postgres.freeze();
      await lasted;
      await postgres.thaw();
    },
  },
  "postgres disconnected": {
    target: "postgres",
    seconds: [0, 0],
    make: ({ cluster }) => cluster.asAdmin(endSessions),
  },
  /** The server itself turns read-only and back, as a primary does whose disk is nearly full. */
  "postgres read-only": {
    target: "postgres",
    seconds: [2, 6],
    async make({ cluster: { asAdmin }, lasted }) {
      await asAdmin(async (sql) => {
        await sql`alter system set default_transaction_read_only = on`;
        await sql`select pg_reload_conf()`;
        await endSessions(sql);
      });
      await lasted;
      await asAdmin(async (sql) => {
        await sql`alter system reset default_transaction_read_only`;
        await sql`select pg_reload_conf()`;
      });
    },
  },
  /** Whoever connects meanwhile reaches the demoted node: such a session is read-only till its end. */
  "postgres failed over": {
    target: "postgres",
    seconds: [2, 6],
    async make({ cluster: { asAdmin }, lasted }) {
      await asAdmin(async (sql) => {
        await sql`alter database ${sql(DATABASE)} set default_transaction_read_only = on`;
        await endSessions(sql);
      });
      await lasted;
      await asAdmin((sql) =>
        sql`alter database ${sql(DATABASE)} reset default_transaction_read_only`
      );
    },
  },
  "postgres full": {
    target: "postgres",
    seconds: [2, 6],
    needsDisk: true,
    async make({ cluster, disk, lasted }) {
      try {
        await disk!.fill(cluster);
        await lasted;
      } finally {
        await disk!.empty(cluster);
      }
    },
  },

  "redis killed": {
    target: "redis",
    seconds: [0, 4],
    async make({ cluster: { redis }, lasted }) {
      await redis.kill();
      await lasted;
      await redis.restart();
    },
  },
  "redis restarted": {
    target: "redis",
    seconds: [0, 0],
    make: ({ cluster }) => cluster.redis.restart(),
  },
  "redis frozen": {
    target: "redis",
    seconds: [2, 8],
    async make({ cluster: { redis }, lasted }) {
      await redis.freeze();
      await lasted;
      await redis.thaw();
    },
  },
  /** A replica of nobody: it answers READONLY to whoever writes, and keeps what it has. */
  "redis read-only": {
    target: "redis",
    seconds: [2, 6],
    async make({ cluster: { askRedis }, lasted }) {
      await askRedis("REPLICAOF", "127.0.0.1", "1");
      await lasted;
      await askRedis("REPLICAOF", "NO", "ONE");
    },
  },
  /** It may grow no more and evicts nothing: OOM to whoever writes. */
  "redis full": {
    target: "redis",
    seconds: [2, 6],
    async make({ cluster: { askRedis }, lasted }) {
      await askRedis("CONFIG", "SET", "maxmemory", "1");
      await lasted;
      await askRedis("CONFIG", "SET", "maxmemory", "0");
    },
  },

  /** The machine lost its processes: the stores come back in any order, then Otto. */
  "everything killed": {
    target: "all",
    seconds: [0, 2],
    async make({ cluster, random, lasted }) {
      const { postgres, redis } = cluster;
      const stores = random.shuffle([postgres, redis]);
      await disturbAll([...cluster.webs, ...cluster.workers], async () => {
        await Promise.all(stores.map((store) => store.kill()));
        await lasted;
        for (const store of stores) await store.restart();
      });
    },
  },
} satisfies Record<string, FaultKind>;

export type FaultName = keyof typeof FAULTS;

export const FAULT_NAMES = Object.keys(FAULTS) as FaultName[];

/** The kind with a name; its optional properties, too. */
export function kindOf(name: FaultName): FaultKind {
  return FAULTS[name];
}

/** Kills all parts, does something while they are down, and lets them come back together. */
async function disturbAll(parts: readonly Part[], meanwhile: () => Promise<void>): Promise<void> {
  let down = 0;
  let allDown = () => {};
  const isDown = new Promise<void>((resolve) => allDown = resolve);
  const done = isDown.then(meanwhile);
  await Promise.all(parts.map((part) =>
    part.disturb(async (running) => {
      await running.kill();
      if (++down === parts.length) allDown();
      await done;
    })
  ));
}

/** Ends everybody's sessions in Otto's database. */
async function endSessions(sql: postgres.Sql): Promise<void> {
  await sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = ${DATABASE} and pid <> pg_backend_pid()`;
}
