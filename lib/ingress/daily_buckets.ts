/** Who sends, as far as an unverified message tells: a client prefix, and a source's name. */
export interface UnverifiedSender {
  prefix: string;
  /** The name of a known source, or `generic` for all others: a sender cannot invent new ones. */
  type: string;
}

/** What is taken, or was taken, within a day. */
export interface DailyAmount {
  messages: number;
  bytes: number;
}

/** What one sender has sent on a day, as it is kept for others. */
export type SentOnDay = UnverifiedSender & DailyAmount;

/**
 * A flood is not known on the next day for having come. A day speaks for a sender when it stayed at
 * or below `quiet` then; one such day is enough if all of that day stayed below `calm`, so that
 * newcomers were not at their end, and two are in any case.
 */
export interface KnownRule {
  quiet: DailyAmount;
  calm: DailyAmount;
}

/** Why there is no room: the sender's own bucket is full, or what is there for all of them. */
export type BucketFull = "own" | "all";

/** Counts unverified messages of one day, in memory. */
export interface DailyBuckets {
  /** Counts a message of so many bytes in, where there is room; else says what is full. */
  take(sender: UnverifiedSender, bytes: number): BucketFull | undefined;
  /** Takes back what was counted and then not kept. */
  giveBack(sender: UnverifiedSender, bytes: number): void;
  /** Seconds until the day ends, in UTC; at least 1. */
  secondsLeft(): number;
  /** The day in UTC, `2026-01-31`. */
  day(): string;
  /** What was counted here since it was last said to be {@link saved}. */
  unsaved(): SentOnDay[];
  /**
   * What all processes have counted on a day, as far as it is kept now, these amounts of ours among
   * it: of the same senders, and of all of them together where that is said.
   */
  saved(
    day: string,
    ours: readonly SentOnDay[],
    sent: readonly SentOnDay[],
    all?: DailyAmount,
  ): void;
  /** What makes a sender of earlier days a known one. */
  readonly known: KnownRule;
  /**
   * What was kept before this process began (heard the first time only, as it is counted here from
   * then on), and who has sent on earlier days.
   */
  load(day: string, sent: readonly (SentOnDay & { seenBefore: boolean })[]): void;
}

/**
 * How many senders can fill their buckets on one day before all of them are at the end: what a
 * flood from many networks can write in a day is bounded by this.
 */
const FULL_BUCKETS = 10;
/** The share of all that is left to those who have sent on an earlier day. */
const RESERVED = 0.5;
/** Whoever fills more of its bucket on a day is not known for that day. */
const QUIET = 0.5;
/** A pair takes some 200 bytes: 2 MB. The one that was silent longest is forgotten first. */
const MOST_PAIRS = 10_000;

interface Pair extends UnverifiedSender {
  messages: number;
  bytes: number;
  unsavedMessages: number;
  unsavedBytes: number;
}

