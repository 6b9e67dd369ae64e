import { assert } from "@std/assert";

/** A reader of foreign bytes, and the worst that it may be given. */
export interface Reader<Input = unknown> {
  /** As in "reading Markdown with open brackets". */
  name: string;
  /** An input of about so many characters, bytes or items. */
  worst(size: number): Input;
  read(input: Input): unknown;
  /** The largest input that makes sense, where something else refuses larger ones. */
  most?: number;
}

/** A table's row, with its input's type checked. */
export const reader = <Input>(row: Reader<Input>): Reader => row as Reader;

/** The quickest of so many runs counts: others had garbage to collect, or the machine was busy. */
const TIMES = 9;
/** What is four times as long may take eight times as long, for caches and collections of garbage. */
const MOST_RATIO = 8;
/** Shorter times say nothing: the input grows, or is read again and again, until it takes as long. */
const LEAST_MS = 4;
/**
 * What takes less cannot be told from the engine's own doings, such as moving a large string to its
 * old space; what is quadratic in 200,000 characters takes seconds.
 */
const NOTHING_MS = 25;
const MOST_ROUNDS = 40;
const FIRST_SIZE = 1_000;
/** Beyond this the engine's own care for large strings is measured; what is quadratic takes seconds at a tenth of it. */
const MOST_SIZE = 200_000;
const TRIES = 5;

/**
 * Fails unless a reader takes linear time: the times for an input and for one that is four times
 * as long are compared, the quickest of several runs in this process. It may be busy with other
 * things for a moment, so it is asked again before it is blamed.
 */
export async function assertLinear(row: Reader): Promise<void> {
  const most = (row.most ?? MOST_SIZE) / 4;
  let size = Math.min(FIRST_SIZE, most);
  let took = await quickest(row, size);
  while (size < most && took < LEAST_MS) {
    size = Math.min(2 * size, most);
    took = await quickest(row, size);
  }
  const rounds = Math.min(MOST_ROUNDS, Math.ceil(LEAST_MS / took));
  const ratios: string[] = [];
  for (let tries = 0; tries < TRIES; tries++) {
    const [one, four] = [row.worst(size), row.worst(4 * size)];
    const times: [one: number[], four: number[]] = [[], []];
    for (let run = 0; run < TIMES; run++) {
      times[0].push(await spent(row, one, rounds));
      times[1].push(await spent(row, four, rounds));
    }
    const [short, long] = times.map((each) => Math.min(...each));
    if (long < MOST_RATIO * Math.max(short, NOTHING_MS)) return;
    ratios.push(`${short.toFixed(1)} ms and ${long.toFixed(1)} ms`);
  }
  assert(false, `${row.name}: ${size} and ${4 * size} took ${ratios.join("; ")}`);
}

/** The first reading is that of a cold engine. */
async function quickest(row: Reader, size: number): Promise<number> {
  const input = row.worst(size);
  const times: number[] = [];
  for (let run = 0; run < 3; run++) times.push(await spent(row, input));
  return Math.min(...times);
}

async function spent({ read }: Reader, input: unknown, rounds = 1): Promise<number> {
  const before = performance.now();
  for (let round = 0; round < rounds; round++) await read(input);
  return performance.now() - before;
}
