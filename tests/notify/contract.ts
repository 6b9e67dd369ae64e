import { assert, assertEquals } from "@std/assert";
import { afterAll, beforeAll, beforeEach, describe, it } from "@std/testing/bdd";
import { currentCursor, readChanges } from "../../lib/live/change.ts";
import { storeMessages } from "../../lib/message/insert.ts";
import type { Channel } from "../../lib/notify/channel.ts";
import { type Notification, retryNotification } from "../../lib/notify/notification.ts";
import { searchNotifications } from "../../lib/notify/search.ts";
import { newId } from "../../lib/store/id.ts";
import { createWorker } from "../../lib/work/work.ts";
import { ask, messageOf, type Place } from "../queue/contract.ts";

/** A channel in two processes, and whom it calls. */
export interface ChannelPlace extends Place {
  readonly name: string;
  /** Where the release before would tell something. */
  readonly destination: string;
  /** How often people were told something, as the other side has it; undefined where there is none. */
  told(): number | undefined;
  /** The other side is away, or back. */
  away(isAway: boolean): void;
  /** As if what the channel waits for were over. */
  passTime(): Promise<void>;
}

/** What every channel promises, whichever it is: an outcome is told once, or it is said why not. */
export function channelContract(name: string, open: () => Promise<ChannelPlace>): void {
  describe(`${name} as a channel`, () => {
    let place: ChannelPlace;
    let channels: [Channel, Channel];
    const { signal } = new AbortController();

    beforeAll(async () => {
      place = await open();
      const [here, there] = place.processes.map(({ channels }) =>
        channels.find((each) => each.name === place.name)!
      );
      channels = [here, there];
    });
    afterAll(async () => await place?.[Symbol.asyncDispose]());
    beforeEach(async () => {
      await ask(place.processes[0], (sql) => sql`delete from messages`);
    });

    /** Works messages off to the ends of their tasks; whom that concerns is not told yet. */
    async function endTasks(count: number): Promise<void> {
      const [services] = place.processes;
      await storeMessages(services.database, Array.from({ length: count }, () => messageOf()));
      const worker = createWorker(services);
      await worker.takeMessages(0, signal);
      await worker.runTasks(signal);
      await worker.idle();
      await worker.stop();
    }

    /** @returns how much there was to do. */
    async function tellSome(some: readonly Channel[] = channels.slice(0, 1)): Promise<number> {
      await place.passTime();
      const counts = await Promise.all(some.map((channel) => channel.tell(signal)));
      await Promise.all(some.map((channel) => channel.idle()));
      return Math.max(...counts);
    }

    async function tellAll(some?: readonly Channel[]): Promise<void> {
      while (await tellSome(some) > 0);
    }

    const outbox = async (): Promise<Notification[]> =>
      (await searchNotifications(place.processes[0].database, { channel: place.name }, 100)).items;
    const statesOf = (rows: readonly Notification[]) =>
      rows.map(({ kind, state }) => `${kind} ${state}`);

    /** As a release puts it there that knows of nothing sent at once. */
    async function putIntoOutbox(channel: string, destination: string): Promise<string> {
      const [{ id: taskId }] = await ask<{ id: string }>(
        place.processes[0],
        (sql) => sql`select id from tasks limit 1`,
      );
      const id = newId();
      await ask(place.processes[0], (sql) =>
        sql`
          insert into notifications (id, cause, task_id, channel, destination, kind, text)
          values (${id}, ${`agent_call:${id}`}, ${taskId}, ${channel}, ${destination}, 'note', 'hi')`);
      return id;
    }

    it("tells the outcome of each task once, and says when", async () => {
      const before = place.told();
      await endTasks(3);
      await tellAll();
      const rows = await outbox();
      assertEquals(statesOf(rows), Array(3).fill("completed sent"));
      assert(rows.every(({ sent_at, created_at }) => sent_at! >= created_at));
      if (before !== undefined) assertEquals(place.told()! - before, 3);
    });

    it("tells it once, however many workers tell at the same time", async () => {
      const before = place.told();
      await endTasks(5);
      await tellAll(channels);
      assertEquals(statesOf(await outbox()), Array(5).fill("completed sent"));
      if (before !== undefined) assertEquals(place.told()! - before, 5);
    });

    it("has nothing to do when all is told, and tells nothing twice", async () => {
      await endTasks(1);
      await tellAll();
      const before = place.told();
      assertEquals(await tellSome(), 0);
      assertEquals([statesOf(await outbox()), place.told()], [["completed sent"], before]);
    });

    it("is heard of by whoever follows the changes", async () => {
      const { database } = place.processes[0];
      const before = await currentCursor(database);
      await endTasks(1);
      await tellAll();
      const [{ id }] = await outbox();
      const changes = await readChanges(database, before, 1_000);
      assert(changes.some(({ kind, ids }) => kind === "notification" && ids.includes(id)));
    });

    it("tells what a process of the release before has left", async () => {
      await endTasks(1);
      await tellAll();
      const { database } = place.processes[0];
      const before = await currentCursor(database);
      const id = await putIntoOutbox(place.name, place.destination);
      await tellAll();
      assertEquals(statesOf(await outbox()), ["note sent", "completed sent"]);
      const changes = await readChanges(database, before, 1_000);
      assert(changes.some(({ kind, ids }) => kind === "notification" && ids.includes(id)));
    });

    it("leaves alone what is another channel's", async () => {
      await endTasks(1);
      const id = await putIntoOutbox("another", "elsewhere");
      await tellAll();
      const [row] = await ask(
        place.processes[0],
        (sql) => sql`select state, attempts, sent_at from notifications where id = ${id}`,
      );
      assertEquals(row, { state: "pending", attempts: 0, sent_at: null });
    });

    it("throws nothing while the other side is away, and tells all when it is back", async () => {
      await endTasks(1);
      await putIntoOutbox(place.name, place.destination);
      place.away(true);
      for (let round = 0; round < 3; round++) await tellSome();
      const meanwhile = await outbox();
      assertEquals(meanwhile.length, 2);
      for (const { state, error } of meanwhile) {
        assert(state === "sent" || (state === "pending" && error), `${state}: ${error}`);
      }
      place.away(false);
      await tellAll();
      assertEquals(statesOf(await outbox()).sort(), ["completed sent", "note sent"]);
    });

    it("gives up in the end, says why, and has another round of tries when it is asked to", async () => {
      await endTasks(1);
      place.away(true);
      await tellAll();
      const [meanwhile] = await outbox();
      place.away(false);
      if (meanwhile.state === "sent") return;
      assertEquals(meanwhile.state, "dead");
      assert(meanwhile.error);
      await retryNotification(place.processes[0].database, meanwhile.id);
      await tellAll();
      assertEquals(statesOf(await outbox()), ["completed sent"]);
    });

    it("names only itself as where an outcome is to be told", () => {
      const named = channels[0].destinations({ source: "generic" });
      assert(named.every(({ channel }) => channel === place.name));
    });
  });
}
