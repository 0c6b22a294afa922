/**
 * Counting what has ended, so that a crash between any two writes counts no pod twice and loses none. Pure; job.ts writes.
 * Upstream: trackJobStatusAndRemoveFinalizers in job_controller.go.
 *
 *   countPods ─ status with the uids of what ended, and the interim condition ─> written
 *             └ pods ──────────────────────────────────────────────────────────> their finalizers go
 *   settleCounts ─ uids whose finalizer is gone become numbers; FailureTarget becomes Failed when nothing is left ─> written
 */
import type { JobCondition, JobStatus } from '../../api/gen/types.ts';
import type { LivePod } from '../pods.ts';
import { isIndexed, isInRange } from './job-facts.ts';
import type { JobFacts } from './job-facts.ts';
import { formatIndexes, hasIndex, indexesOf, parseIndexes, totalOf, union } from './job-indexes.ts';
import { isTrue, jobCondition } from './job-plan.ts';
import { matchFailure } from './job-policies.ts';
import { indexOf, isFailed, isTracked } from './job-pods.ts';

/** Upstream: MaxUncountedPods. */
const mostUncounted = 500;

export interface Counted {
  /** To write before the finalizers go. */
  readonly status: JobStatus;
  readonly untrack: readonly LivePod[];
  /** What ends the job once nothing is left to count and no pod is going away. */
  readonly final: JobCondition | undefined;
}

/** `status`: what is to be said already of pods that run, and of suspension. */
export function countPods(facts: JobFacts, status: JobStatus, end: JobCondition | undefined): Counted {
  const { job, pods } = facts;
  const tracked = pods.filter(isTracked);
  const next = settleCounts(status, new Set(tracked.map(({ metadata }) => metadata.uid)));
  const succeeded = [...(next.uncountedTerminatedPods?.succeeded ?? [])];
  const failed = [...(next.uncountedTerminatedPods?.failed ?? [])];
  const known = { succeeded: new Set(succeeded), failed: new Set(failed) };
  const indexesBefore = parseIndexes(job.status?.completedIndexes, job.spec?.completions ?? 0);
  const newIndexes: number[] = [];
  const untrack: LivePod[] = [];
  let isFull = false;
  for (const pod of inIndexOrder(facts, tracked)) {
    const uid = pod.metadata.uid;
    const hasFailed = isFailed(pod, job);
    if (!isCountable(facts, pod, hasFailed, end)) continue;
    untrack.push(pod);
    if (pod.status?.phase === 'Succeeded' && !known.failed.has(uid)) {
      if (!isIndexed(job)) {
        if (!known.succeeded.has(uid)) succeeded.push(uid);
      } else if (isInRange(pod, job) && !hasIndex(indexesBefore, indexOf(pod))) newIndexes.push(indexOf(pod));
    } else if (hasFailed || (end !== undefined && end.type !== 'SuccessCriteriaMet')) {
      const counts = matchFailure(job.spec?.podFailurePolicy, pod).counts && isInRange(pod, job);
      if (counts && !known.failed.has(uid)) failed.push(uid);
    }
    isFull = newIndexes.length + succeeded.length + failed.length >= mostUncounted;
    if (isFull) break;
  }
  next.uncountedTerminatedPods = { succeeded, failed };
  countIndexes(facts, next, newIndexes);
  const final = announceEnd(facts, next, end);
  return { status: next, untrack, final: isFull ? undefined : final };
}

/** Uids of pods that have no finalizer any more are counted. */
export function settleCounts(status: JobStatus, withFinalizer: ReadonlySet<string>): JobStatus {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  const keep = (uids: readonly string[]): string[] => uids.filter((uid) => withFinalizer.has(uid));
  const left = { succeeded: keep(succeeded), failed: keep(failed) };
  return {
    ...status,
    uncountedTerminatedPods: left,
    succeeded: (status.succeeded ?? 0) + succeeded.length - left.succeeded.length,
    failed: (status.failed ?? 0) + failed.length - left.failed.length,
  };
}

/** With the final condition when the job is over; undefined: not yet. Upstream: enactJobFinished. */
export function finishStatus(status: JobStatus, final: JobCondition): JobStatus | undefined {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  if (succeeded.length + failed.length + (status.terminating ?? 0) > 0) return undefined;
  return {
    ...status,
    conditions: [...(status.conditions ?? []).filter(({ type }) => type !== final.type), final],
    ...(final.type === 'Complete' ? { completionTime: final.lastTransitionTime ?? '' } : {}),
  };
}

/** Upstream: canRemoveFinalizer. */
function isCountable(
  { job, awaited }: JobFacts,
  pod: LivePod,
  hasFailed: boolean,
  end: JobCondition | undefined,
): boolean {
  if (job.metadata.deletionTimestamp !== undefined || end !== undefined) return true;
  if (pod.status?.phase === 'Succeeded') return true;
  return hasFailed && awaited.get(indexOf(pod))?.metadata.uid !== pod.metadata.uid;
}

function inIndexOrder({ job }: JobFacts, pods: readonly LivePod[]): readonly LivePod[] {
  return isIndexed(job) ? [...pods].sort((a, b) => indexOf(a) - indexOf(b)) : pods;
}

function countIndexes({ job, succeededIndexes, failedIndexes }: JobFacts, status: JobStatus, fresh: number[]): void {
  if (!isIndexed(job)) return;
  const indexes = union(succeededIndexes, indexesOf(fresh));
  status.succeeded = totalOf(indexes);
  status.completedIndexes = formatIndexes(indexes);
  if (failedIndexes !== undefined) status.failedIndexes = formatIndexes(failedIndexes);
}

/** The interim condition is written before any finalizer goes, so that no reason is lost with its pod. */
function announceEnd({ now }: JobFacts, status: JobStatus, end: JobCondition | undefined): JobCondition | undefined {
  if (end === undefined || end.type === 'Failed') return end;
  if (!isTrue(status.conditions, end.type)) status.conditions = [...(status.conditions ?? []), end];
  const type = end.type === 'FailureTarget' ? 'Failed' : 'Complete';
  return jobCondition(type, end.reason ?? '', end.message ?? '', now);
}
