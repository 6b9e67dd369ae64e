/** What has been opened so far, to be closed in the opposite order. */
export interface Closer {
  /** Remembers how to close something and returns it. */
  add<T extends AsyncDisposable>(resource: T): T;
  defer(close: () => PromiseLike<unknown>): void;
  /** Closes everything, the last opened first, however each of them goes; then throws the first error. */
  close(): Promise<void>;
}

/** What `AsyncDisposableStack` does: Node 22 has neither that nor `using`. */
function createCloser(): Closer {
  const closes: (() => PromiseLike<unknown>)[] = [];
  return {
    add(resource) {
      closes.push(() => resource[Symbol.asyncDispose]());
      return resource;
    },
    defer(close) {
      closes.push(close);
    },
    async close() {
      const errors: unknown[] = [];
      for (let close = closes.pop(); close; close = closes.pop()) {
        try {
          await close();
        } catch (error) {
          errors.push(error);
        }
      }
      if (errors.length > 0) throw errors[0];
    },
  };
}

/** Opens things with a closer; should that fail in the middle, what was opened is closed. */
export async function openAll<T>(open: (closer: Closer) => Promise<T>): Promise<T> {
  const closer = createCloser();
  try {
    return await open(closer);
  } catch (error) {
    await closer.close().catch(() => {});
    throw error;
  }
}

/** Uses a resource and closes it, whatever happens. */
export async function useAndClose<T extends AsyncDisposable, R>(
  resource: T,
  use: (resource: T) => Promise<R>,
): Promise<R> {
  try {
    return await use(resource);
  } finally {
    await resource[Symbol.asyncDispose]();
  }
}
