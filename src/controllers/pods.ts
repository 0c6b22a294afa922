/**
 * What a pod's fields mean to the controllers. Upstream: pkg/api/v1/pod, pkg/controller/controller_utils.go.
 */
import type { Container, Pod, PodCondition } from '../api/gen/types.ts';
import type { Live } from '../api/object.ts';

export type LivePod = Live<Pod>;

export function conditionOf(pod: Pod, type: string): PodCondition | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === type);
}

export function isReady(pod: Pod): boolean {
  return conditionOf(pod, 'Ready')?.status === 'True';
}

/** Ready for at least minReadySeconds. */
export function isAvailable(pod: Pod, minReadySeconds: number, now: number): boolean {
  return availableIn(pod, minReadySeconds, now) === 0;
}

/** Milliseconds until it counts as available; undefined: not ready. */
export function availableIn(pod: Pod, minReadySeconds: number, now: number): number | undefined {
  const ready = conditionOf(pod, 'Ready');
  if (ready?.status !== 'True') return undefined;
  if (minReadySeconds === 0) return 0;
  const since = Date.parse(ready.lastTransitionTime ?? '');
  return Number.isNaN(since) ? undefined : Math.max(0, since + minReadySeconds * 1000 - now);
}

/** Ran to its end. */
export function isTerminal(pod: Pod): boolean {
  return pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded';
}

/** Counts towards a ReplicaSet's replicas. */
export function isActive(pod: Pod): boolean {
  return !isTerminal(pod) && pod.metadata?.deletionTimestamp === undefined;
}

export function isTerminating(pod: Pod): boolean {
  return !isTerminal(pod) && pod.metadata?.deletionTimestamp !== undefined;
}

export function restartCount(pod: Pod): number {
  let most = 0;
  for (const { restartCount } of pod.status?.containerStatuses ?? []) most = Math.max(most, restartCount);
  return most;
}

const deletionCost = 'controller.kubernetes.io/pod-deletion-cost';

/** What no loop reads is not kept: a pod here is a third of the real one. So pods are only ever patched, never PUT. */
export function slimPod(pod: LivePod): LivePod {
  const { annotations } = pod.metadata;
  const cost = annotations?.[deletionCost];
  pod.metadata.annotations = cost === undefined ? {} : { [deletionCost]: cost };
  const { spec, status } = pod;
  if (spec !== undefined) {
    delete spec.volumes;
    delete spec.securityContext;
    spec.containers = spec.containers.map(slimContainer);
    if (spec.initContainers !== undefined) spec.initContainers = spec.initContainers.map(slimContainer);
    delete spec.ephemeralContainers;
  }
  if (status !== undefined) {
    delete status.initContainerStatuses;
    delete status.ephemeralContainerStatuses;
    status.containerStatuses = status.containerStatuses?.map(({ name, ready, restartCount: restarts, image }) => ({
      name,
      ready,
      restartCount: restarts,
      image,
      imageID: '',
    }));
  }
  return pod;
}

function slimContainer({ name, ports, resources, restartPolicy }: Container): Container {
  return {
    name,
    ...(ports === undefined ? {} : { ports }),
    ...(resources === undefined ? {} : { resources }),
    ...(restartPolicy === undefined ? {} : { restartPolicy }),
  };
}
