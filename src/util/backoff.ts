/**
 * How long to wait before trying again: exponential, bounded, jittered so that a herd does not return as one.
 *
 *   const wait = createBackoff({ baseMs: 50, maxMs: 5_000 });
 *   await sleep(wait.next(), signal); … wait.reset();
 */
import { setTimeout as delay } from 'node:timers/promises';

export interface BackoffOptions {
  readonly baseMs: number;
  readonly maxMs: number;
  /** 0.5: between 100 % and 150 % of the step. */
  readonly jitter?: number;
}

export interface Backoff {
  /** Milliseconds to wait now; the next one is twice as long. */
  next(): number;
  reset(): void;
}

export function createBackoff(options: BackoffOptions): Backoff {
  let failures = 0;
  return {
    next: () => backoffMs(failures++, options),
    reset() {
      failures = 0;
    },
  };
}

/** For the failure number `failures`, counted from 0. */
export function backoffMs(failures: number, options: BackoffOptions): number {
  const step = Math.min(options.maxMs, options.baseMs * 2 ** Math.min(failures, 30));
  return step * (1 + Math.random() * (options.jitter ?? 0.5));
}

/** Ends early, without an error, when the signal aborts: the caller looks at the signal. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
