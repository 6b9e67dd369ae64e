import type { Database } from "../store/database.ts";
import { errorText, type Log } from "../process/log.ts";
import { createNews, type Queue } from "./queue.ts";

const CHANNEL = "otto_messages";
/** A NOTIFY payload must be shorter than 8,000 bytes; an id takes 37 with its comma. */
const IDS_IN_PAYLOAD = 200;

/** News by NOTIFY. Every listening worker gets all of it; the leases decide who works. */
export function openPostgresQueue(database: Database, log: Log): Queue {
  const news = createNews();
  let listening: Promise<void> | undefined;

  /** Begun by the first receive: who never receives needs no connection. After a failure the next one tries again. */
  function listen(): void {
    listening ??= database.listen(CHANNEL, (payload) => news.add(payload.split(",")))
      .catch((error) => {
        log.debug("queue.listen_failed", { error: errorText(error) });
        listening = undefined;
      });
  }

  return {
    backend: "postgres",
    send(ids) {
      for (let from = 0; from < ids.length; from += IDS_IN_PAYLOAD) {
        const payload = ids.slice(from, from + IDS_IN_PAYLOAD).join(",");
        database.query("notify workers", (sql) => sql`select pg_notify(${CHANNEL}, ${payload})`)
          .catch((error) => log.debug("queue.send_failed", { error: errorText(error) }));
      }
    },
    receive(max, ms, signal) {
      listen();
      return news.take(max, ms, signal);
    },
    // It is the database, which is checked by itself.
    check: () => Promise.resolve(undefined),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
