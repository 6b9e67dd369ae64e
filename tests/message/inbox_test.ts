import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { afterAll, beforeAll, beforeEach, describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import type { Database, Sql } from "../../lib/store/database.ts";
import { openEmbedded } from "../../lib/store/embedded/embedded.ts";
import { migrate } from "../../lib/store/schema/migrate.ts";
import { openServer } from "../../lib/store/server/server.ts";
import { type Inbox, InboxClosedError, openInbox } from "../../lib/message/inbox.ts";
import { storeMessages } from "../../lib/message/insert.ts";
import { createLog } from "../../lib/process/log.ts";
import { findMessages, readBody, readMessage } from "../../lib/message/message.ts";
import { searchMessages } from "../../lib/message/search/search.ts";
import { claimMessages } from "../../lib/message/claim.ts";
import { openLocalQueue } from "../../lib/queue/queue.ts";
import { completeMessages } from "../../lib/message/complete.ts";
import { ask, messageOf } from "../queue/contract.ts";
import { describeWith, until } from "../servers/mod.ts";

const log = createLog("silent");
const KIB = 1024;

const STRANGE_BODIES: Record<string, Uint8Array> = {
  "an empty body": new Uint8Array(),
  "NULs": Uint8Array.of(0, 0, 0),
  "text with a NUL": utf8(`{"a":"\0"}`),
  "an escaped NUL": utf8(`{"a":"\\u0000"}`),
  "every byte there is": Uint8Array.from({ length: 256 }, (_, n) => n),
  "bad UTF-8": Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d),
  "UTF-8 that breaks off": Uint8Array.of(0x61, 0xe2, 0x82),
  "overlong UTF-8": Uint8Array.of(0xc0, 0x80),
  "half a surrogate pair in UTF-8": Uint8Array.of(0xed, 0xa0, 0xbd),
  "half a surrogate pair escaped": utf8(`{"a":"\\ud83d"}`),
  "a byte order mark": Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d),
  "only a byte order mark": Uint8Array.of(0xef, 0xbb, 0xbf),
  "UTF-16": Uint8Array.of(0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00),
  "noncharacters": utf8("\ufffe\uffff\u{10ffff}"),
  "line ends of all kinds": utf8("a\r\nb\rc\nd\u2028e\n"),
  "numbers that grow 14,558 times as jsonb": utf8(`[${"1e131071,".repeat(300)}0]`),
  "JSON with its spaces, order and twin keys": utf8(`{ "b":1,\t"a":2, "b" :3.0 }\n`),
  "256 KiB": new Uint8Array(256 * KIB).fill(0x61),
  "a byte more than 256 KiB": new Uint8Array(256 * KIB + 1).fill(0x61),
  "3 MiB of noise": noise(3 * KIB * KIB),
};

inboxSuite("the embedded inbox", async () => {
  const database = await openEmbedded(":memory:");
  return {
    first: database,
    second: database,
    openOne: () => ({ ...database, [Symbol.asyncDispose]: () => Promise.resolve() }),
    close: () => database[Symbol.asyncDispose](),
  };
});

describeWith({ postgres: true }, "with PostgreSQL", (servers) => {
  inboxSuite("the inbox", async () => {
    const url = await servers.postgres.createDatabase();
    const [first, second] = [1, 2].map(() => openServer({ url, connections: 4, log }));
    return {
      first,
      second,
      openOne: () => openServer({ url, connections: 1, log }),
      async close() {
        await Promise.all([first[Symbol.asyncDispose](), second[Symbol.asyncDispose]()]);
      },
    };
  });
});

/** One database, as two processes see it. */
interface Databases {
  first: Database;
  second: Database;
  /** The same on one connection. */
  openOne(): Database;
  close(): PromiseLike<void>;
}

