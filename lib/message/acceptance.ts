import { cached } from "../async/cached.ts";

/** Whether messages are taken now, and where they go. */
export interface Acceptance {
  /** `some`: most are taken, but not all. */
  takes: "all" | "some" | "none";
  /** Where they went last, or would go. */
  into: "database" | "spill";
  /** Why they do not all go into the database, in words for anyone. */
  why?: string;
}

/** What became of a message that was to be kept. */
export type KeptIn = Acceptance["into"] | "nothing";

/**
 * The rule in one sentence: what became of the messages of the last 5 s decides, the newest of them
 * first, and as soon as the newest outcome is older than that, be it good or bad, a small write of
 * our own decides, at most one in 5 s.
 *
 * So a refusal is over 5 s after the store is well again although nobody sends anything; and what
 * was taken half a minute ago does not hide a disk that has been full since.
 */
export interface AcceptanceWatch {
  /** Notes what became of one message, and why it did not go into the database. */
  note(kept: KeptIn, why?: string): void;
  /**
   * Whether a message would be taken now.
   *
   * @param awaySince since when the database does not answer, by
   * `performance.now()`: it is not tried again, and what it took before counts
   * no more. What it took since shows that only the question was slow.
   */
  judge(awaySince?: number): Promise<Acceptance>;
}

/** Outcomes of so long ago count; older ones say nothing of now that a write would not say better. */
const RECENT_MS = 5_000;
/** Something is written of our own at most once in this time. */
const TRY_MS = 5_000;
/** From this share of refused messages on, "some" would be a euphemism. */
const MOST_REFUSED = 0.1;

/** The outcomes of one part of a second. */
interface Slot {
  at: number;
  kept: number;
  refused: number;
}
/** So that a slot is not made for each message. */
const SLOT_MS = 250;

/** `tryDatabase` and `trySpill` write something, and say in words why that failed. */
export function watchAcceptance(
  { tryDatabase, trySpill, now = () => performance.now() }: {
    tryDatabase(): Promise<string | undefined>;
    /** Left out where there is no spill. */
    trySpill?(): Promise<string | undefined>;
    now?(): number;
  },
): AcceptanceWatch {
  let slots: Slot[] = [];
  let last: { kept: KeptIn; why?: string } = { kept: "database" };
  let storedAt = -Infinity;
  /** Why the last message that was refused was refused. */
  let refusal: string | undefined;
  // One write at a time and one in five seconds, however many ask.
  const database = cached(tryDatabase, { freshMs: TRY_MS, rest: 0 });
  const spill = trySpill && cached(trySpill, { freshMs: TRY_MS, rest: 0 });

  function recent(): { total: number; refused: number } {
    const since = now() - RECENT_MS;
    slots = slots.filter(({ at }) => at >= since);
    return slots.reduce((sum, { kept, refused }) => ({
      total: sum.total + kept + refused,
      refused: sum.refused + refused,
    }), { total: 0, refused: 0 });
  }

  async function judgeSpill(why: string | undefined): Promise<Acceptance> {
    if (!spill) return { takes: "none", into: "database", why };
    const spillWhy = await spill();
    return spillWhy === undefined
      ? { takes: "all", into: "spill", why }
      : { takes: "none", into: "spill", why: [why, spillWhy].filter(Boolean).join("; ") };
  }

  return {
    note(kept, why) {
      const at = now();
      let slot = slots.at(-1);
      if (!slot || at - slot.at >= SLOT_MS) {
        slot = { at, kept: 0, refused: 0 };
        slots.push(slot);
        if (slots.length > RECENT_MS / SLOT_MS * 2) recent();
      }
      if (kept === "nothing") {
        slot.refused++;
        refusal = why;
      } else slot.kept++;
      if (kept === "database") storedAt = at;
      last = { kept, why };
    },
    async judge(awaySince = Infinity) {
      const away = awaySince < Infinity && storedAt < awaySince;
      const { total, refused } = recent();
      if (total > 0) {
        const { kept, why } = last;
        if (kept === "nothing" || refused >= total * MOST_REFUSED) {
          return { takes: "none", into: spill ? "spill" : "database", why: refusal };
        }
        if (kept === "spill" || !away) {
          return refused > 0
            ? { takes: "some", into: kept, why: refusal }
            : { takes: "all", into: kept, why };
        }
      }
      if (away) return await judgeSpill("the database does not answer");
      const why = await database();
      return why === undefined ? { takes: "all", into: "database" } : await judgeSpill(why);
    },
  };
}
