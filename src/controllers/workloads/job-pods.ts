/** What the pods of a job say: their index, whether they count as failed, when they ended. */
import type { ContainerStatus } from '../../api/gen/types.ts';
import { conditionOf, isTerminal } from '../pods.ts';
import type { LivePod } from '../pods.ts';
import type { LiveJob } from './job-facts.ts';
import { matchFailure } from './job-policies.ts';

export const trackingFinalizer = 'batch.kubernetes.io/job-tracking';
/** A label and an annotation of the same name; the annotation decides. */
export const indexLabel = 'batch.kubernetes.io/job-completion-index';
const failureCount = 'batch.kubernetes.io/job-index-failure-count';
const ignoredFailureCount = 'batch.kubernetes.io/job-index-ignored-failure-count';

/** Without a readable one: -1. */
export function indexOf(pod: LivePod): number {
  const text = pod.metadata.annotations?.[indexLabel] ?? '';
  return /^\d+$/.test(text) ? Number(text) : -1;
}

export function isTracked({ metadata }: LivePod): boolean {
  return metadata.finalizers?.includes(trackingFinalizer) === true;
}

/** podReplacementPolicy: a pod that is going away has failed only when it has ended. */
export function replacesOnlyFailed({ spec }: LiveJob): boolean {
  return spec?.podReplacementPolicy === 'Failed' || spec?.podFailurePolicy !== undefined;
}

export function isFailed(pod: LivePod, job: LiveJob): boolean {
  if (pod.status?.phase === 'Failed') return true;
  if (replacesOnlyFailed(job)) return false;
  // Those that were deleted may never get the chance to reach the phase.
  return pod.metadata.deletionTimestamp !== undefined && !isTerminal(pod);
}

/** Of a job with backoffLimitPerIndex: nothing may take the place of this pod any more. */
export function failsIndex(pod: LivePod, job: LiveJob): boolean {
  if (!isFailed(pod, job)) return false;
  const { action, counts } = matchFailure(job.spec?.podFailurePolicy, pod);
  if (action === 'FailIndex') return true;
  return counts && numberIn(pod, failureCount) >= (job.spec?.backoffLimitPerIndex ?? 0);
}

export function failuresOfIndex(pod: LivePod): number {
  return numberIn(pod, failureCount) + numberIn(pod, ignoredFailureCount);
}

/** What the pod that takes the place of `failed` is told of those before it. */
export function failureAnnotations(job: LiveJob, failed: LivePod | undefined): Record<string, string> {
  if (failed === undefined) return { [failureCount]: '0' };
  const { counts } = matchFailure(job.spec?.podFailurePolicy, failed);
  const ignored = numberIn(failed, ignoredFailureCount) + (counts ? 0 : 1);
  return {
    [failureCount]: String(numberIn(failed, failureCount) + (counts ? 1 : 0)),
    ...(ignored > 0 ? { [ignoredFailureCount]: String(ignored) } : {}),
  };
}

function numberIn(pod: LivePod, annotation: string): number {
  const text = pod.metadata.annotations?.[annotation] ?? '';
  const value = /^\d+$/.test(text) ? Number(text) : 0;
  return value > 2 ** 31 - 1 ? 0 : value;
}

/** Upstream: getFinishedTime in backoff_utils.go. */
export function finishedAt(pod: LivePod): number {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, creationTimestamp } = pod.metadata;
  const ended = lastEnd(pod);
  if (ended !== undefined) return ended;
  const ready = conditionOf(pod, 'Ready');
  const since = ready?.status === 'False' ? Date.parse(ready.lastTransitionTime ?? '') : Number.NaN;
  if (!Number.isNaN(since)) return since;
  if (deletionTimestamp !== undefined) return Date.parse(deletionTimestamp) - deletionGracePeriodSeconds * 1000;
  return Date.parse(creationTimestamp);
}

/** When the last of its containers ended; undefined: one has not. */
function lastEnd({ spec, status }: LivePod): number | undefined {
  const sidecars = new Set(
    (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always').map(({ name }) => name),
  );
  const statuses: readonly ContainerStatus[] = [
    ...(status?.containerStatuses ?? []),
    ...(status?.initContainerStatuses ?? []).filter(({ name }) => sidecars.has(name)),
  ];
  const ends = statuses.map(({ state }) => Date.parse(state?.terminated?.finishedAt ?? ''));
  return ends.length === 0 || ends.some(Number.isNaN) ? undefined : Math.max(...ends);
}
