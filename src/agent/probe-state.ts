/**
 * What a row of probe results means: pure. Upstream: pkg/kubelet/prober/worker.go, results_manager.go.
 *
 *   startup     unknown ── successes ──> success: the other probes begin     failures ──> failure: the container is restarted
 *   readiness   failure until successes reach the threshold; failures reach it: failure
 *   liveness    success until failures reach the threshold: failure: the container is restarted
 */
import type { Probe } from '../api/gen/types.ts';

export type ProbeKind = 'startup' | 'readiness' | 'liveness';
export type Verdict = 'success' | 'failure' | 'unknown';

export interface ProbeState {
  readonly verdict: Verdict;
  /** The same result so many times in a row. */
  readonly run: number;
  readonly last: boolean | undefined;
}

export function initialProbeState(kind: ProbeKind): ProbeState {
  const verdict = kind === 'liveness' ? 'success' : kind === 'readiness' ? 'failure' : 'unknown';
  return { verdict, run: 0, last: undefined };
}

export function nextProbeState(state: ProbeState, ok: boolean, probe: Probe): ProbeState {
  const run = state.last === ok ? state.run + 1 : 1;
  const threshold = ok ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3);
  if (run < threshold) return { verdict: state.verdict, run, last: ok };
  return { verdict: ok ? 'success' : 'failure', run, last: ok };
}

/**
 * ms until the next probe; `elapsed` since the first. In the first period a readiness or startup probe that has not
 * succeeded yet is tried again soon, so that a program which is up after 30 ms is Ready after 30 ms; such an early
 * failure says nothing yet (`countsAsFailure`), so thresholds keep their meaning in time.
 */
export function probeWait(kind: ProbeKind, probe: Probe, state: ProbeState, attempts: number, elapsed: number): number {
  const period = periodMs(probe);
  if (kind === 'liveness' || state.last === true || elapsed >= period) return period;
  return Math.max(earlyWaitMs, Math.min(earlyWaitMs * 2 ** Math.min(attempts - 1, 12), period - elapsed));
}

export function countsAsFailure(kind: ProbeKind, probe: Probe, state: ProbeState, elapsed: number): boolean {
  return kind === 'liveness' || state.last === true || elapsed >= periodMs(probe);
}

const earlyWaitMs = 10;

function periodMs(probe: Probe): number {
  return (probe.periodSeconds ?? 10) * 1000;
}
