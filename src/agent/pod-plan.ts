/**
 * What to do next for a pod: pure. Upstream: computePodActions and computeInitContainerActions in
 * pkg/kubelet/kuberuntime/kuberuntime_manager.go.
 *
 *   init containers in order; a sidecar (restartPolicy Always) lets the next one begin once it has started
 *   then all containers; each restarted by its restartPolicy or the pod's, after its back-off
 */
import type { Container, Pod } from '../api/gen/types.ts';
import { backoffLeft } from './crash-backoff.ts';
import type { ContainerRecord } from './pod-record.ts';
import { restartsAfter } from './restart-policy.ts';

export interface ContainerView {
  readonly record: ContainerRecord | undefined;
  /** Being pulled, created or started just now. */
  readonly busy: boolean;
  readonly running: boolean;
  /** Running, and its startup probe (if any) has passed. */
  readonly started: boolean;
  /** A failed attempt (image, configuration) may be repeated from this time on, ms. */
  readonly retryAt: number | undefined;
}

export interface Plan {
  readonly start: readonly string[];
  /** Waiting for its back-off. */
  readonly backingOff: readonly string[];
  /** Sidecars that are no longer needed, in the order to stop them. */
  readonly stop: readonly string[];
  readonly initialized: boolean;
  /** Look again at this time, ms. */
  readonly wakeAt: number | undefined;
}

export function isSidecar(container: Container): boolean {
  return container.restartPolicy === 'Always';
}

export function planPod(pod: Pod, initialized: boolean, view: (name: string) => ContainerView, now: number): Plan {
  const start: string[] = [];
  const backingOff: string[] = [];
  const wakes: number[] = [];
  const policy = pod.spec?.restartPolicy ?? 'Always';
  const consider = (container: Container, containerPolicy: string): void => {
    const { record, busy, running, retryAt } = view(container.name);
    if (busy || running) return;
    if (retryAt !== undefined && retryAt > now) {
      wakes.push(retryAt);
      return;
    }
    const exit = record?.exit;
    if (exit !== undefined) {
      if (!restartsAfter(container, containerPolicy, exit.code)) return;
      const left = backoffLeft(record?.backoff, exit.finishedAt, now);
      if (left > 0) {
        backingOff.push(container.name);
        wakes.push(now + left);
        return;
      }
    }
    start.push(container.name);
  };
  const init = initStep(pod, initialized, view, consider, policy);
  const finished = init && isFinished(pod, policy, view);
  if (init && !finished) for (const container of pod.spec?.containers ?? []) consider(container, policy);
  // Each runs once, whatever becomes of it.
  if (!finished) for (const container of pod.spec?.ephemeralContainers ?? []) consider(container, 'Never');
  const stop = finished ? [...runningEphemeral(pod, view), ...runningSidecars(pod, view)] : [];
  return {
    start: finished ? [] : start,
    backingOff,
    stop,
    initialized: init,
    wakeAt: wakes.length > 0 ? Math.min(...wakes) : undefined,
  };
}

/** True when the pod's own containers may run. Sidecars are kept running afterwards too. */
function initStep(
  pod: Pod,
  initialized: boolean,
  view: (name: string) => ContainerView,
  consider: (container: Container, policy: string) => void,
  policy: string,
): boolean {
  for (const container of pod.spec?.initContainers ?? []) {
    const { record, running, started } = view(container.name);
    if (isSidecar(container)) {
      if (!running) consider(container, 'Always');
      if (!started && !initialized) return false;
      continue;
    }
    if (initialized || record?.exit?.code === 0) continue;
    // Always, for an init container, means: until it succeeds.
    consider(container, policy === 'Never' ? 'Never' : 'OnFailure');
    return false;
  }
  return true;
}

/** All containers have ended for good. */
export function isFinished(pod: Pod, policy: string, view: (name: string) => ContainerView): boolean {
  return (pod.spec?.containers ?? []).every((container) => {
    const { record, busy, running } = view(container.name);
    return !busy && !running && record?.exit !== undefined && !restartsAfter(container, policy, record.exit.code);
  });
}

/** An init container that has failed and is not run again ends the pod. */
export function initFailed(pod: Pod, initialized: boolean, view: (name: string) => ContainerView): boolean {
  if (initialized) return false;
  return (pod.spec?.initContainers ?? []).some((container) => {
    const exit = view(container.name).record?.exit;
    if (isSidecar(container) || exit === undefined || exit.code === 0) return false;
    return !restartsAfter(container, pod.spec?.restartPolicy ?? 'Always', exit.code);
  });
}

/** Last started, first stopped (KEP-753). */
function runningSidecars(pod: Pod, view: (name: string) => ContainerView): string[] {
  const sidecars = (pod.spec?.initContainers ?? []).filter(isSidecar).map((container) => container.name);
  return sidecars.reverse().filter((name) => view(name).running);
}

/** Whoever looks at a pod does not keep it. */
function runningEphemeral(pod: Pod, view: (name: string) => ContainerView): string[] {
  return (pod.spec?.ephemeralContainers ?? []).map(({ name }) => name).filter((name) => view(name).running);
}
