/**
 * How long a container that keeps ending must wait: 10 s, 20 s, 40 s … 5 min; forgotten after it has run for 10 minutes.
 * The first restart is at once. Upstream: client-go/util/flowcontrol/backoff.go as pkg/kubelet uses it (MaxContainerBackOff).
 */
export interface BackoffState {
  /** How long the next restart must wait after the container's end, ms. */
  readonly delayMs: number;
  /** When it was raised: at the restart. */
  readonly since: number;
}

const crashBackoff = { baseMs: 10_000, maxMs: 300_000 };

/** At a (re)start or an attempt at `now`; `state` undefined: the first. */
export function nextBackoff(state: BackoffState | undefined, now: number, limits = crashBackoff): BackoffState {
  if (state === undefined || now - state.since > 2 * limits.maxMs) return { delayMs: limits.baseMs, since: now };
  return { delayMs: Math.min(limits.maxMs, state.delayMs * 2), since: now };
}

/** Milliseconds that are still to wait, for a container that ended at `endedAt`. */
export function backoffLeft(state: BackoffState | undefined, endedAt: number, now: number): number {
  if (state === undefined || endedAt - state.since > 2 * crashBackoff.maxMs) return 0;
  return Math.max(0, endedAt + state.delayMs - now);
}

/** Go's Duration text of whole seconds: `10s`, `1m20s`, `5m0s`. */
export function durationText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${String(seconds)}s`;
  return `${String(Math.floor(seconds / 60))}m${String(seconds % 60)}s`;
}
