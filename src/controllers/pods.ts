/**
 * What a pod's fields mean to the controllers. Upstream: pkg/api/v1/pod, pkg/controller/controller_utils.go.
 */
import type { Container, ContainerStatus, Pod, PodCondition, PodSpec, Volume } from '../api/gen/types.ts';
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
/** Index and failures of a job's pod. */
const jobDomain = 'batch.kubernetes.io/';

/** What no loop reads is not kept: a pod here is a third of the real one. So pods are only ever patched, never PUT. */
export function slimPod(pod: LivePod): LivePod {
  const kept = Object.entries(pod.metadata.annotations ?? {}).filter(
    ([key]) => key === deletionCost || key.startsWith(jobDomain),
  );
  pod.metadata.annotations = Object.fromEntries(kept);
  const isJobs = pod.metadata.ownerReferences?.some(({ kind }) => kind === 'Job') === true;
  const { spec, status } = pod;
  if (spec !== undefined) {
    keepClaims(spec);
    delete spec.securityContext;
    spec.containers = spec.containers.map(slimContainer);
    if (spec.initContainers !== undefined) spec.initContainers = spec.initContainers.map(slimContainer);
    delete spec.ephemeralContainers;
  }
  if (status !== undefined) {
    delete status.ephemeralContainerStatuses;
    if (isJobs) status.initContainerStatuses = status.initContainerStatuses?.map((one) => slimStatus(one, true));
    else delete status.initContainerStatuses;
    status.containerStatuses = status.containerStatuses?.map((one) => slimStatus(one, isJobs));
  }
  return pod;
}

/** Of volumes, whether they hold a claim. */
function keepClaims(spec: PodSpec): void {
  const claims = spec.volumes?.flatMap(({ name, persistentVolumeClaim, ephemeral }): Volume[] => {
    if (persistentVolumeClaim !== undefined) return [{ name, persistentVolumeClaim }];
    return ephemeral === undefined ? [] : [{ name, ephemeral: {} }];
  });
  if (claims === undefined || claims.length === 0) delete spec.volumes;
  else spec.volumes = claims;
}

/** Only jobs ask how a container ended. */
function slimStatus(status: ContainerStatus, withEnd: boolean): ContainerStatus {
  const { name, ready, restartCount: restarts, image, state } = status;
  const { exitCode, finishedAt } = state?.terminated ?? {};
  return {
    name,
    ready,
    restartCount: restarts,
    image,
    imageID: '',
    ...(withEnd && exitCode !== undefined
      ? { state: { terminated: { exitCode, ...(finishedAt === undefined ? {} : { finishedAt }) } } }
      : {}),
  };
}

function slimContainer({ name, ports, resources, restartPolicy }: Container): Container {
  return {
    name,
    ...(ports === undefined ? {} : { ports }),
    ...(resources === undefined ? {} : { resources }),
    ...(restartPolicy === undefined ? {} : { restartPolicy }),
  };
}
