/**
 * `deno task bench-subjects`: what subjects and tasks that continue cost where messages are settled.
 *
 * @module
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readConfig } from "../lib/config/config.ts";
import { storeMessages } from "../lib/message/insert.ts";
import { createLog } from "../lib/process/log.ts";
import { openServices, type Services } from "../lib/services.ts";
import { newId } from "../lib/store/id.ts";
import { createMessageStep } from "../lib/work/messages.ts";
import { startPostgres } from "../tests/servers/postgres.ts";

const HELP = `What subjects and tasks that continue cost where messages are settled.

  deno task bench-subjects [--rounds 40] [--size embedded|postgres]

Settles 64 of GitHub's messages at a time, from the claim to their tasks, in turns: without subjects,
with them ("later": "apart"), and with tasks that continue. Each has a database of its own. A row
is a kind of 64 messages, and a figure the lower quartile of its turns (what others take of the
machine only adds), as a share of that without subjects.
`;

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "40" },
    size: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

const AT_ONCE = 64;
const WARM_UP = 5;
const RULES = {
  none: { github: { subject: false } },
  apart: {},
  continue: { github: { later: "continue" } },
};
type Rule = keyof typeof RULES;
/** Each about something of its own; one more about each of those; pairs of both in one batch. */
const KINDS = ["opening", "joining", "both at once"] as const;
type Kind = typeof KINDS[number];

function messageAbout(number: number, event: "issues" | "issue_comment") {
  const payload = {
    action: event === "issues" ? "opened" : "created",
    issue: {
      number,
      title: "It crashes",
      body: "On start, every time. ".repeat(40),
      user: { id: 5 },
    },
    ...(event === "issue_comment"
      ? { comment: { id: number, body: "Me, too. ".repeat(40), author_association: "MEMBER" } }
      : {}),
    repository: { id: 1, full_name: "octo/phone" },
    sender: { login: "ada" },
  };
  return {
    id: newId(),
    webhookType: "github",
    source: "github",
    verification: "verified" as const,
    envelope: {
      url: "http://localhost/webhook/github",
      client_ip: "127.0.0.1",
      delivery_id: newId(),
      headers: [["content-type", "application/json"], ["x-github-event", event]] as [
        string,
        string,
      ][],
    },
    body: new TextEncoder().encode(JSON.stringify(payload)),
    receivedAt: new Date(),
  };
}

/** 64 messages of a kind, in one round; what is joined was opened before. */
function messagesOf(kind: Kind, round: number) {
  const first = round * AT_ONCE + 1;
  const numbers = Array.from({ length: AT_ONCE }, (_, at) => first + at);
  if (kind === "opening") return numbers.map((number) => messageAbout(number, "issues"));
  if (kind === "joining") return numbers.map((number) => messageAbout(number, "issue_comment"));
  return numbers.map((number, at) =>
    messageAbout(1_000_000 + number - at % 2, at % 2 === 0 ? "issues" : "issue_comment")
  );
}

/** @returns how long it took, in ms. */
async function settle(services: Services, kind: Kind, round: number): Promise<number> {
  await storeMessages(services.database, messagesOf(kind, round));
  const step = createMessageStep(services, { worker: "bench", done: () => {} });
  const began = performance.now();
  for (let taken = 0; taken < AT_ONCE;) {
    taken += await step.takeMessages(0, new AbortController().signal);
  }
  return performance.now() - began;
}

function quartile(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[times.length >> 2];
}

async function measure(size: string, database: () => Promise<Record<string, string>>) {
  const folder = await mkdtemp(join(tmpdir(), "otto-bench-"));
  const stop = new AbortController();
  const opened = new Map<Rule, Services>();
  try {
    for (const [rule, rules] of Object.entries(RULES) as [Rule, unknown][]) {
      const SOURCES_FILE = join(folder, `${rule}.json`);
      await writeFile(SOURCES_FILE, JSON.stringify(rules));
      const config = readConfig({ LOG_LEVEL: "silent", SOURCES_FILE, ...await database() });
      const services = await openServices(config, createLog("silent"), stop.signal);
      await services.ready;
      opened.set(rule, services);
    }
    const times = new Map<string, number[]>();
    for (let round = 0; round < WARM_UP + Number(options.rounds); round++) {
      for (const kind of KINDS) {
        for (const [rule, services] of opened) {
          const ms = await settle(services, kind, round);
          const name = `${kind} ${rule}`;
          if (round >= WARM_UP) times.set(name, [...times.get(name) ?? [], ms]);
        }
      }
    }
    for (const kind of KINDS) {
      const [none, apart, continues] = (Object.keys(RULES) as Rule[])
        .map((rule) => quartile(times.get(`${kind} ${rule}`)!));
      console.log(
        `| ${size} | ${kind} | ${none.toFixed(1)} ms | ${(apart / none).toFixed(2)} | ${
          (continues / none).toFixed(2)
        } |`,
      );
    }
  } finally {
    stop.abort();
    for (const services of opened.values()) await services[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  }
}

async function main(): Promise<void> {
  const postgres = await startPostgres();
  try {
    console.log("| size | 64 messages | without subjects | with them | that continue |");
    console.log("| ---- | ----------- | ---------------: | --------: | ------------: |");
    if ((options.size ?? "embedded") === "embedded") {
      await measure("embedded", () => Promise.resolve({ OTTO_DATA_DIR: ":memory:" }));
    }
    if ((options.size ?? "postgres") === "postgres") {
      if (!postgres) throw new Error("This needs PostgreSQL, or --size embedded");
      await measure("Postgres", async () => ({ DATABASE_URL: await postgres.createDatabase() }));
    }
  } finally {
    await postgres?.stop();
  }
}

if (options.help) console.log(HELP);
else await main();
