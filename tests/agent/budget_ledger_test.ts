import { assert, assertEquals } from "@std/assert";
import { it } from "@std/testing/bdd";
import { createHmac } from "node:crypto";
import { settleForgotten } from "../../lib/agent/budget/settlement.ts";
import { work } from "../../lib/work/work.ts";
import { startOpenAi } from "../fakes/openai.ts";
import type { Asked, Say } from "../fakes/server.ts";
import { type Random, randomFor } from "../../bench/storm/random.ts";
import { testFolder } from "../folder.ts";
import { openOtto, type Otto } from "../otto.ts";
import { describeWith, until } from "../servers/mod.ts";
import { type Any, call, finish, JSON_TYPE, SECRET } from "./stage.ts";

const SEEDS = (Deno.env.get("LEDGER_SEEDS") ?? "1,2").split(",").map(Number);
const ACTS = 60;
const PRICE = { input: 0.1, output: 0.7, currency: "EUR" };
const OWN = { steps: 3, output_tokens: 1_000, step_seconds: 1, tokens: 14_000 };
/** A third of what the storm would use. */
const SCARCE = { source: 60_000, micros: 18_000, all: 100_000, subject: 25_000 };

/** What a provider has billed for one task or trial. */
interface Bill {
  tokens: number;
  micros: number;
  /** Whether Otto was told of all of it. */
  isTold: boolean;
}

/** A provider that keeps a ledger of its own, and ends its calls as chance will have it. */
function openLedger(random: Random) {
  const bills = new Map<string, Bill>();
  const gates: (() => void)[] = [];
  const chance = (share: number) => random.next() < share;

  async function answer({ body, text }: Asked): Promise<Say> {
    const owner = /Task ([0-9a-f-]{36})/.exec(text)![1];
    const bill = bills.get(owner) ?? { tokens: 0, micros: 0, isTold: true };
    bills.set(owner, bill);
    const add = (input: number, output: number) => {
      bill.tokens += input + output;
      bill.micros += input * PRICE.input + output * PRICE.output;
    };
    const [input, most] = [Math.ceil(text.length / 4), body.max_completion_tokens];
    // It is away, and bills nothing.
    if (chance(0.05)) return { status: 503 };
    const lost = (say: Say): Say => {
      add(input, most);
      bill.isTold = false;
      return say;
    };
    if (chance(0.05)) return lost({ status: 504 });
    if (chance(0.05)) return lost({ raw: '{"choices":' });
    if (chance(0.05)) return lost("hang");
    const said = !body.tools || chance(0.2)
      ? chance(0.3) ? call("get_payload", {}) : { text: "As far as I got" }
      : chance(0.4)
      ? finish("Done.")
      : call("get_payload", {});
    if (chance(0.1)) {
      // What nobody counts is as long as what was said.
      add(input, Math.ceil(JSON.stringify(said).length / 4));
      bill.isTold = false;
      return { ...said as Any, usage: { prompt_tokens: -7, completion_tokens: 0 } };
    }
    const output = chance(0.5) ? most : random.between(1, most);
    add(input, output);
    if (chance(0.15)) {
      await new Promise<void>((open) => gates.push(open));
    }
    return { ...said as Any, usage: usageOf(input, output, random) };
  }
  return { bills, answer, letGo: () => gates.splice(0).forEach((open) => open()) };
}

/** The same bill in one of the ways that servers tell it in. */
function usageOf(input: number, output: number, random: Random): unknown {
  const part = random.between(0, output - 1);
  const whole = { prompt_tokens: input, completion_tokens: output };
  const ways = [
    whole,
    { ...whole, total_tokens: input + output },
    { ...whole, prompt_tokens_details: { cached_tokens: Math.floor(input / 2) } },
    // Thoughts apart, in the sum alone.
    { prompt_tokens: input, completion_tokens: output - part, total_tokens: input + output },
    { input_tokens: `${input}`, output_tokens: `${output}` },
  ];
  return random.pick(ways);
}

