import { assert, assertEquals } from "@std/assert";
import { afterAll, beforeAll, it } from "@std/testing/bdd";
import { connect, type Database, type Sql } from "../../lib/store/database.ts";
import { migrate } from "../../lib/store/schema/migrate.ts";
import { openServer } from "../../lib/store/server/server.ts";
import { WINDOW } from "../../lib/store/walk.ts";
import { type Phase, PHASES } from "../../lib/message/search/phase.ts";
import { MESSAGE_STATES } from "../../lib/message/message.ts";
import type { MessageSearch } from "../../lib/message/search/criteria.ts";
import { countMessages, findMessageIds, searchMessages } from "../../lib/message/search/search.ts";
import { listSubjectEntries } from "../../lib/message/subject/timeline.ts";
import { NOTIFICATION_STATES } from "../../lib/notify/notification.ts";
import { type NotificationSearch, searchNotifications } from "../../lib/notify/search.ts";
import { searchTasks, type TaskSearch } from "../../lib/task/search.ts";
import { TASK_PHASES } from "../../lib/message/search/phase.ts";
import { TASK_STATUSES } from "../../lib/task/task.ts";
import { createLog } from "../../lib/process/log.ts";
import { describeWith } from "../servers/mod.ts";

/** So many that a server would rather go along an index than read them all. */
const ROWS = 200_000;
const LARGE = ["messages", "tasks", "notifications"];
/**
 * What one statement may look at in each table, in windows: to find what matches and then where it
 * stopped, in two parts where a name may be that of a source or of none.
 */
const MOST_WINDOWS = 5;

const idOf = (letter: string, number: number) =>
  `01900000-${letter}000-7000-8000-${number.toString(16).padStart(12, "0")}`;
const messageId = (number: number) => idOf("0", number);
/** Of so many messages that no page has them all. */
const LARGE_SUBJECT = idOf("5", 1);
const taskId = (number: number) => idOf("1", number);

/** A node of a plan, as PostgreSQL's `FORMAT JSON` says it. */
interface PlanNode {
  "Node Type": string;
  "Relation Name"?: string;
  "Actual Rows": number;
  "Actual Loops": number;
  "Rows Removed by Filter"?: number;
  Plans?: PlanNode[];
}

interface Statement {
  text: string;
  nodes: PlanNode[];
}

