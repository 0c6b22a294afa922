/**
 * A Job and its pods → pods to make and to delete, its status. Pure. Upstream: pkg/controller/job.
 *
 *   pods ─ ended and not counted yet? ─ count them: uid in uncounted ─ finalizer off ─ number up     (a crash loses none)
 *        └ enough succeeded ─> SuccessCriteriaMet ─> no pod runs any more ─> Complete
 *          too many failed, too long ─> FailureTarget ─> no pod runs any more ─> Failed
 */
import type { Job, JobCondition, JobStatus, Pod } from '../../api/gen/types.ts';
import type { Live } from '../../api/object.ts';
import { controllerReference } from '../owners.ts';
import { isReady, isTerminal, restartCount } from '../pods.ts';
import type { LivePod } from '../pods.ts';

export type LiveJob = Live<Job>;

export const trackingFinalizer = 'batch.kubernetes.io/job-tracking';
export const indexLabel = 'batch.kubernetes.io/job-completion-index';

/** Between failures, doubling with each. Upstream: DefaultJobPodFailureBackOff. */
const firstBackoffMs = 10_000;
const mostBackoffMs = 600_000;

export interface JobInput {
  readonly job: LiveJob;
  readonly pods: readonly LivePod[];
  readonly now: number;
}

export interface JobPlan {
  /** Completion indexes, or -1 for each pod of a job without. */
  readonly create: readonly number[];
  readonly remove: readonly LivePod[];
  /** A condition that ends the job, once no pod runs any more. */
  readonly end: JobCondition | undefined;
  /** Look again in so many milliseconds. */
  readonly again: number | undefined;
}

export function isFinished({ status }: Job): boolean {
  return (
    status?.conditions?.some(({ type, status: is }) => (type === 'Complete' || type === 'Failed') && is === 'True') ===
    true
  );
}

export function planJob(input: JobInput): JobPlan {
  const { job, pods, now } = input;
  const active = pods.filter((pod) => !isTerminal(pod) && pod.metadata.deletionTimestamp === undefined);
  const end = ending(input);
  if (end !== undefined) return { create: [], remove: active, end, again: undefined };
  if (job.spec?.suspend === true) return { create: [], remove: active, end: undefined, again: undefined };
  const wanted = wantedActive(input);
  const again = deadlineIn(input);
  if (active.length > wanted) return { create: [], remove: active.slice(wanted), end: undefined, again };
  const wait = backoffIn(input, now);
  if (wait > 0) return { create: [], remove: [], end: undefined, again: Math.min(wait, again ?? wait) };
  return { create: nextIndexes(input, active, wanted - active.length), remove: [], end: undefined, again };
}

/** How many should run now. */
function wantedActive({ job, pods }: JobInput): number {
  const { parallelism = 1, completions } = job.spec ?? {};
  const { succeeded } = countedNow(job, pods);
  if (completions === undefined) return succeeded > 0 ? 0 : parallelism;
  return Math.max(0, Math.min(parallelism, completions - succeeded));
}

function nextIndexes({ job, pods }: JobInput, active: readonly LivePod[], count: number): readonly number[] {
  if (job.spec?.completionMode !== 'Indexed') return Array.from({ length: count }, () => -1);
  const taken = new Set(active.map(indexOf));
  for (const index of completedIndexes(job, pods)) taken.add(index);
  // One that is going away is replaced when it is gone.
  for (const pod of pods) if (!isTerminal(pod)) taken.add(indexOf(pod));
  const free: number[] = [];
  for (let index = 0; index < (job.spec.completions ?? 0) && free.length < count; index++) {
    if (!taken.has(index)) free.push(index);
  }
  return free;
}

/** What the status says, and what has ended since. */
export function countedNow(job: LiveJob, pods: readonly LivePod[]): { succeeded: number; failed: number } {
  const fresh = uncounted(job, pods);
  const { uncountedTerminatedPods: kept } = job.status ?? {};
  return {
    succeeded: (job.status?.succeeded ?? 0) + (kept?.succeeded?.length ?? 0) + fresh.succeeded.length,
    failed: (job.status?.failed ?? 0) + (kept?.failed?.length ?? 0) + fresh.failed.length,
  };
}

/** Uids of pods that ended, still have the finalizer, and are in no count. */
export function uncounted(job: LiveJob, pods: readonly LivePod[]): { succeeded: string[]; failed: string[] } {
  const { succeeded = [], failed = [] } = job.status?.uncountedTerminatedPods ?? {};
  const known = new Set([...succeeded, ...failed]);
  const fresh = pods.filter(
    ({ metadata }) => metadata.finalizers?.includes(trackingFinalizer) === true && !known.has(metadata.uid),
  );
  const uids = (list: readonly LivePod[]): string[] => list.map(({ metadata }) => metadata.uid);
  return {
    succeeded: uids(fresh.filter(({ status }) => status?.phase === 'Succeeded')),
    // One that is deleted while it runs has failed, too.
    failed: uids(
      fresh.filter(
        ({ status, metadata }) =>
          status?.phase === 'Failed' || (metadata.deletionTimestamp !== undefined && status?.phase !== 'Succeeded'),
      ),
    ),
  };
}

