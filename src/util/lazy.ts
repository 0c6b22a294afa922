/**
 * A module that is loaded when it is first needed, by code that cannot wait:
 *
 *   const engine = lazy(() => import('./engine.ts'))
 *   engine()            the module, or NotLoaded is thrown
 *   whenLoaded(work)    does the work, again with what it was missing
 *
 * What throws NotLoaded must have changed nothing: a transaction, a pure function.
 */
export class NotLoaded extends Error {
  readonly load: () => Promise<void>;
  constructor(load: () => Promise<void>) {
    super('a module is not loaded yet');
    this.load = load;
  }
}

export function lazy<T>(load: () => Promise<T>): () => T {
  let known: { readonly module: T } | undefined;
  return () => {
    if (known === undefined) {
      throw new NotLoaded(async () => {
        known = { module: await load() };
      });
    }
    return known.module;
  };
}

export async function whenLoaded<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof NotLoaded)) throw error;
      await error.load();
    }
  }
}