describeWith({ postgres: "own" }, "a search in 200,000 rows", (servers) => {
  let sql: Sql;
  let database: Database;
  const statements: Statement[] = [];

  beforeAll(async () => {
    const url = await servers.postgres.createDatabase();
    await using empty = openServer({ url, log: createLog("silent") });
    await migrate(empty, createLog("silent"));
    sql = connect(url, { max: 1, onnotice: ({ message }) => hear(message ?? "") });
    database = {
      kind: "postgres",
      query: async (_what, statement) => await statement(sql),
      listen: () => Promise.resolve(),
      remarks: () => [],
      [Symbol.asyncDispose]: () => sql.end(),
    };
    await fill(sql);
    // Every statement tells its own plan, as it was run.
    await sql.unsafe(`
      load 'auto_explain'; set auto_explain.log_min_duration = 0; set auto_explain.log_analyze = on;
      set auto_explain.log_timing = off; set auto_explain.log_format = json;
      set auto_explain.log_level = notice; set client_min_messages = notice`);
  });
  afterAll(async () => await database?.[Symbol.asyncDispose]());

  function hear(notice: string): void {
    const [, plan] = /plan:\s*(\{[\s\S]*\})/.exec(notice) ?? [];
    if (!plan) return;
    const { "Query Text": text, Plan } = JSON.parse(plan);
    const nodesOf = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];
    statements.push({ text, nodes: nodesOf(Plan) });
  }

  /** Searches, and looks at the plans of all that was asked for it. */
  async function planned(
    name: string,
    search: () => Promise<unknown>,
    window = WINDOW,
  ): Promise<void> {
    statements.length = 0;
    await search();
    assert(statements.length > 0, "no plan was heard");
    assert(statements.length <= 2, `${name} takes ${statements.length} statements`);
    for (const { text, nodes } of statements) {
      for (const table of LARGE) {
        const its = nodes.filter((node) => node["Relation Name"] === table);
        const scan = its.find((node) => node["Node Type"].includes("Seq Scan"));
        assert(!scan, `${name} scans ${table}: ${text}`);
        const looked = its.reduce((sum, node) =>
          sum +
          (node["Actual Rows"] + (node["Rows Removed by Filter"] ?? 0)) * node["Actual Loops"], 0);
        assert(
          looked <= MOST_WINDOWS * window,
          `${name} looks at ${looked} rows of ${table}: ${text}`,
        );
      }
    }
  }

  const messages = async (search: MessageSearch) =>
    await searchMessages(database, search, { limit: 50, sources: ["github", "stripe", "generic"] });

  async function alone<T extends object>(
    filters: readonly T[],
    search: (one: T) => Promise<unknown>,
  ): Promise<void> {
    for (const one of filters) await planned(JSON.stringify(one), () => search(one));
  }

  async function inPairs<T extends object>(
    filters: readonly T[],
    search: (pair: T) => Promise<unknown>,
  ): Promise<void> {
    for (const [index, one] of filters.entries()) {
      for (const other of filters.slice(index + 1)) {
        if (Object.keys(one)[0] === Object.keys(other)[0]) continue;
        const pair = { ...one, ...other };
        await planned(JSON.stringify(pair), () => search(pair));
      }
    }
  }

  const MESSAGE_FILTERS: MessageSearch[] = [
    { state: "failed" },
    { state: "processed" },
    { phase: "needs_you" },
    { phase: "failed" },
    { phase: "done" },
    { source: "github" },
    { source: "twilio" },
    { source: "acme" },
    { webhook_type: "demo" },
    { verification: "rejected" },
    { text: "nothing has this" },
    { text: "192.0.2" },
    { body: "nothing has this" },
    { header: "nothing has this" },
    { task_id: taskId(100) },
    { replay_of: messageId(1) },
    { batch: [messageId(1_000), messageId(150_000)] },
    { since: new Date(0) },
    { until: new Date("2300-01-01") },
    { before: messageId(100_000) },
  ];

  it("counts along an index of messages for every filter and every two", async () => {
    const count = (search: MessageSearch) => countMessages(database, search);
    const counted = MESSAGE_FILTERS.filter(({ body, header }) => !body && !header);
    await alone<MessageSearch>([{}, ...counted], count);
    await inPairs(counted, count);
    const told = async (search: MessageSearch) => {
      const { count, more, bars } = (await countMessages(database, search))!;
      return [count, more, bars.reduce((all, each) => all + each, 0)];
    };
    assertEquals(await told({}), [WINDOW, true, WINDOW]);
    assertEquals(await told({ source: "twilio" }), [5, false, 5]);
    assertEquals(await told({ phase: "needs_you" }), [1, false, 1]);
    assertEquals(await told({ replay_of: messageId(1) }), [2, false, 2]);
    assertEquals(await told({ text: "nothing has this" }), [0, true, 0]);
    assertEquals(await told({ replay_of: messageId(99) }), [0, false, 0]);
  });

  it("goes along an index of messages for every filter, and looks at so many", async () => {
    await alone<MessageSearch>([
      {},
      ...MESSAGE_STATES.map((state) => ({ state })),
      { state: "taken" },
      ...PHASES.map((phase) => ({ phase })),
      { source: "stripe" },
      { source: "generic" },
      { source: "demo" },
      { text: messageId(77).slice(0, 13) },
      { text: taskId(100) },
      ...MESSAGE_FILTERS,
    ], messages);
  });

  it("goes along an index of messages for every two filters", async () => {
    await inPairs(MESSAGE_FILTERS, messages);
  });

  it("goes on so when the server keeps a plan for whatever is asked", async () => {
    // A prepared statement has a plan of its own for five times; then one for all values.
    for (let time = 0; time < 7; time++) await messages({ source: "github" });
    await planned("a source that is rare", () => messages({ source: "twilio" }));
  });

  it("finds by a key however much came later", async () => {
    const ids = async (search: MessageSearch) =>
      (await messages(search)).items.map(({ message_id }) => message_id);
    assertEquals(await ids({ replay_of: messageId(1) }), [messageId(3), messageId(2)]);
    assertEquals(await ids({ task_id: taskId(100) }), [messageId(100)]);
    assertEquals((await ids({ source: "twilio" })).length, 5);
    assertEquals(await ids({ source: "twilio", state: "failed" }), [messageId(1)]);
    assertEquals(await ids({ phase: "needs_you" }), [messageId(10)]);
    assertEquals(await ids({ phase: "needs_you", source: "github" }), [messageId(10)]);
    assertEquals(await ids({ phase: "held" }), [messageId(20)]);
  });

  it("says where it stopped, and goes on from there to the end", async () => {
    const found: string[] = [];
    let before: string | undefined;
    for (let search = 0; search < ROWS / WINDOW; search++) {
      const { items, next, stopped } = await messages({ text: "needle", before });
      found.push(...items.map(({ message_id }) => message_id));
      assertEquals([next, stopped?.looked], [messageId(ROWS - (search + 1) * WINDOW + 1), WINDOW]);
      before = next;
    }
    assertEquals(found, [messageId(7)]);
    assertEquals(await messages({ text: "needle", before }), { items: [] });
  });

  it("goes along an index for what a replay of many would take", async () => {
    for (const search of MESSAGE_FILTERS) {
      await planned(
        `a replay of ${JSON.stringify(search)}`,
        () => findMessageIds(database, search, { most: 1_000, upTo: messageId(150_000) }),
        2 * WINDOW,
      );
    }
  });

  it("goes along an index of tasks for every filter and every two", async () => {
    const [{ id: assigned_to }] = await sql<{ id: string }[]>`
      select id from users where name = 'Ann'`;
    const [{ id: system }] = await sql<{ id: string }[]>`
      select id from users where name <> 'Ann'`;
    const filters: TaskSearch[] = [
      ...(["open", ...TASK_STATUSES] as const).map((status) => ({ status })),
      ...TASK_PHASES.map((phase) => ({ phase })),
      { source: "twilio" },
      { source: "github" },
      { assigned_to },
      { assigned_to: system },
      { text: "nothing has this" },
      { text: taskId(77) },
      { batch: [messageId(1_000), messageId(1_100)] },
      { batch: [messageId(1_000), messageId(150_000)] },
      { since: new Date(0) },
      { before: taskId(100_000) },
    ];
    const tasks = (search: TaskSearch) => searchTasks(database, search, 50);
    await alone<TaskSearch>([{}, ...filters], tasks);
    await inPairs(filters, tasks);
    const { items } = await tasks({ status: "open", assigned_to });
    assertEquals(items.at(-1)?.id, taskId(10));
  });

  it("groups by subject along an index, for every filter", async () => {
    const filters = MESSAGE_FILTERS.filter(({ body, header }) => !body && !header);
    const groupedBy = (search: MessageSearch) => messages({ ...search, group: "subject" });
    await alone<MessageSearch>([{}, ...filters], groupedBy);
    await inPairs(filters, groupedBy);
    await alone<TaskSearch>(
      [{}, { status: "open" }, { phase: "failed" }, { text: "nothing has this" }],
      (search) => searchTasks(database, { ...search, group: "subject" }, 50),
    );
  });

  it("reads a page of a subject of ten thousand messages along its index", async () => {
    for (const before of [undefined, messageId(105_000), messageId(1)]) {
      await planned(
        `a page before ${before}`,
        () => listSubjectEntries(database, { subjectId: LARGE_SUBJECT, before, limit: 50 }),
        51,
      );
    }
    const { items } = await listSubjectEntries(database, { subjectId: LARGE_SUBJECT, limit: 50 });
    assertEquals(items.length, 50);
  });

  it("has one row for each subject, on whichever page, and one for what is about none", async () => {
    for (const source of [undefined, "generic"]) {
      const found: string[] = [];
      let before: string | undefined;
      do {
        const { items, next } = await searchMessages(
          database,
          { source, group: "subject", before },
          { limit: 5_000, sources: [] },
        );
        found.push(...items.map(({ message_id }) => message_id));
        before = next;
      } while (before);
      const wanted = (await sql<{ id: string }[]>`
        select id from (
          select distinct on (coalesce(subject_id, id)) id from messages
          where ${source ?? null}::text is null or source = ${source ?? null}
          order by coalesce(subject_id, id), id desc) newest
        order by id desc`).map(({ id }) => id);
      assert(wanted.length > 1_000 && wanted.length < ROWS * 0.6, `${wanted.length} rows`);
      assertEquals(found.length, wanted.length);
      assertEquals(found, wanted);
    }
  });

  it("goes along an index of notifications for every filter and every two", async () => {
    const filters: NotificationSearch[] = [
      ...NOTIFICATION_STATES.map((state) => ({ state })),
      { unread: true },
      { channel: "slack" },
      { task_id: taskId(100) },
      { before: idOf("2", 100_000) },
    ];
    const notifications = (search: NotificationSearch) => searchNotifications(database, search, 50);
    await alone<NotificationSearch>([{}, ...filters], notifications);
    await inPairs(filters, notifications);
  });

  it("finds every message of a phase once where more tasks are open than it looks at", async () => {
    await sql`
      update tasks set status = 'pending', finished_at = null
      where id > ${taskId(ROWS - 13_000)} and status = 'completed'`;
    await sql`analyze tasks`;
    const whole = async (phase: Phase) => {
      const found: string[] = [];
      let before: string | undefined;
      do {
        await planned(phase, async () => {
          const { items, next } = await searchMessages(database, { phase, before }, {
            limit: 2_000,
            sources: [],
          });
          found.push(...items.map(({ message_id }) => message_id));
          before = next;
        });
      } while (before);
      return found;
    };
    const queued = (await sql<{ id: string }[]>`
      select m.id from messages m left join tasks t on t.id = m.task_id
      where t.status = 'pending' or m.state = 'new' and m.lease_until is null
      order by m.id desc`).map(({ id }) => id);
    assert(queued.length > WINDOW, `only ${queued.length} are queued`);
    assertEquals(await whole("queued"), queued);
    assertEquals(await whole("needs_you"), [messageId(10)]);
  });
});