function inboxSuite(
  name: string,
  open: () => Promise<Databases>,
): void {
  describe(name, () => {
    let database: Database;
    let second: Database;
    let openOne: () => Database;
    let close: () => PromiseLike<void>;

    beforeAll(async () => {
      ({ first: database, second, openOne, close } = await open());
      await migrate(database, log);
    });
    afterAll(async () => await close?.());
    beforeEach(async () => {
      await ask({ database }, (sql) => sql`delete from messages`);
    });

    /** Inboxes of two processes. */
    const twoInboxes = (): [Inbox, Inbox] => {
      const queue = openLocalQueue();
      return [openInbox({ database, queue, log }), openInbox({ database: second, queue, log })];
    };
    const all = () =>
      searchMessages(database, {}, { limit: 1_000, sources: [] }).then(({ items }) => items);

    it("keeps a batch and answers in its order", async () => {
      const batch = Array.from({ length: 64 }, (_, n) =>
        messageOf({
          body: `{"n":${n}}`,
          deliveryId: n % 2 ? `delivery ${97 * n % 64}` : null,
        }));
      const receipts = await storeMessages(database, batch);
      assertEquals(
        receipts,
        batch.map(({ id }) => ({ messageId: id, repeat: false, waiting: true })),
      );
      for (const message of batch) {
        assertEquals(hex(await readBody(database, message.id)), hex(message.body));
      }
    });

    it("makes one message of a hundred copies that come at once over two processes", async () => {
      const inboxes = twoInboxes();
      const receipts = await Promise.all(
        Array.from(
          { length: 100 },
          (_, n) => inboxes[n % 2].accept(messageOf({ deliveryId: "the only one" })),
        ),
      );
      assertEquals(new Set(receipts.map((receipt) => receipt.messageId)).size, 1);
      assertEquals(receipts.filter((receipt) => !receipt.repeat).length, 1);
      const [message, ...others] = await all();
      assertEquals(others, []);
      assertEquals([message.message_id, message.repeats], [receipts[0].messageId, 99]);
    });

    it("never deadlocks when two processes take the same deliveries in another order", async () => {
      for (let round = 0; round < 25; round++) {
        const ids = Array.from({ length: 60 }, (_, n) => `delivery ${round} ${n}`);
        const copies = () => ids.map((deliveryId) => messageOf({ deliveryId }));
        // The first pair races for the rows, the second counts repeats on them.
        for (const _time of ["first", "again"]) {
          await Promise.all([
            storeMessages(database, copies()),
            storeMessages(second, copies().reverse()),
          ]);
        }
      }
      const [row] = await ask(
        { database },
        (sql) =>
          sql`select count(*)::int as rows, min(repeats) as least, max(repeats) as most from messages`,
      );
      assertEquals(row, { rows: 25 * 60, least: 3, most: 3 });
    });

    it("takes the same batch again, as after an answer that was lost, without counting it", async () => {
      const batch = [messageOf({ deliveryId: "once" }), messageOf()];
      const receipts = await storeMessages(database, batch);
      assertEquals(await storeMessages(second, batch), receipts);
      assertEquals((await all()).map((message) => message.repeats), [0, 0]);
    });

    it("takes the same delivery id from two sources for two deliveries", async () => {
      await storeMessages(database, [
        messageOf({ deliveryId: "1", source: "github" }),
        messageOf({ deliveryId: "1", source: "stripe" }),
      ]);
      assertEquals((await all()).length, 2);
    });

    it("queues a failed message again when it is repeated", async () => {
      const queue = openLocalQueue();
      const inbox = openInbox({ database, queue, log });
      const { messageId } = await inbox.accept(messageOf({ deliveryId: "again" }));
      assertEquals(await queue.receive(9, 0, new AbortController().signal), [messageId]);
      const [{ epoch }] = await claimMessages(database, { worker: "w", max: 1 });
      await completeMessages(database, [{ messageId, epoch, error: "bad luck" }], {
        assignee: null,
      });
      assertEquals((await all())[0].state, "failed");

      const receipt = await inbox.accept(messageOf({ deliveryId: "again" }));
      assertEquals(receipt, { messageId, repeat: true, waiting: true });
      const [message] = await all();
      assertEquals(
        [message.state, message.error, message.attempts, message.repeats],
        ["new", null, 0, 1],
      );
      assertEquals(await queue.receive(9, 0, new AbortController().signal), [messageId]);
    });

    it("does not queue a processed message again when it is repeated", async () => {
      const inbox = openInbox({ database, queue: openLocalQueue(), log });
      const { messageId } = await inbox.accept(messageOf({ deliveryId: "done" }));
      await ask({ database }, (sql) => sql`update messages set state = 'processed'`);
      const receipt = await inbox.accept(messageOf({ deliveryId: "done" }));
      assertEquals(receipt, { messageId, repeat: true, waiting: false });
      assertEquals((await all())[0].state, "processed");
    });

    it("takes another content under a delivery's id for another message, flagged and worked", async () => {
      const inbox = openInbox({ database, queue: openLocalQueue(), log });
      const { messageId } = await inbox.accept(messageOf({ deliveryId: "x", body: "one" }));
      const repeats: boolean[] = [];
      for (const body of ["two", "two", "three", "one"]) {
        const receipt = await inbox.accept(messageOf({ deliveryId: "x", body }));
        assertEquals(receipt.messageId === messageId, body === "one");
        repeats.push(receipt.repeat);
      }
      assertEquals(repeats, [false, true, false, true]);
      const found = await all();
      const bodies = await Promise.all(found.map(async (message) => ({
        body: new TextDecoder().decode(await readBody(database, message.message_id)),
        state: message.state,
        hint: (await readMessage(database, message.message_id))?.hint ?? null,
        repeats: message.repeats,
      })));
      bodies.sort((a, b) => a.body < b.body ? -1 : 1);
      const hint =
        `the delivery id is that of ${messageId}, but the content is another: both are worked`;
      assertEquals(bodies, [
        { body: "one", state: "new", hint: null, repeats: 1 },
        { body: "three", state: "new", hint, repeats: 0 },
        { body: "two", state: "new", hint, repeats: 1 },
      ]);
      assertEquals((await claimMessages(database, { worker: "w", max: 9 })).length, 3);
    });

    it("knows other contents and their repeats within one batch, too, and takes it again", async () => {
      const batch = ["one", "two", "two", "one", "three"]
        .map((body) => messageOf({ deliveryId: "x", body }));
      const receipts = await storeMessages(database, batch);
      assertEquals(receipts.map(({ repeat }) => repeat), [false, false, true, true, false]);
      const ids = receipts.map(({ messageId }) => messageId);
      assertEquals([ids[0], ids[1]], [ids[3], ids[2]]);
      assertEquals(new Set(ids).size, 3);
      const again = await storeMessages(second, batch);
      assertEquals(again.map(({ messageId }) => messageId), ids);
      assertEquals((await all()).length, 3);
    });

    it("takes a retry that says the same in other bytes for a repeat", async () => {
      const retried = (body: string, content: string) => {
        const message = messageOf({ deliveryId: "x", body });
        return { ...message, envelope: { ...message.envelope, content } };
      };
      const receipts = await storeMessages(database, [
        retried("attempt 1", "paid"),
        retried("attempt 2", "paid"),
        retried("attempt 1 of another", "refunded"),
        retried("attempt 2 of another", "refunded"),
      ]);
      assertEquals(receipts.map(({ repeat }) => repeat), [false, true, false, true]);
      assertEquals((await all()).length, 2);
    });

    it("keeps all others of a batch when the store refuses one of its rows", async () => {
      const queue = openLocalQueue();
      const inbox = openInbox({ database, queue, log });
      const batch = Array.from({ length: 21 }, (_, n) =>
        // The table allows three verifications; this stands for a value nobody has thought of.
        messageOf(n === 13 ? { verification: "sworn" as "verified" } : {}));
      const results = await Promise.allSettled(batch.map((message) => inbox.accept(message)));
      const refused = results.flatMap((result, n) => result.status === "rejected" ? [n] : []);
      assertEquals(refused, [13]);
      const { reason } = results[13] as PromiseRejectedResult;
      assert(reason instanceof InboxClosedError);
      assertEquals((reason.cause as { code: string }).code, "23514");
      assertEquals((await all()).length, 20);
      assertEquals((await queue.receive(99, 0, new AbortController().signal)).length, 20);
      // It was not the store's fault, so the next one is not turned away.
      await inbox.accept(messageOf());
    });

    it("gives back every body byte for byte", async () => {
      const bytes = fc.uint8Array({ maxLength: 300 });
      const text = fc.string({ unit: "binary", maxLength: 100 })
        .map((text) => new TextEncoder().encode(text));
      const json = fc.json().map((text) => new TextEncoder().encode(text));
      const bodies = fc.array(fc.oneof(bytes, text, json), { minLength: 1, maxLength: 40 });
      await fc.assert(
        fc.asyncProperty(bodies, async (bodies) => {
          const batch = bodies.map((body) => messageOf({ body }));
          await storeMessages(database, batch);
          for (const { id, body } of batch) {
            assertEquals(hex(await readBody(database, id)), hex(body));
          }
          const found = await findMessages(database, batch.map((message) => message.id));
          assertEquals(
            new Map(found.map((message) => [message.message_id, message.size])),
            new Map(batch.map((message) => [message.id, message.body.length])),
          );
        }),
        { numRuns: 25 },
      );
    });

    for (const [what, body] of Object.entries(STRANGE_BODIES)) {
      it(`gives back ${what} byte for byte, and knows its repeat`, async () => {
        const [{ messageId }] = await storeMessages(database, [
          messageOf({ body, deliveryId: what }),
        ]);
        assertEquals(hex(await readBody(database, messageId)), hex(body));
        const [repeat] = await storeMessages(second, [messageOf({ body, deliveryId: what })]);
        assertEquals(repeat, { messageId, repeat: true, waiting: true });
        const [{ size, repeats, state }] = await all();
        assertEquals([size, repeats, state], [body.length, 1, "new"]);
        // What a worker is handed is the same.
        const [claimed] = await claimMessages(database, { worker: "w", max: 1 });
        assertEquals(hex(claimed.body ?? await readBody(database, messageId)), hex(body));
      });
    }

    for (
      const [what, deliveryId] of Object.entries({
        "a NUL": "a\0b",
        "8 KiB": "x".repeat(8 * KIB),
        "8 KiB of another": "y" + "x".repeat(8 * KIB - 1),
        "nothing": "",
        "half a surrogate pair": "\ud83d",
        "quotes": `'"\\`,
      })
    ) {
      it(`takes a delivery id of ${what}`, async () => {
        const inbox = openInbox({ database, queue: openLocalQueue(), log });
        const { messageId } = await inbox.accept(messageOf({ deliveryId }));
        const again = await inbox.accept(messageOf({ deliveryId }));
        assertEquals([again.messageId, again.repeat], [messageId, true]);
        const other = await inbox.accept(messageOf({ deliveryId: deliveryId + "?" }));
        assertNotEquals(other.messageId, messageId);
        const found = await readMessage(database, messageId);
        assertEquals(found?.delivery_id?.length, deliveryId.length);
      });
    }

    it("keeps a large body apart, so that nobody waits behind it", async () => {
      const asked: string[] = [];
      const watched: Database = {
        ...database,
        query(what, statement, ms) {
          // Up to the next half second: what has gone by until then depends on the machine.
          asked.push(`${what} within ${(Math.ceil((ms ?? 0) / 500) / 2).toFixed(1)} s`);
          return database.query(what, statement, ms);
        },
      };
      const inbox = openInbox({ database: watched, queue: openLocalQueue(), log });
      const large = messageOf({ body: new Uint8Array(4 * 1024 * 1024).fill(97) });
      await Promise.all([inbox.accept(large), inbox.accept(messageOf())]);
      // A second and a half, and a second more for each two megabytes.
      assertEquals(asked.toSorted(), [
        "store messages within 1.5 s",
        "store messages within 3.5 s",
      ]);
    });

    it("shares commits, within its limits, one batch at a time", async () => {
      const batches: { rows: number; bytes: number }[] = [];
      const writing = { small: 0, large: 0 };
      const watched = watch(database, (batch) => {
        batches.push(batch);
        // Large ones go by themselves, beside the others.
        const lane = batch.bytes > 256 * KIB && batch.rows === 1 ? "large" : "small";
        assertEquals(++writing[lane], 1, "Two batches were written at once");
        return () => writing[lane]--;
      });
      const inbox = openInbox({ database: watched, queue: openLocalQueue(), log });
      const sizes = fc.sample(
        fc.oneof(
          { weight: 20, arbitrary: fc.constant(100) },
          { weight: 5, arbitrary: fc.constant(60 * KIB) },
          { weight: 3, arbitrary: fc.constant(256 * KIB) },
          { weight: 2, arbitrary: fc.constant(256 * KIB + 1) },
        ),
        { numRuns: 300, seed: 7 },
      );
      const bodies = sizes.map((size) => "x".repeat(size));
      const receipts = await Promise.all(bodies.map((body) => inbox.accept(messageOf({ body }))));
      assertEquals(new Set(receipts.map((receipt) => receipt.messageId)).size, 300);
      assertEquals(batches.reduce((sum, batch) => sum + batch.rows, 0), 300);
      for (const { rows, bytes } of batches) {
        assert(rows <= 64, `${rows} rows`);
        assert(rows === 1 || bytes <= 1024 * KIB, `${rows} rows of ${bytes} bytes`);
      }
      assertEquals(
        batches.filter((batch) => batch.bytes > 256 * KIB && batch.rows === 1).length,
        sizes.filter((size) => size > 256 * KIB).length,
      );
      assert(batches.length < 100, `${batches.length} commits for 300 messages`);
      assertEquals((await all()).length, 300);
    });

    it("prepares a few statements, whatever is in its batches", async () => {
      await using single = openOne();
      const some = fc.record({
        body: fc.constantFrom<Uint8Array>(utf8("text"), Uint8Array.of(0)),
        deliveryId: fc.constantFrom(null, "one", "two", "three"),
      });
      const batches = fc.sample(fc.array(some, { minLength: 1, maxLength: 64, size: "max" }), {
        numRuns: 60,
        seed: 1,
      });
      for (const batch of batches) await storeMessages(single, batch.map(messageOf));
      const [{ inserts }] = await ask({ database: single }, (sql) =>
        sql`
          select count(*)::int as inserts from pg_prepared_statements
          where statement like '%with rows (%' and parameter_types <> '{}'`);
      assert(inserts <= 7, `${inserts} statements`);
    });

    it("refuses at once for a moment after the store failed, and then asks it again", async () => {
      let asked = 0;
      let broken = true;
      const failing: Database = {
        ...database,
        query(what, statement, ms) {
          asked++;
          return broken
            ? Promise.reject(new Error("connection refused"))
            : database.query(what, statement, ms);
        },
      };
      const inbox = openInbox({ database: failing, queue: openLocalQueue(), log });
      await assertRejects(() => inbox.accept(messageOf()), InboxClosedError);
      await assertRejects(() => inbox.accept(messageOf()), InboxClosedError);
      assertEquals(asked, 1);
      broken = false;
      const { messageId } = await acceptInTheEnd(inbox);
      assertEquals((await all()).map((message) => message.message_id), [messageId]);
    });
  });
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function noise(length: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length }, () => (state = state * 48271 % 2147483647) & 255);
}