async function sendIssue(otto: Otto, n: number, number: number): Promise<string> {
  const body = JSON.stringify({
    action: "opened",
    issue: { number, title: `It crashes ${n}` },
    repository: { full_name: "o/r" },
    sender: { login: "octocat" },
  });
  return await otto.send("github", body, {
    ...JSON_TYPE,
    "x-github-event": "issues",
    "x-hub-signature-256": `sha256=${createHmac("sha256", SECRET).update(body).digest("hex")}`,
  });
}

/** Does sixty things at random with tasks and trials, while two workers work. */
async function storm(otto: Otto, random: Random, letGo: () => void): Promise<void> {
  const post = async (path: string) => {
    const answer = await otto.ask(path, {
      method: "POST",
      body: "{}",
      headers: JSON_TYPE,
    });
    return await answer.json() as Any;
  };
  const trials: string[] = [];
  const some = async () =>
    random.pick((await (await otto.ask("/api/tasks?limit=100")).json()).items as Any[]);
  for (let n = 0; n < ACTS; n++) {
    const act = random.next();
    if (act < 0.55 || n < 5) {
      if (random.next() < 0.5) await sendIssue(otto, n, random.between(1, 3));
      else await otto.send("demo", `{"n":${n}}`, JSON_TYPE);
    } else if (act < 0.75) {
      const task = await some();
      if (!task) continue;
      const { id } = await post(`/api/messages/${task.message_id}/try`);
      if (id) trials.push(id);
    } else if (act < 0.85) {
      const task = await some();
      if (task) await post(`/api/tasks/${task.id}/cancel`);
    } else if (act < 0.9) await post(`/api/trials/${random.pick(trials)}/cancel`);
    else if (act < 0.95) {
      const task = await some();
      if (task) await post(`/api/tasks/${task.id}/retry`);
    } else letGo();
  }
}

describeWith({ postgres: true }, "a provider's own ledger", (servers) => {
  for (const isScarce of [false, true]) {
    for (const seed of SEEDS) {
      it(`is Otto's, ${isScarce ? "within every budget" : "to the token"}: seed ${seed}`, async () => {
        const random = randomFor("ledger", seed, String(isScarce));
        const { bills, answer, letGo } = openLedger(random);
        await using fake = startOpenAi();
        fake.script = [answer];
        await using folder = await testFolder();
        const rules = isScarce
          ? {
            default: {
              budgets: {
                ...OWN,
                tokens_per_day: SCARCE.source,
                money_per_day: SCARCE.micros / 1e6,
                subject_tokens_per_day: SCARCE.subject,
              },
            },
            all_budgets: { tokens_per_day: SCARCE.all },
          }
          : { default: { budgets: { ...OWN, subject_tokens_per_day: 10_000_000 } } };
        const env = {
          DATABASE_URL: await servers.postgres.createDatabase(),
          OPENAI_API_KEY: "key-4711-4711",
          OPEN_AI_BASE: `${fake.url}/v1`,
          GITHUB_WEBHOOK_SECRET: SECRET,
          AGENT_CONFIG: await folder.write("agent.json", rules),
          AGENT_PRICES: JSON.stringify({ "openai/gpt-5-mini": PRICE }),
        };
        const [otto, other] = [await openOtto(env), await openOtto(env)];
        const stop = new AbortController();
        const working = [otto, other].map(({ services }) => work(services, stop.signal));
        const { database } = otto.services;
        try {
          await storm(otto, random, letGo);
          let rounds = 0;
          await until(async () => {
            letGo();
            const [{ moving, later, reserved }] = await database.query(
              "look",
              (sql) =>
                sql<{ moving: number; later: number; reserved: number }[]>`
                with owned as (
                  select status, not_before from tasks union all
                  select status, not_before from trials)
                select (select count(*)::int from budget_reservations) as reserved,
                  count(*) filter (where status = 'running' or status = 'pending' and
                    coalesce(not_before, now()) <= now())::int as moving,
                  count(*) filter (where status = 'pending')::int as later from owned`,
            );
            if (moving + reserved > 0) return false;
            if (later === 0 || ++rounds > 4) return true;
            await database.query("let time pass", (sql) =>
              sql`
              with waiting as (update trials set not_before = now() where status = 'pending')
              update tasks set not_before = now() where status = 'pending'`);
            otto.services.bells.tasks.ring();
            return false;
          }, { what: "everybody to have ended or to wait", timeoutMs: 90_000 });
          stop.abort();
          await Promise.all(working);
          await settleForgotten(database, "EUR");
          await compare(otto, bills, isScarce);
        } finally {
          stop.abort();
          letGo();
          await Promise.all(working);
          await otto[Symbol.asyncDispose]();
          await other[Symbol.asyncDispose]();
        }
      });
    }
  }
});

