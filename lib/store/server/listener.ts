import { deadline, pause } from "../../async/deadline.ts";
import type { Log } from "../../process/log.ts";
import type { Sql } from "../database.ts";

/** Far more than it takes. */
const LISTEN_MS = 5_000;
/** A server that is away is asked once a second; until then whoever listens looks by itself. */
const RETRY_MS = 1_000;

/** Hears NOTIFYs over one connection of its own, and listens again whenever that is gone. */
export interface NotifyListener {
  /** @throws when the server does not take it now; then nothing is listened for. */
  listen(channel: string, heard: (payload: string) => void): Promise<void>;
  /** Forgets a channel; without any the connection is closed. */
  forget(channel: string): void;
  /** Goes over to a new connection. */
  renew(): void;
  close(): void;
}

/** `open` makes a session that tells when it is closed, and what it hears. */
export function openListener(
  open: (events: { closed(): void; heard(channel: string, payload: string): void }) => Sql,
  log: Log,
): NotifyListener {
  const channels = new Map<string, (payload: string) => void>();
  const over = new AbortController();
  let sql: Sql | undefined;
  let renewing = false;

  function start(): Sql {
    const mine = open({
      heard: (channel, payload) => channels.get(channel)?.(payload),
      closed() {
        if (mine === sql) listenAgain().catch(() => {});
      },
    });
    return sql = mine;
  }

  async function subscribe(channel: string): Promise<void> {
    const session = sql ?? start();
    const name = `"${channel.replaceAll('"', '""')}"`;
    await deadline(`listen on ${channel}`, LISTEN_MS, session.unsafe(`listen ${name}`));
  }

  function stop(): void {
    const old = sql;
    sql = undefined;
    old?.end({ timeout: 0 }).catch(() => {});
  }

  /** Until all that was listened for is listened for again. */
  async function listenAgain(): Promise<void> {
    if (renewing) return;
    renewing = true;
    while (channels.size > 0 && !over.signal.aborted) {
      try {
        await Promise.all([...channels.keys()].map(subscribe));
        break;
      } catch (error) {
        log.debug("database.listen_failed", { error });
        // What did not answer would keep all that is asked behind it waiting.
        stop();
        await pause(RETRY_MS, over.signal);
      }
    }
    renewing = false;
  }

  function forget(channel: string): void {
    channels.delete(channel);
    if (channels.size === 0) stop();
  }

  return {
    async listen(channel, heard) {
      channels.set(channel, heard);
      try {
        await subscribe(channel);
      } catch (error) {
        forget(channel);
        throw error;
      }
    },
    forget,
    renew() {
      if (sql === undefined) return;
      stop();
      listenAgain().catch(() => {});
    },
    close() {
      over.abort();
      channels.clear();
      stop();
    },
  };
}
