/** The probes of one running container, each on its own clock. */
import type { Container, Probe } from '../api/gen/types.ts';
import { runProbe } from './probe-run.ts';
import type { ProbeResult, ProbeTarget } from './probe-run.ts';
import { countsAsFailure, initialProbeState, nextProbeState, probeWait } from './probe-state.ts';
import type { ProbeKind, ProbeState, Verdict } from './probe-state.ts';

export interface ProberEvents {
  /** A verdict has changed. */
  onChange(kind: ProbeKind, verdict: Verdict): void;
  /** A probe failed, which an event should tell. */
  onFailure(kind: ProbeKind, result: ProbeResult): void;
}

export interface Prober {
  /** startup: passed, or there is none. */
  readonly started: boolean;
  readonly ready: boolean;
  /** Liveness and startup end; readiness goes on while a pod terminates. */
  stopRestarting(): void;
  stop(): void;
}

/**
 * `was`: the verdicts that an earlier agent had reached for this very run; they stand until a probe says otherwise, so that
 * a restart of the agent takes no pod out of service.
 */
export function createProber(
  target: ProbeTarget,
  startedAt: number,
  events: ProberEvents,
  was: { readonly started: boolean; readonly ready: boolean } = { started: false, ready: false },
): Prober {
  const { container } = target;
  const states = new Map<ProbeKind, ProbeState>();
  const timers = new Map<ProbeKind, NodeJS.Timeout>();
  const stopped = new Set<ProbeKind>();

  const begin = (kind: ProbeKind): void => {
    const probe = probeOf(container, kind);
    if (probe === undefined) return;
    const known = kind === 'readiness' && was.ready;
    states.set(kind, known ? { verdict: 'success', run: 0, last: undefined } : initialProbeState(kind));
    const delay = startedAt + (probe.initialDelaySeconds ?? 0) * 1000 - Date.now();
    schedule(kind, Math.max(0, delay), () => loop(kind, probe, Date.now(), 1));
  };
  const schedule = (kind: ProbeKind, ms: number, call: () => Promise<void>): void => {
    if (stopped.has(kind)) return;
    timers.set(
      kind,
      setTimeout(() => void call(), ms),
    );
  };
  const loop = async (kind: ProbeKind, probe: Probe, first: number, attempts: number): Promise<void> => {
    const result = await runProbe(probe, target);
    if (stopped.has(kind)) return;
    const before = states.get(kind) ?? initialProbeState(kind);
    const elapsed = Date.now() - first;
    let after = before;
    if (result.ok || countsAsFailure(kind, probe, before, elapsed)) {
      if (!result.ok) events.onFailure(kind, result);
      after = nextProbeState(before, result.ok, probe);
      states.set(kind, after);
    }
    // A startup probe has done its work at its first verdict.
    const over = kind === 'startup' && after.verdict !== 'unknown';
    if (!over)
      schedule(kind, probeWait(kind, probe, after, attempts, elapsed), () => loop(kind, probe, first, attempts + 1));
    if (after.verdict === before.verdict) return;
    if (kind === 'startup' && after.verdict === 'success') beginOthers();
    events.onChange(kind, after.verdict);
  };
  const beginOthers = (): void => {
    begin('readiness');
    begin('liveness');
  };
  if (container.startupProbe === undefined || was.started) {
    if (container.startupProbe !== undefined) states.set('startup', { verdict: 'success', run: 0, last: undefined });
    beginOthers();
  } else begin('startup');

  const halt = (kind: ProbeKind): void => {
    stopped.add(kind);
    clearTimeout(timers.get(kind));
  };
  return {
    get started() {
      return container.startupProbe === undefined || states.get('startup')?.verdict === 'success';
    },
    get ready() {
      if (container.startupProbe !== undefined && states.get('startup')?.verdict !== 'success') return false;
      return container.readinessProbe === undefined || states.get('readiness')?.verdict === 'success';
    },
    stopRestarting() {
      halt('startup');
      halt('liveness');
    },
    stop() {
      for (const kind of ['startup', 'readiness', 'liveness'] as const) halt(kind);
    },
  };
}

function probeOf(container: Container, kind: ProbeKind): Probe | undefined {
  if (kind === 'startup') return container.startupProbe;
  return kind === 'readiness' ? container.readinessProbe : container.livenessProbe;
}
