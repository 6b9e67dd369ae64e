import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { afterAll, beforeAll, beforeEach, describe, it } from "@std/testing/bdd";
import type { Database, Sql } from "../../lib/store/database.ts";
import { newId } from "../../lib/store/id.ts";
import { completeMessages } from "../../lib/message/complete.ts";
import { storeMessages } from "../../lib/message/insert.ts";
import type { NewMessage } from "../../lib/message/new_message.ts";
import { claimMessages, LEASE_SECONDS } from "../../lib/message/claim.ts";
import { searchNotifications } from "../../lib/notify/search.ts";
import type { Services } from "../../lib/services.ts";
import { searchTasks } from "../../lib/task/search.ts";
import { ensureWebhookUser } from "../../lib/people/user.ts";
import { createWorker, work, type Worker } from "../../lib/work/work.ts";
import { until } from "../servers/mod.ts";

/** What the promise of section 6 leaves after a lease has run out: 10 s in all. */
const TAKEOVER_MS = 10_000 - LEASE_SECONDS * 1_000;

/** One implementation of the queue, with the processes around it. */
export interface Place extends AsyncDisposable {
  /** The services of two processes; where there can be only one, twice the same. */
  readonly processes: readonly [Services, Services];
}

/** A message as a sender of the generic type would send it. */
export function messageOf(
  { id = newId(), body = `{"title":"hello"}`, deliveryId = null, headers = [], ...more }: {
    body?: string | Uint8Array;
    deliveryId?: string | null;
    headers?: [string, string][];
  } & Partial<Omit<NewMessage, "body">> = {},
): NewMessage {
  return {
    id,
    webhookType: "test",
    source: "generic",
    verification: "unverified",
    envelope: {
      url: "http://localhost/webhook/test",
      client_ip: "127.0.0.1",
      delivery_id: deliveryId,
      headers: [["content-type", "application/json"], ...headers],
    },
    body: typeof body === "string" ? new TextEncoder().encode(body) : body,
    receivedAt: new Date(),
    ...more,
  };
}

/** Runs one statement by hand. */
export function ask<T extends object = Record<string, unknown>>(
  { database }: { database: Database },
  statement: (sql: Sql) => PromiseLike<readonly T[]>,
): Promise<readonly T[]> {
  return database.query("look into the store", statement);
}