/** What is rare is old, so that who looks among the newest does not find it. */
async function fill(sql: Sql): Promise<void> {
  const id = (letter: string) =>
    `('01900000-${letter}000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid`;
  await sql.unsafe(`
    insert into users (id, email, name, kind) values
      ('${idOf("3", 1)}', 'webhook@otto.local', 'Webhook', 'system'),
      ('${idOf("3", 2)}', 'ann@example.com', 'Ann', 'person');
    insert into messages (id, webhook_type, source, verification, envelope, body, size, received_at,
      state, lease_until, title, event, task_id, subject_id, replay_of)
    select ${id("0")}, case when source = 'generic' then 'demo' else source end, source,
      case when state = 'rejected' then 'rejected' else 'unverified' end,
      '{"url":"/","client_ip":"198.51.100.7","delivery_id":null,"headers":[]}',
      repeat('{"a":"some text"},', 17), 300, now(), state,
      case when n = 20 then 'infinity'::timestamptz end,
      case when n = 7 then 'A needle' else 'Something ' || n end, 'push',
      case when state = 'processed' then ${id("1")} end,
      -- A third is about nothing, ten thousand about one thing, and the others about it a few each.
      case when n % 3 = 0 then null when n between 100000 and 110000 then '${LARGE_SUBJECT}'::uuid
        else ('01900000-4000-7000-8000-' || lpad(to_hex(n / 8), 12, '0'))::uuid end,
      case when n in (2, 3) then '${messageId(1)}'::uuid
        when n % 50 = 0 then '${messageId(4)}'::uuid end
    from (
      select n, case when n <= 5 then 'twilio' when n % 10 < 6 then 'github'
          when n % 10 < 9 then 'stripe' else 'generic' end as source,
        case when n = 20 then 'new' when n % 100 = 1 then 'failed' when n % 100 in (2, 3, 4)
          then 'filtered' when n % 500 = 11 then 'rejected' when n > ${ROWS} - 500 then 'new'
          else 'processed' end as state
      from generate_series(1, ${ROWS}) n) made;
    insert into tasks (id, message_id, source, title, description, subject_id, status, assigned_to,
      error_code, finished_at)
    select ${id("1")}, ${id("0")}, source, title, 'Process ' || title, subject_id,
      case when n = 10 then 'waiting_input' when n = 12 then 'failed' when n % 100 = 9
        then 'cancelled' when n > ${ROWS} - 2000 then 'pending' else 'completed' end,
      case when n = 10 or n % 1000 = 15 then '${idOf("3", 2)}'::uuid
        else '${idOf("3", 1)}'::uuid end,
      case when n = 12 then 'agent_failed' end, case when n <= ${ROWS} - 2000 and n <> 10 then now() end
    from (select *, ('x' || right(id::text, 8))::bit(32)::int as n from messages
      where state = 'processed') m;
    insert into notifications (id, cause, task_id, channel, destination, kind, text, state, read_at)
    select ${id("2")}, 'task:' || n, id, case when n % 100 = 0 then 'slack' else 'web' end, 'all',
      'completed', title, case when n = 15 then 'dead' when n = 16 then 'pending' else 'sent' end,
      case when n <> 15 then now() end
    from (select *, ('x' || right(id::text, 8))::bit(32)::int as n from tasks) t;
    analyze`);
}