/** What one timeline says. */
interface ToldRow {
  id: string;
  source: string;
  subject: string | null;
  tokens: number;
  micros: number;
  lost: number;
}

/** Holds what Otto says against what was billed. */
async function compare(otto: Otto, bills: Map<string, Bill>, isScarce: boolean): Promise<void> {
  const { database } = otto.services;
  const told = await database.query(
    "read the timelines",
    (sql) =>
      sql<ToldRow[]>`
      with every as (
        select e.task_id as id, t.source, t.subject_id as subject, e.kind, e.data
        from task_events e join tasks t on t.id = e.task_id
        union all
        select t.id, t.source, m.subject_id, e->>'kind', e->'data'
        from trials t join messages m on m.id = t.message_id
          cross join jsonb_array_elements(t.events) e)
      select id, source, subject,
        sum(coalesce((data->>'tokens')::int,
          (data->>'input_tokens')::int + (data->>'output_tokens')::int))::int as tokens,
        sum((data->>'micros')::int)::int as micros,
        count(*) filter (where kind = 'call_lost')::int as lost
      from every where kind in ('step', 'call_lost', 'knocked') group by 1, 2, 3`,
  );
  const used = await database.query(
    "add up",
    (sql) =>
      sql<{ source: string; tokens: number; micros: number }[]>`
      select source, sum(tokens)::int as tokens, sum(micros)::int as micros
      from agent_usage group by 1 order by 1`,
  );
  const ofSubjects = await database.query(
    "add up",
    (sql) =>
      sql<{ subject: string; tokens: number }[]>`
      select subject_id as subject, sum(tokens)::int as tokens from subject_usage group by 1`,
  );
  const sum = <Row extends { tokens: number; micros?: number }>(
    rows: readonly Row[],
    by: (row: Row) => boolean,
    unit: "tokens" | "micros" = "tokens",
  ) => rows.filter(by).reduce((all, row) => all + (row[unit] ?? 0), 0);
  for (const { source, tokens, micros } of used) {
    assertEquals([tokens, micros], [
      sum(told, (row) => row.source === source),
      sum(told, (row) => row.source === source, "micros"),
    ], `what ${source} has used is what its timelines say`);
  }
  for (const { subject, tokens } of ofSubjects) {
    assertEquals(tokens, sum(told, (row) => row.subject === subject), "and so of a subject");
  }
  let exact = 0;
  for (const { id, tokens, micros, lost } of told) {
    const bill = bills.get(id) ?? { tokens: 0, micros: 0, isTold: false };
    assert(bill.tokens <= tokens, `${bill.tokens} billed, ${tokens} counted`);
    assert(bill.micros <= micros + 1e-6, `${bill.micros} billed, ${micros} counted`);
    // Of a lost call nobody knows more than what it may have billed.
    if (!bill.isTold || lost > 0) continue;
    assertEquals(tokens, bill.tokens, "what was told is counted to the token");
    exact++;
  }
  const page = (await (await otto.ask("/system")).text()).replaceAll(/<[^>]+>/g, " ")
    .replaceAll(/\s+/g, " ");
  const all = sum(used, () => true);
  for (const { tokens } of [...used, { tokens: all }]) {
    assert(page.includes(` ${tokens.toLocaleString("en")} `), `System shows ${tokens}`);
  }
  assert(exact >= 5, `only ${exact} of ${told.length} went well`);
  if (!isScarce) return;
  assert(all <= SCARCE.all, `${all} of all`);
  for (const { tokens, micros } of used) {
    assert(tokens <= SCARCE.source, `${tokens} of a source`);
    assert(micros <= SCARCE.micros, `${micros} millionths of a source`);
  }
  for (const { tokens } of ofSubjects) assert(tokens <= SCARCE.subject, `${tokens} of a subject`);
}
