/** A job and its pods, looked at: what runs, what has ended and is in no count yet. Upstream: syncJobCtx. */
import type { Job } from '../../api/gen/types.ts';
import type { Live } from '../../api/object.ts';
import { isActive, isTerminating } from '../pods.ts';
import type { LivePod } from '../pods.ts';
import { nextBackoff } from './job-backoff.ts';
import type { Backoff } from './job-backoff.ts';
import { hasIndex, indexesOf, parseIndexes, totalOf, union } from './job-indexes.ts';
import type { Indexes } from './job-indexes.ts';
import { matchFailure } from './job-policies.ts';
import { failsIndex, failuresOfIndex, finishedAt, indexOf, isFailed, isTracked } from './job-pods.ts';

export type LiveJob = Live<Job>;

export interface JobInput {
  readonly job: LiveJob;
  /** Those whose finalizer we took off a moment ago are without it here, whatever the watch says. */
  readonly pods: readonly LivePod[];
  /** Of the last sync. */
  readonly backoff: Backoff;
  readonly now: number;
}

export interface JobFacts extends JobInput {
  readonly active: readonly LivePod[];
  readonly terminating: readonly LivePod[];
  /** With those that status does not count yet. */
  readonly succeeded: number;
  readonly failed: number;
  /** Of an indexed job; of others empty. */
  readonly succeededIndexes: Indexes;
  /** With backoffLimitPerIndex. */
  readonly failedIndexes: Indexes | undefined;
  /** The last failed pod of an index that waits for its next: it stays until that is made, for it tells the number of failures. */
  readonly awaited: ReadonlyMap<number, LivePod>;
}

export function isIndexed({ spec }: Job): boolean {
  return spec?.completionMode === 'Indexed';
}

/** Whether the pod has an index that the job still has; any pod of a job without indexes. */
export function isInRange(pod: LivePod, job: LiveJob): boolean {
  const index = indexOf(pod);
  return !isIndexed(job) || (index >= 0 && index < (job.spec?.completions ?? 0));
}

export function lookAtJob(input: JobInput): JobFacts {
  const { job, pods } = input;
  const { succeeded = 0, failed = 0, uncountedTerminatedPods } = job.status ?? {};
  const uncounted = {
    succeeded: new Set(uncountedTerminatedPods?.succeeded),
    failed: new Set(uncountedTerminatedPods?.failed),
  };
  const tracked = pods.filter((pod) => isTracked(pod) && isInRange(pod, job));
  const newSucceeded = tracked.filter(
    (pod) => pod.status?.phase === 'Succeeded' && !uncounted.succeeded.has(pod.metadata.uid),
  );
  const newFailed = tracked.filter((pod) => isFailed(pod, job) && !uncounted.failed.has(pod.metadata.uid));
  const counted = newFailed.filter((pod) => matchFailure(job.spec?.podFailurePolicy, pod).counts);
  const indexes = lookAtIndexes(job, tracked);
  const active = pods.filter(isActive);
  return {
    ...input,
    ...indexes,
    active,
    terminating: pods.filter(isTerminating),
    backoff: nextBackoff(input.backoff, newSucceeded, newFailed),
    succeeded: isIndexed(job)
      ? totalOf(indexes.succeededIndexes)
      : succeeded + uncounted.succeeded.size + newSucceeded.length,
    failed: failed + uncounted.failed.size + counted.length,
    awaited: indexes.failedIndexes === undefined ? new Map() : awaitedPods(job, tracked, active, indexes),
  };
}

function lookAtIndexes(
  job: LiveJob,
  tracked: readonly LivePod[],
): Pick<JobFacts, 'succeededIndexes' | 'failedIndexes'> {
  if (!isIndexed(job)) return { succeededIndexes: [], failedIndexes: undefined };
  const { completions = 0, backoffLimitPerIndex } = job.spec ?? {};
  const add = (known: string | undefined, fresh: readonly LivePod[]): Indexes =>
    union(parseIndexes(known, completions), indexesOf(fresh.map(indexOf)));
  const succeeded = tracked.filter(({ status }) => status?.phase === 'Succeeded');
  return {
    succeededIndexes: add(job.status?.completedIndexes, succeeded),
    failedIndexes:
      backoffLimitPerIndex === undefined
        ? undefined
        : add(
            job.status?.failedIndexes,
            tracked.filter((pod) => failsIndex(pod, job)),
          ),
  };
}

function awaitedPods(
  job: LiveJob,
  tracked: readonly LivePod[],
  active: readonly LivePod[],
  { succeededIndexes, failedIndexes = [] }: Pick<JobFacts, 'succeededIndexes' | 'failedIndexes'>,
): Map<number, LivePod> {
  const running = new Set(active.map(indexOf));
  const last = new Map<number, LivePod>();
  for (const pod of tracked) {
    const index = indexOf(pod);
    if (!isFailed(pod, job) || running.has(index)) continue;
    if (hasIndex(succeededIndexes, index) || hasIndex(failedIndexes, index)) continue;
    const other = last.get(index);
    const isLater =
      other === undefined || (failuresOfIndex(other) <= failuresOfIndex(pod) && finishedAt(pod) >= finishedAt(other));
    if (isLater) last.set(index, pod);
  }
  return last;
}
