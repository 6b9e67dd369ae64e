/** Time as a waterfall shows it: what nobody worked in is cut out. */
export interface Axis {
  /** Where a time stands, from 0 to 1. */
  at(time: number): number;
  /** Whether a stretch of time was cut out, but for a mark. */
  isCut(from: number, to: number): boolean;
  /** How long people or the agent worked, and how long nobody did, in milliseconds. */
  worked: number;
  cut: number;
}

interface Stretch {
  from: number;
  to: number;
}

/** A shorter wait is shown as long as it was. */
const SHORTEST_CUT_MS = 1_000;
/** How wide what was cut out is, as a share of all work. */
const CUT_WIDTH = 0.08;

/**
 * An axis for stretches of work: the time between them is cut out where it is long, so that a
 * minute of work is not a dot beside a night of waiting for a person.
 *
 * @param whole all that the axis is for, its waits among it.
 */
export function createAxis(work: readonly Stretch[], whole: Stretch): Axis {
  const gaps = gapsIn(work, whole);
  const cut = gaps.reduce((all, gap) => all + gap.to - gap.from, 0);
  const worked = whole.to - whole.from - cut;
  const width = Math.max(worked, 1) * CUT_WIDTH;
  const length = worked + gaps.length * width || 1;
  // How much of the time before each gap's beginning was cut out, its marks taken off.
  const before = [0];
  for (const { from, to } of gaps) before.push(before.at(-1)! + to - from - width);

  /** How many gaps have begun before a time. */
  function begun(time: number): number {
    let low = 0;
    let high = gaps.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (gaps[middle].from < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }
  return {
    at(time) {
      const count = begun(time);
      const gap = gaps[count - 1];
      const shown = gap && time < gap.to
        ? gap.from - whole.from - before[count - 1] +
          (time - gap.from) / (gap.to - gap.from) * width
        : time - whole.from - before[count];
      return Math.min(1, Math.max(0, shown / length));
    },
    isCut(from, to) {
      const gap = gaps[begun(to) - 1];
      return gap !== undefined && gap.from < to && gap.to > from;
    },
    worked,
    cut,
  };
}

/** The long stretches in which nothing was worked, in order. */
function gapsIn(work: readonly Stretch[], whole: Stretch): Stretch[] {
  const gaps: Stretch[] = [];
  let until = whole.from;
  const note = (to: number) => {
    if (to - until >= SHORTEST_CUT_MS) gaps.push({ from: until, to });
  };
  for (const { from, to } of work.toSorted((one, other) => one.from - other.from)) {
    note(from);
    until = Math.max(until, to);
  }
  note(whole.to);
  return gaps;
}
