/**
 * How all tests wait: for a condition, never for a time.
 *
 *   await eventually('the Service is gone', async () => (await list()).length === 0);
 *   const ip = await eventually('an address', async () => (await read()).status?.podIP ?? false);
 *   const flows = await until('two nodes answer', ask, (answers) => answers.size === 2);
 */

export interface Patience {
  /** Milliseconds; 60,000, because machines are slow and a condition that never comes is rare. */
  readonly timeoutMs?: number;
  /** Milliseconds between two questions; from 10 to 100, the longer it has taken already. */
  readonly intervalMs?: number;
  /** What to say beside the reason when patience ends. */
  readonly explain?: () => string;
}

/** A probe that gives undefined, or nothing, does not say whether it holds. */
type Told<R> = undefined extends Awaited<R> ? never : R;

/** Asks until the answer is not false, and gives it. An error is a "not yet" too: the last one is told. */
export async function eventually<R>(
  what: string,
  probe: () => R & Told<R>,
  { timeoutMs = 60_000, intervalMs, explain }: Patience = {},
): Promise<Exclude<Awaited<R>, false>> {
  const began = performance.now();
  for (;;) {
    let last: unknown = 'the condition was false';
    try {
      const value = await (probe() as R);
      if (value !== false) return value as Exclude<Awaited<R>, false>;
    } catch (error) {
      last = error;
    }
    const waited = performance.now() - began;
    if (waited > timeoutMs) throw new Error(`gave up waiting: ${what}. ${explain?.() ?? ''}`, { cause: last });
    const pauseMs = intervalMs ?? Math.min(100, 10 + waited / 10);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

/** Reads until what was read is good, and gives it. An error of `read` fails at once. */
export async function until<T>(what: string, read: () => T | Promise<T>, good: (value: T) => boolean): Promise<T> {
  let value = await read();
  if (!good(value)) {
    await eventually(what, async () => good((value = await read())), {
      explain: () => `Last: ${JSON.stringify(value)}`,
    });
  }
  return value;
}