/** What every queue promises, whichever it is: at least once, worked once. */
export function queueContract(name: string, open: () => Promise<Place>): void {
  describe(`${name} as a queue`, () => {
    let place: Place;
    let here: Services;
    let there: Services;

    beforeAll(async () => {
      place = await open();
      [here, there] = place.processes;
    });
    afterAll(async () => await place?.[Symbol.asyncDispose]());
    beforeEach(async () => {
      await ask(here, (sql) => sql`delete from messages`);
      await ask(here, (sql) => sql`alter table messages alter stored_at set default now()`);
    });

    /** From now on only news brings messages: the floor takes them for too young. */
    const loseTheFloor = () =>
      ask(
        here,
        (sql) => sql`alter table messages alter stored_at set default now() + interval '1 day'`,
      );

    const store = async (count: number): Promise<string[]> => {
      const made = Array.from({ length: count }, (_, n) => messageOf({ body: `{"n":${n}}` }));
      await storeMessages(here.database, made);
      return made.map((message) => message.id);
    };

    const endLeases = () =>
      ask(here, (sql) =>
        sql`
        update messages set lease_until = now() - interval '1 second'
        where lease_until is not null`);

    const allProcessed = async (ids: readonly string[]) => {
      const rows = await ask<{ state: string; tasks: number; created: number }>(here, (sql) =>
        sql`
          select m.state, count(distinct t.id)::int as tasks, count(e.id)::int as created
          from messages m left join tasks t on t.message_id = m.id
            left join task_events e on e.task_id = t.id and e.kind = 'created'
          where m.id in ${sql(ids)} group by m.id`);
      return rows.length === ids.length && rows.every((row) => row.state === "processed") && rows;
    };

    it("brings an id that is sent to a worker that waits", async () => {
      await loseTheFloor();
      await using _workers = startWork([here]);
      // Until it listens, news is lost, and that is allowed.
      const [probe] = await store(1);
      await until(() => {
        there.queue.send([probe]);
        return allProcessed([probe]);
      }, { what: "the worker to listen" });
      const ids = await store(300);
      there.queue.send(ids);
      await until(() => allProcessed(ids), { what: "all that was sent to be processed" });
    });

    it("lets two workers process every message exactly once", async () => {
      await using _workers = startWork([here, there]);
      const ids: string[] = [];
      for (let batch = 0; batch < 6; batch++) {
        const some = await store(50);
        // News may come twice.
        here.queue.send(some);
        there.queue.send(some);
        ids.push(...some);
      }
      const rows = await until(() => allProcessed(ids), { what: "all to be processed" });
      assert(rows.every((row) => row.tasks === 1 && row.created === 1));
      const epochs = await ask(here, (sql) => sql`select distinct epoch, attempts from messages`);
      assertEquals([...epochs], [{ epoch: 1, attempts: 1 }]);
    });

    it("needs no news: a worker claims what is old enough", async () => {
      await using _workers = startWork([there]);
      const ids = await store(150);
      await until(() => allProcessed(ids), { what: "messages without news" });
    });

    it("hands what a dead worker held to another in time", async () => {
      const ids = await store(64);
      assertEquals(
        (await claimMessages(here.database, { worker: "dead", max: 64, ids })).length,
        64,
      );
      await using _workers = startWork([there]);
      await endLeases();
      await until(() => allProcessed(ids), {
        what: "all that the dead worker held to be processed",
        timeoutMs: TAKEOVER_MS,
      });
    });

    it("leaves a message alone while its worker lives", async () => {
      const [id] = await store(1);
      await claimMessages(here.database, { worker: "alive", max: 1, ids: [id] });
      const worker = createWorker(there);
      there.queue.send([id]);
      assertEquals(await takeOnce(worker), 0);
      assertEquals((await claimMessages(there.database, { worker: "other", max: 1 })).length, 0);
    });

    it("fails a message that three workers died with, and tells people", async () => {
      const [id] = await store(1);
      await claimMessages(here.database, { worker: "dead 1", max: 1, ids: [id] });
      await endLeases();
      await claimMessages(here.database, { worker: "dead 2", max: 1, ids: [id] });
      await endLeases();
      assertEquals((await claimMessages(here.database, { worker: "dead 3", max: 9 })).length, 1);
      await endLeases();
      assertEquals((await claimMessages(here.database, { worker: "again", max: 9 })).length, 0);
      const worker = createWorker(there);
      await worker.tidy();
      const [row] = await ask(here, (sql) => sql`select state, error from messages`);
      assertEquals(row, {
        state: "failed",
        error: "every worker that took it stopped in the middle (3 times)",
      });
      const told = (await searchNotifications(here.database, { unread: true }, 10)).items;
      assertEquals(told.map(({ message_id, kind, state }) => ({ message_id, kind, state })), [
        { message_id: id, kind: "message_failed", state: "sent" },
      ]);
    });

    it("takes a message that two workers died with alone, never with others", async () => {
      const ids = await store(3);
      for (const worker of ["dead 1", "dead 2"]) {
        assertEquals((await claimMessages(here.database, { worker, max: 3, ids })).length, 3);
        await endLeases();
      }
      const next = { worker: "next", max: 3 };
      assertEquals((await claimMessages(here.database, { ...next, ids })).length, 0);
      for (const id of ids) {
        const alone = await claimMessages(here.database, next);
        assertEquals(alone.map((message) => message.id), [id]);
      }
      assertEquals((await claimMessages(here.database, next)).length, 0);
    });

    it("gives the attempt back when the store failed, not the message", async () => {
      const ids = await store(5);
      const worker = createWorker(failing(there, ["complete messages"]));
      await assertRejects(() => takeOnce(worker), Error, "complete messages failed");
      assertEquals([...await ask(here, (sql) => sql`select distinct attempts from messages`)], [
        { attempts: 0 },
      ]);
      await takeOnce(worker);
      assert(await allProcessed(ids));
    });

    it("gives the attempt back later when the store could not even take that", async () => {
      const ids = await store(5);
      const worker = createWorker(failing(there, ["complete messages", "release messages"]));
      await assertRejects(() => takeOnce(worker), Error, "complete messages failed");
      await takeOnce(worker);
      assert(await allProcessed(ids));
      assertEquals([...await ask(here, (sql) => sql`select distinct attempts from messages`)], [
        { attempts: 1 },
      ]);
    });

    it("refuses to complete a message for a worker that lost it", async () => {
      const [id] = await store(1);
      const assignee = await ensureWebhookUser(here.database);
      const outcome = (epoch: number) => ({
        messageId: id,
        epoch,
        event: null,
        title: `told in epoch ${epoch}`,
        description: "something",
      });
      const [slow] = await claimMessages(here.database, { worker: "slow", max: 1, ids: [id] });
      await endLeases();
      const [quick] = await claimMessages(there.database, { worker: "quick", max: 1, ids: [id] });
      assertEquals(quick.epoch, slow.epoch + 1);
      assertEquals(
        (await completeMessages(here.database, [outcome(slow.epoch)], { assignee })).made,
        [],
      );
      const [waiting] = await ask(here, (sql) => sql`select state from messages`);
      assertEquals(waiting.state, "new");
      assertEquals(
        (await completeMessages(there.database, [outcome(quick.epoch)], { assignee })).made.length,
        1,
      );
      assertEquals(
        (await completeMessages(here.database, [outcome(quick.epoch)], { assignee })).made,
        [],
      );
      const tasks = (await searchTasks(here.database, {}, 10)).items;
      assertEquals(tasks.map((task) => task.title), ["told in epoch 2"]);
    });

    it("gives what a stopping worker holds to others at once", async () => {
      const ids = await store(3);
      const leaving = createWorker(here);
      await claimMessages(here.database, { worker: leaving.id, max: 3, ids });
      await leaving.stop();
      await takeOnce(createWorker(there));
      assert(await allProcessed(ids));
    });

    it("fails alone a message that the store refuses a word of", async () => {
      await ask(
        here,
        (sql) => sql`alter table tasks add constraint lucky check (title !~ 'unlucky')`,
      );
      try {
        await store(2);
        await storeMessages(here.database, [messageOf({ body: `{"title":"unlucky"}` })]);
        await store(2);
        await takeOnce(createWorker(here));
      } finally {
        await ask(here, (sql) => sql`alter table tasks drop constraint lucky`);
      }
      const states = await ask(here, (sql) => sql`select state, error from messages order by id`);
      assertEquals(
        states.map((row) => row.state),
        ["processed", "processed", "failed", "processed", "processed"],
      );
      assertStringIncludes(String(states[2].error), "lucky");
    });
  });
}

/** Workers that run until disposed. */
export function startWork(processes: readonly Services[]): AsyncDisposable {
  const stop = new AbortController();
  const working = processes.map((services) => work(services, stop.signal));
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.all(working);
    },
  };
}

/** Claims and processes messages once, young ones too. */
export function takeOnce(worker: Worker): Promise<number> {
  return worker.takeMessages(0, new AbortController().signal);
}

/** The same services on a store that fails each of these queries once. */
function failing(services: Services, once: string[]): Services {
  const { database } = services;
  const query: Database["query"] = (what, statement, ms) => {
    const at = once.indexOf(what);
    if (at < 0) return database.query(what, statement, ms);
    once.splice(at, 1);
    return Promise.reject(new Error(`${what} failed`));
  };
  return { ...services, database: { ...database, query } };
}
