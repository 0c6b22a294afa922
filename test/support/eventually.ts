/** Waiting for a condition, never for a time. */

export interface Patience {
  readonly timeoutMs?: number;
  readonly intervalMs?: number;
}

/**
 * Calls `probe` until it neither throws nor gives undefined or false, and gives its value.
 * Fails with the last reason after `timeoutMs` (30 s).
 */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | undefined | false>,
  patience: Patience = {},
): Promise<T> {
  const deadline = Date.now() + (patience.timeoutMs ?? 30_000);
  let last: unknown = 'the condition was false';
  for (;;) {
    try {
      const value = await probe();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`gave up waiting: ${what}`, { cause: last });
    await new Promise((resolve) => setTimeout(resolve, patience.intervalMs ?? 100));
  }
}
