import { type FaultName, kindOf } from "./faults.ts";
import { randomFor } from "./random.ts";

/** One fault of a storm, as its seed has it. */
export interface Planned {
  place: number;
  name: FaultName;
  seconds: number;
  /** Whether it is made together with the one before it. */
  joins: boolean;
}

/** Of a hundred faults so many hit while another part is hit as well. */
const JOINED = 20;

/**
 * The faults of a storm in their order: every kind comes before any comes again. Two at a time
 * have different targets.
 */
export function planFaults(
  { seed, faults, kinds }: { seed: string; faults: number; kinds: readonly FaultName[] },
): Planned[] {
  const planned: Planned[] = [];
  for (let round = 0; planned.length < faults && kinds.length > 0; round++) {
    for (const name of randomFor(seed, "round", round).shuffle(kinds)) {
      if (planned.length === faults) break;
      const place = planned.length;
      const random = randomFor(seed, "fault", place);
      const { seconds: [least, most], target } = kindOf(name);
      const before = planned.at(-1);
      const fits = before !== undefined && !before.joins &&
        new Set([target, kindOf(before.name).target, "all"]).size === 3;
      planned.push({
        place,
        name,
        seconds: least + (most - least) * random.next(),
        joins: fits && random.between(1, 100) <= JOINED,
      });
    }
  }
  return planned;
}
