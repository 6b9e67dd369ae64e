import { AsyncLocalStorage } from "node:async_hooks";
import { drainBy } from "../../../lib/work/drain.ts";
import { createMessageStep } from "../../../lib/work/messages.ts";
import { createWorker } from "../../../lib/work/work.ts";
import type { Services } from "../../../lib/services.ts";

/** Statements that change nothing of this: to be killed behind one of them is to be killed before it. */
const READS = /^(look|find|read|count|list|load|ask) |heartbeat|worker|drain/;

/** A worker that can be killed behind any of its writes, in this process. */
export interface Killable {
  /** Lets it work until nothing is left, or it is killed behind its n-th write. True when it was killed. */
  work(dieBehind: number): Promise<boolean>;
  /** Settles what has come, as whichever worker works now. */
  settle(): Promise<void>;
  /** Lets another worker take over what the killed one has left, until nothing is left. */
  takeOver(): Promise<void>;
  /** Ends what still hangs. */
  bury(): void;
  /** What the worker has written, in order. */
  written: string[];
}

interface Life {
  left: number;
  die(): void;
}

/**
 * Statements of a killed worker are never answered, as nobody is there to hear it: only when it is
 * buried they are refused, so that nothing of it is left in the process.
 *
 * @param passTime makes what waits for its time due; says whether anything does.
 */
export function killable(
  services: Services,
  passTime: () => Promise<boolean>,
): Killable {
  const { database } = services;
  const lives = new AsyncLocalStorage<Life>();
  const graves: (() => void)[] = [];
  const written: string[] = [];
  const query = database.query.bind(database);
  const silence = () =>
    new Promise<never>((_, reject) =>
      graves.push(() => reject(new Error("the worker was killed")))
    );
  let stopped = new AbortController();

  database.query = async (what, statement, ms) => {
    const life = lives.getStore();
    if (!life) return await query(what, statement, ms);
    if (life.left <= 0) return await silence();
    const answer = await query(what, statement, ms);
    if (READS.test(what)) return answer;
    written.push(what);
    if (--life.left > 0) return answer;
    life.die();
    return await silence();
  };

  async function workOff(signal: AbortSignal): Promise<void> {
    const worker = createWorker(services);
    do {
      while ((await drainBy(worker, services, { mayStart: () => true, signal })).messages > 0);
    } while (await lives.exit(passTime));
  }

  return {
    written,
    async work(dieBehind) {
      written.length = 0;
      stopped = new AbortController();
      let die = () => {};
      const killed = new Promise<boolean>((resolve) => die = () => resolve(true));
      const worked = lives.run({ left: dieBehind, die }, () => workOff(stopped.signal));
      worked.catch(() => {});
      return await Promise.race([killed, worked.then(() => false)]);
    },
    async settle() {
      const step = createMessageStep(services, { worker: "another", done: () => {} });
      while (await step.takeMessages(0, new AbortController().signal) > 0);
    },
    async takeOver() {
      await query(
        "let leases run out",
        (sql) => sql`update tasks set lease_until = now() - interval '1 second' where open`,
      );
      await query(
        "let leases run out",
        (sql) =>
          sql`update messages set lease_until = now() - interval '1 second'
          where state = 'new' and lease_until <> 'infinity'`,
      );
      await workOff(new AbortController().signal);
    },
    bury() {
      stopped.abort();
      for (const refuse of graves.splice(0)) refuse();
    },
  };
}