/** @param limits of one sender; `now` is the time in milliseconds, another one in tests. */
export function createDailyBuckets(
  limits: DailyAmount,
  now: () => number = Date.now,
): DailyBuckets {
  const all = { messages: limits.messages * FULL_BUCKETS, bytes: limits.bytes * FULL_BUCKETS };
  const newcomersMost = {
    messages: all.messages * (1 - RESERVED),
    bytes: all.bytes * (1 - RESERVED),
  };
  const known: KnownRule = {
    // A single message is no flood, however small the bucket.
    quiet: { messages: Math.max(1, limits.messages * QUIET), bytes: limits.bytes * QUIET },
    calm: newcomersMost,
  };
  /** In the order in which they last sent. */
  let pairs = new Map<string, Pair>();
  /** Senders of earlier days; undefined as long as nobody knows. */
  let knownSenders: Set<string> | undefined;
  let total = { messages: 0, bytes: 0 };
  let newcomers = { messages: 0, bytes: 0 };
  let today = dayOf(now());
  let loaded = false;

  function turnTheDay(): void {
    const day = dayOf(now());
    if (day === today) return;
    today = day;
    // Until the store says who is known.
    if (isBelow(total, known.calm)) {
      for (const [key, pair] of pairs) {
        if (hasRoom(NOTHING, pair, known.quiet)) knownSenders?.add(key);
      }
    }
    pairs = new Map();
    total = { messages: 0, bytes: 0 };
    newcomers = { messages: 0, bytes: 0 };
  }

  function pairOf({ prefix, type }: UnverifiedSender): Pair {
    const key = keyOf({ prefix, type });
    const pair = pairs.get(key) ??
      { prefix, type, messages: 0, bytes: 0, unsavedMessages: 0, unsavedBytes: 0 };
    pairs.delete(key);
    pairs.set(key, pair);
    if (pairs.size > MOST_PAIRS) pairs.delete(pairs.keys().next().value!);
    return pair;
  }

  function count(sender: UnverifiedSender, { messages, bytes }: DailyAmount): void {
    const pair = pairOf(sender);
    add(pair, { messages, bytes });
    pair.unsavedMessages += messages;
    pair.unsavedBytes += bytes;
    add(total, { messages, bytes });
    if (!isKnown(sender)) add(newcomers, { messages, bytes });
  }

  // Before the store has answered nobody is shut out for what is not known.
  const isKnown = (sender: UnverifiedSender) =>
    knownSenders === undefined || knownSenders.has(keyOf(sender));

  return {
    known,
    take(sender, bytes) {
      turnTheDay();
      const more = { messages: 1, bytes };
      const own = pairs.get(keyOf(sender)) ?? { messages: 0, bytes: 0 };
      if (!hasRoom(own, more, limits)) return "own";
      if (!hasRoom(total, more, all)) return "all";
      if (!isKnown(sender) && !hasRoom(newcomers, more, newcomersMost)) return "all";
      count(sender, more);
      return undefined;
    },
    giveBack(sender, bytes) {
      turnTheDay();
      // Of yesterday, or forgotten: there is nothing to give back to.
      if (pairs.has(keyOf(sender))) count(sender, { messages: -1, bytes: -bytes });
    },
    secondsLeft: () => Math.max(1, Math.ceil((DAY_MS - now() % DAY_MS) / 1_000)),
    day() {
      turnTheDay();
      return today;
    },
    unsaved: () =>
      [...pairs.values()].filter((pair) => pair.unsavedMessages !== 0)
        .map(({ prefix, type, unsavedMessages, unsavedBytes }) => (
          { prefix, type, messages: unsavedMessages, bytes: unsavedBytes }
        )),
    saved(day, ours, sent, shared) {
      turnTheDay();
      if (day !== today) return;
      for (const { messages, bytes, ...sender } of ours) {
        const pair = pairs.get(keyOf(sender));
        if (!pair) continue;
        pair.unsavedMessages -= messages;
        pair.unsavedBytes -= bytes;
      }
      for (const each of sent) {
        const pair = pairs.get(keyOf(each));
        if (!pair) continue;
        pair.messages = each.messages + pair.unsavedMessages;
        pair.bytes = each.bytes + pair.unsavedBytes;
      }
      if (!shared) return;
      const counted = { ...shared };
      for (const { unsavedMessages, unsavedBytes } of pairs.values()) {
        add(counted, { messages: unsavedMessages, bytes: unsavedBytes });
      }
      total = {
        messages: Math.max(total.messages, counted.messages),
        bytes: Math.max(total.bytes, counted.bytes),
      };
    },
    load(day, sent) {
      turnTheDay();
      knownSenders = new Set(sent.filter((each) => each.seenBefore).map(keyOf));
      const isFirst = !loaded;
      loaded = true;
      if (!isFirst || day !== today) return;
      for (const { seenBefore, messages, bytes, ...sender } of sent) {
        if (messages === 0) continue;
        add(pairOf(sender), { messages, bytes });
        add(total, { messages, bytes });
        if (!seenBefore) add(newcomers, { messages, bytes });
      }
    },
  };
}

const NOTHING: DailyAmount = { messages: 0, bytes: 0 };
const DAY_MS = 24 * 60 * 60 * 1_000;

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

function keyOf({ prefix, type }: UnverifiedSender): string {
  return `${prefix} ${type}`;
}

function add(to: DailyAmount, { messages, bytes }: DailyAmount): void {
  to.messages += messages;
  to.bytes += bytes;
}

function isBelow(one: DailyAmount, other: DailyAmount): boolean {
  return one.messages < other.messages && one.bytes < other.bytes;
}

function hasRoom(used: DailyAmount, more: DailyAmount, most: DailyAmount): boolean {
  return used.messages + more.messages <= most.messages && used.bytes + more.bytes <= most.bytes;
}