function ending(input: JobInput): JobCondition | undefined {
  const { job, pods, now } = input;
  const { spec, status } = job;
  const target = status?.conditions?.find(
    ({ type, status: is }) => (type === 'FailureTarget' || type === 'SuccessCriteriaMet') && is === 'True',
  );
  if (target !== undefined) {
    return { ...target, type: target.type === 'FailureTarget' ? 'Failed' : 'Complete' };
  }
  const { succeeded, failed } = countedNow(job, pods);
  const restarts =
    spec?.template?.spec?.restartPolicy === 'OnFailure'
      ? pods.filter((pod) => !isTerminal(pod)).reduce((sum, pod) => sum + restartCount(pod), 0)
      : 0;
  const backoffLimit = spec?.backoffLimit ?? 6;
  const overRestarts = backoffLimit === 0 ? restarts > 0 : restarts >= backoffLimit;
  if (failed > backoffLimit || (restarts > 0 && overRestarts)) {
    return condition('Failed', 'BackoffLimitExceeded', 'Job has reached the specified backoff limit', now);
  }
  if (deadlineIn(input) === 0) {
    return condition('Failed', 'DeadlineExceeded', 'Job was active longer than specified deadline', now);
  }
  const running = pods.filter((pod) => !isTerminal(pod)).length;
  const done = spec?.completions === undefined ? succeeded > 0 && running === 0 : succeeded >= spec.completions;
  if (!done) return undefined;
  return condition('Complete', 'CompletionsReached', 'Reached expected number of succeeded pods', now);
}

function condition(type: string, reason: string, message: string, now: number): JobCondition {
  const time = timeText(now);
  return { type, status: 'True', reason, message, lastProbeTime: time, lastTransitionTime: time };
}

export function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** Milliseconds of activeDeadlineSeconds that are left; undefined: none is set, or it has not started. */
function deadlineIn({ job, now }: JobInput): number | undefined {
  const { activeDeadlineSeconds, suspend } = job.spec ?? {};
  const { startTime } = job.status ?? {};
  if (activeDeadlineSeconds === undefined || startTime === undefined || suspend === true) return undefined;
  return Math.max(0, Date.parse(startTime) + activeDeadlineSeconds * 1000 - now);
}

/** A job whose pods fail waits longer each time; a success starts it anew. */
function backoffIn({ job, pods }: JobInput, now: number): number {
  if (job.spec?.completionMode === 'Indexed' && job.spec.backoffLimitPerIndex !== undefined) return 0;
  const { failed } = countedNow(job, pods);
  const ends = pods.filter(({ status }) => status?.phase === 'Failed').map(endOf);
  if (failed === 0 || ends.length === 0) return 0;
  const wait = Math.min(mostBackoffMs, firstBackoffMs * 2 ** (failed - 1));
  return Math.max(0, Math.max(...ends) + wait - now);
}

function endOf({ status, metadata }: LivePod): number {
  const times = (status?.conditions ?? []).map(({ lastTransitionTime }) => Date.parse(lastTransitionTime ?? ''));
  const known = times.filter((time) => !Number.isNaN(time));
  return known.length > 0 ? Math.max(...known) : Date.parse(metadata.creationTimestamp);
}

function indexOf(pod: LivePod): number {
  return Number(pod.metadata.labels?.[indexLabel] ?? -1);
}

function completedIndexes(job: LiveJob, pods: readonly LivePod[]): Set<number> {
  const done = parseIndexes(job.status?.completedIndexes ?? '');
  for (const pod of pods) if (pod.status?.phase === 'Succeeded') done.add(indexOf(pod));
  return done;
}

/** `0,2-4` */
function parseIndexes(text: string): Set<number> {
  const indexes = new Set<number>();
  for (const part of text.split(',').filter((one) => one !== '')) {
    const [from = 0, to = from] = part.split('-').map(Number);
    for (let index = from; index <= to; index++) indexes.add(index);
  }
  return indexes;
}

export function formatIndexes(indexes: Iterable<number>): string {
  const sorted = [...indexes].filter((index) => index >= 0).sort((a, b) => a - b);
  const runs: [number, number][] = [];
  for (const index of sorted) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] === index - 1) last[1] = index;
    else runs.push([index, index]);
  }
  return runs
    .map(([from, to]) => (from === to ? `${from}` : to === from + 1 ? `${from},${to}` : `${from}-${to}`))
    .join(',');
}

/** Counts of what runs; the numbers of what has ended are kept elsewhere (job.ts). */
export function activeStatus({ job, pods, now }: JobInput): Partial<JobStatus> {
  const running = pods.filter((pod) => !isTerminal(pod));
  const active = running.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const suspended = job.spec?.suspend === true;
  return {
    active: active.length,
    ready: active.filter(isReady).length,
    terminating: running.length - active.length,
    ...(job.status?.startTime === undefined && !suspended ? { startTime: timeText(now) } : {}),
    ...(job.spec?.completionMode === 'Indexed' ? { completedIndexes: formatIndexes(completedIndexes(job, pods)) } : {}),
  };
}

export function jobPod(job: LiveJob, index: number): Pod {
  const { metadata, spec } = job.spec?.template ?? {};
  const { name, namespace } = job.metadata;
  const isIndexed = index >= 0;
  const at = { [indexLabel]: String(index) };
  const env = {
    name: 'JOB_COMPLETION_INDEX',
    valueFrom: { fieldRef: { fieldPath: `metadata.labels['${indexLabel}']` } },
  };
  const withIndex = <C extends { env?: object[] }>(containers: readonly C[]): C[] =>
    containers.map((container) => ({ ...container, env: [...(container.env ?? []), env] }));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: isIndexed ? `${name}-${index}-` : `${name}-`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...metadata?.labels, ...(isIndexed ? at : {}) },
      annotations: { ...metadata?.annotations, ...(isIndexed ? at : {}) },
      finalizers: [...(metadata?.finalizers ?? []), trackingFinalizer],
      ownerReferences: [controllerReference(job, 'batch/v1', 'Job')],
    },
    spec: isIndexed
      ? {
          ...spec,
          containers: withIndex(spec?.containers ?? []),
          ...(spec?.initContainers === undefined ? {} : { initContainers: withIndex(spec.initContainers) }),
          hostname: spec?.hostname ?? `${name}-${index}`,
        }
      : { containers: [], ...spec },
  };
}
