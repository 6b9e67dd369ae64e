import { closeSync, openSync, readFileSync, truncateSync, writeSync } from "node:fs";

/** What a sender heard of one try. */
export type Heard =
  | { kind: "ok"; messageId: string }
  /** To be tried again: a status such as 503, or "timeout", "connection". */
  | { kind: "again"; why: string }
  /** For good, or not as a store's trouble should be told. */
  | { kind: "refused"; why: string };

/** What the senders remember of one delivery. */
export interface Account {
  tries: number;
  answers: string[];
  refusals: string[];
}

/** One fault as it was made: milliseconds since 1970. */
export interface FaultNote {
  name: string;
  from: number;
  to?: number;
}

/** All that is known of a storm so far; one line of its file changes it at one place. */
export interface Ledger {
  accounts: Map<number, Account>;
  /** Milliseconds of each try that was answered with 200. */
  latencies: number[];
  /** Tries that were to be repeated, by what was heard. */
  again: Map<string, number>;
  faults: FaultNote[];
  /** Milliseconds from the end of a fault to the next 200, by the fault's place. */
  recoveries: Map<number, number>;
  /** Milliseconds from the end of a fault until PostgreSQL had a message that came after it. */
  stored: Map<number, number>;
  /** Things that happened to the storm that no delivery shows. */
  incidents: string[];
  /** Milliseconds in which deliveries were sent. */
  busyMs: number;
}

export function emptyLedger(): Ledger {
  return {
    accounts: new Map(),
    latencies: [],
    again: new Map(),
    faults: [],
    recoveries: new Map(),
    stored: new Map(),
    incidents: [],
    busyMs: 0,
  };
}

/** What may be noted; each is one line of JSON, an array to be short. */
export type Entry =
  /** A try begins: noted before it, so that no message comes from nowhere. */
  | ["try", number: number]
  | ["ok", number: number, messageId: string, ms: number]
  | ["again", number: number, why: string]
  | ["refused", number: number, why: string]
  | ["fault", place: number, name: string, at: number]
  | ["over", place: number, at: number]
  | ["recovered", place: number, ms: number]
  | ["stored", place: number, ms: number]
  | ["incident", what: string]
  | ["busy", ms: number];

/** Adds an entry to what is known. */
export function enter(ledger: Ledger, entry: Entry): void {
  switch (entry[0]) {
    case "try":
      accountOf(ledger, entry[1]).tries++;
      break;
    case "ok":
      accountOf(ledger, entry[1]).answers.push(entry[2]);
      ledger.latencies.push(entry[3]);
      break;
    case "again":
      ledger.again.set(entry[2], (ledger.again.get(entry[2]) ?? 0) + 1);
      break;
    case "refused":
      accountOf(ledger, entry[1]).refusals.push(entry[2]);
      break;
    case "fault":
      ledger.faults[entry[1]] = { name: entry[2], from: entry[3] };
      break;
    case "over":
      ledger.faults[entry[1]].to = entry[2];
      break;
    case "recovered":
      ledger.recoveries.set(entry[1], entry[2]);
      break;
    case "stored":
      ledger.stored.set(entry[1], entry[2]);
      break;
    case "incident":
      ledger.incidents.push(entry[1]);
      break;
    case "busy":
      ledger.busyMs += entry[1];
  }
}

function accountOf({ accounts }: Ledger, number: number): Account {
  let account = accounts.get(number);
  if (!account) accounts.set(number, account = { tries: 0, answers: [], refusals: [] });
  return account;
}

/** A ledger in a file that only grows. */
export interface LedgerFile {
  readonly ledger: Ledger;
  note(entry: Entry): void;
  close(): void;
}

/**
 * Opens a ledger's file, or makes it. What a killed storm was writing last may be half a line:
 * it is cut off, since nothing after it had happened yet.
 */
export function openLedger(path: string): LedgerFile {
  const ledger = emptyLedger();
  const file = openSync(path, "a");
  const bytes = readFileSync(path);
  const whole = bytes.lastIndexOf("\n") + 1;
  if (whole < bytes.length) truncateSync(path, whole);
  for (let from = 0; from < whole;) {
    const to = bytes.indexOf("\n", from);
    enter(ledger, JSON.parse(bytes.toString("utf8", from, to)) as Entry);
    from = to + 1;
  }
  return {
    ledger,
    note(entry) {
      writeSync(file, `${JSON.stringify(entry)}\n`);
      enter(ledger, entry);
    },
    close: () => closeSync(file),
  };
}