/** Bytes as text: a difference of large ones is told quickly. */
function hex(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? "none" : Uint8Array.from(bytes).toHex();
}

/** The database, telling of every batch of messages that is stored. */
function watch(
  database: Database,
  told: (batch: { rows: number; bytes: number }) => () => void,
): Database {
  const PARAMETERS = 9;
  return {
    ...database,
    query: (what, statement, ms) =>
      database.query(what, async (sql) => {
        if (what !== "store messages") return await statement(sql);
        let done = () => {};
        const seen = (text: string, parameters: unknown[], options: object) => {
          const rows = Array.from(
            { length: parameters.length / PARAMETERS },
            (_, n) => parameters.slice(n * PARAMETERS, (n + 1) * PARAMETERS),
          ).filter(([id]) => valueOf(id) !== null);
          const bytes = rows.reduce((sum, row) => sum + (valueOf(row[7]) as string).length, 0);
          done = told({ rows: rows.length, bytes });
          return sql.unsafe(text, parameters as never[], options);
        };
        const spied = { unsafe: seen, typed: sql.typed };
        const result = await statement(spied as unknown as Sql);
        done();
        return result;
      }, ms),
  };
}

/** A parameter of a statement without its type. */
function valueOf(parameter: unknown): unknown {
  return parameter !== null && typeof parameter === "object" && "value" in parameter
    ? parameter.value
    : parameter;
}

/** Sends again until it is taken, as a sender would. */
async function acceptInTheEnd(inbox: Inbox) {
  return await until(() => inbox.accept(messageOf()), { what: "the inbox to open again" });
}
