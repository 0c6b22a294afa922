/**
 * How long a job waits before it makes a pod again: 10 s after a failure, twice as long after each further one, at most 10
 * minutes; a success starts it anew. Kept in memory only, as upstream's podBackoffStore. Upstream: backoff_utils.go.
 */
import type { LivePod } from '../pods.ts';
import { failuresOfIndex, finishedAt } from './job-pods.ts';

export interface Backoff {
  readonly failures: number;
  readonly lastFailure: number;
}

export const noFailures: Backoff = { failures: 0, lastFailure: 0 };

const firstWaitMs = 10_000;
const mostWaitMs = 600_000;

/** With the pods that have ended since. */
export function nextBackoff(known: Backoff, succeeded: readonly LivePod[], failed: readonly LivePod[]): Backoff {
  if (succeeded.length === 0 && failed.length === 0) return known;
  const lastSuccess = succeeded.length === 0 ? -Infinity : Math.max(...succeeded.map(finishedAt));
  const since = failed.map(finishedAt).filter((time) => time > lastSuccess);
  const before = succeeded.length === 0 ? known : noFailures;
  if (since.length === 0) return before;
  return { failures: before.failures + since.length, lastFailure: Math.max(...since) };
}

/** Milliseconds. */
export function waitAfter({ failures, lastFailure }: Backoff, now: number): number {
  if (failures === 0) return 0;
  return Math.max(0, lastFailure + Math.min(mostWaitMs, firstWaitMs * 2 ** (failures - 1)) - now);
}

/** An index with a back-off of its own; `failed`: its last pod. */
export function waitOfIndex(failed: LivePod | undefined, now: number): number {
  if (failed === undefined) return 0;
  return waitAfter({ failures: failuresOfIndex(failed) + 1, lastFailure: finishedAt(failed) }, now);
}
