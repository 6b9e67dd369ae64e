/** When a batch is full. */
export interface BatchLimits<T> {
  /** The most items in one batch. */
  items: number;
  /** The most weight in one batch; a heavier item goes alone. */
  weight?: number;
  weigh?: (item: T) => number;
}

interface Queued<T, R> {
  item: T;
  resolve: (result: R) => void;
  reject: (error: unknown) => void;
}

/**
 * Group commit: what arrives while one batch is being written forms the next
 * one, so a quiet service answers at once and a busy one shares its commits.
 * One batch is in flight at a time. `write` gets the items in order of arrival
 * and returns one result for each, an `Error` for an item that failed alone.
 */
export function createBatcher<T, R>(
  write: (items: T[]) => Promise<(R | Error)[]>,
  { items: most, weight = Infinity, weigh = () => 1 }: BatchLimits<T>,
): { add(item: T): Promise<R>; readonly waiting: number; idle(): Promise<void> } {
  const queue: Queued<T, R>[] = [];
  let running: Promise<void> | undefined;

  function next(): Queued<T, R>[] {
    let total = 0;
    let count = 0;
    while (count < queue.length && count < most) {
      total += weigh(queue[count].item);
      if (count > 0 && total > weight) break;
      count++;
    }
    return queue.splice(0, count);
  }

  async function run(): Promise<void> {
    while (queue.length > 0) {
      const batch = next();
      try {
        const results = await write(batch.map((entry) => entry.item));
        batch.forEach((entry, index) => {
          const result = results[index];
          if (result instanceof Error) entry.reject(result);
          else entry.resolve(result);
        });
      } catch (error) {
        for (const entry of batch) entry.reject(error);
      }
    }
    running = undefined;
  }

  return {
    add(item) {
      return new Promise((resolve, reject) => {
        queue.push({ item, resolve, reject });
        // A turn later, so that requests read in one turn of the loop share a batch.
        running ??= Promise.resolve().then(run);
      });
    },
    get waiting() {
      return queue.length;
    },
    async idle() {
      while (running) await running;
    },
  };
}
