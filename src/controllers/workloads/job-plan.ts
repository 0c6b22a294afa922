/**
 * What a job needs now. Pure. Upstream: syncJob and manageJob in pkg/controller/job/job_controller.go.
 *
 *   SuccessCriteriaMet or FailureTarget stands ─┐
 *   a rule of podFailurePolicy says FailJob     │
 *   backoffLimit, activeDeadlineSeconds         ├─> end: its active pods go, and are counted
 *   too many failed indexes, all indexes ended  │
 *   a rule of successPolicy is met             ─┘
 *   else ─> manage: suspended, too many, too few ─> remove or create; `done` when completions are reached and nothing runs
 */
import type { JobCondition } from '../../api/gen/types.ts';
import type { LivePod } from '../pods.ts';
import { podsToDelete } from './deletion-order.ts';
import { waitAfter, waitOfIndex } from './job-backoff.ts';
import { isIndexed } from './job-facts.ts';
import type { JobFacts, LiveJob } from './job-facts.ts';
import { firstFree, indexesOf, totalOf, union } from './job-indexes.ts';
import { matchFailure, matchSuccess } from './job-policies.ts';
import { indexOf, isFailed, replacesOnlyFailed } from './job-pods.ts';

export type JobPlan =
  | { readonly kind: 'end'; readonly condition: JobCondition }
  | { readonly kind: 'wait' }
  | {
      readonly kind: 'manage';
      /** Not counted: their finalizer goes first. */
      readonly remove: readonly LivePod[];
      /** Completion indexes, or -1 for each pod of a job without. */
      readonly create: readonly number[];
      /** Look again in so many milliseconds. */
      readonly again: number | undefined;
    };

/** Upstream: MaxPodCreateDeletePerSync, SyncJobBatchPeriod. */
const mostPodsAtOnce = 500;
const leastWaitMs = 1000;

export function planJob(facts: JobFacts): JobPlan {
  const condition = ending(facts);
  if (condition !== undefined) return { kind: 'end', condition };
  return facts.job.metadata.deletionTimestamp === undefined ? manage(facts) : { kind: 'wait' };
}

export function isFinished({ status }: LiveJob): boolean {
  return isTrue(status?.conditions, 'Complete') || isTrue(status?.conditions, 'Failed');
}

export function isTrue(conditions: readonly JobCondition[] | undefined, type: string): boolean {
  return conditions?.some((condition) => condition.type === type && condition.status === 'True') === true;
}

export function jobCondition(type: string, reason: string, message: string, now: number): JobCondition {
  const time = timeText(now);
  return { type, status: 'True', reason, message, lastProbeTime: time, lastTransitionTime: time };
}

export function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** All that runs has ended, and it was enough. */
export function isDone({ job, succeeded }: JobFacts, active: number): boolean {
  const { completions } = job.spec ?? {};
  return active === 0 && (completions === undefined ? succeeded > 0 : succeeded >= completions);
}

/** FailureTarget, SuccessCriteriaMet; Failed when the former stands already. */
function ending(facts: JobFacts): JobCondition | undefined {
  const { job, now } = facts;
  const known = (type: string): JobCondition | undefined =>
    job.status?.conditions?.find((condition) => condition.type === type && condition.status === 'True');
  const met = known('SuccessCriteriaMet');
  if (met !== undefined) return met;
  const target = known('FailureTarget');
  if (target !== undefined) return jobCondition('Failed', target.reason ?? '', target.message ?? '', now);
  const [reason, message] = failureOf(facts) ?? [];
  if (reason !== undefined && message !== undefined) return jobCondition('FailureTarget', reason, message, now);
  const success = job.spec === undefined ? undefined : matchSuccess(job.spec, facts.succeededIndexes);
  return success === undefined ? undefined : jobCondition('SuccessCriteriaMet', 'SuccessPolicy', success, now);
}

function failureOf(facts: JobFacts): readonly [reason: string, message: string] | undefined {
  const { job, failedIndexes, succeededIndexes } = facts;
  const byPolicy = failingPolicy(facts);
  if (byPolicy !== undefined) return ['PodFailurePolicy', byPolicy];
  const { completions = 0, backoffLimit = 6, maxFailedIndexes } = job.spec ?? {};
  if (facts.failed > backoffLimit || hasRestartedTooOften(facts)) {
    return ['BackoffLimitExceeded', 'Job has reached the specified backoff limit'];
  }
  if (deadlineIn(facts) === 0) return ['DeadlineExceeded', 'Job was active longer than specified deadline'];
  if (failedIndexes === undefined) return undefined;
  const failed = totalOf(failedIndexes);
  if (maxFailedIndexes !== undefined && failed > maxFailedIndexes) {
    return ['MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes'];
  }
  if (failed === 0 || failed + totalOf(succeededIndexes) < completions) return undefined;
  return ['FailedIndexes', 'Job has failed indexes'];
}

function failingPolicy({ job, pods }: JobFacts): string | undefined {
  if (job.spec?.podFailurePolicy === undefined) return undefined;
  for (const pod of pods) {
    if (!isFailed(pod, job)) continue;
    const { message } = matchFailure(job.spec.podFailurePolicy, pod);
    if (message !== undefined) return message;
  }
  return undefined;
}

/** Their containers are started again in the same pod. Upstream: pastBackoffLimitOnFailure. */
function hasRestartedTooOften({ job, pods }: JobFacts): boolean {
  if (job.spec?.template?.spec?.restartPolicy !== 'OnFailure') return false;
  const alive = pods.filter(({ status }) => status?.phase === 'Running' || status?.phase === 'Pending');
  const restarts = alive
    .flatMap(({ status }) => [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])])
    .reduce((sum, { restartCount }) => sum + restartCount, 0);
  const { backoffLimit = 6 } = job.spec;
  return backoffLimit === 0 ? restarts > 0 : restarts >= backoffLimit;
}

/** Milliseconds of activeDeadlineSeconds that are left; undefined: none is set, or it does not run. */
function deadlineIn({ job, now }: JobFacts): number | undefined {
  const { activeDeadlineSeconds, suspend } = job.spec ?? {};
  if (activeDeadlineSeconds === undefined || suspend === true) return undefined;
  const { startTime } = job.status ?? {};
  const since = startTime === undefined ? now : Date.parse(startTime);
  return Math.max(0, since + activeDeadlineSeconds * 1000 - now);
}

function manage(facts: JobFacts): JobPlan {
  const { job, active } = facts;
  const again = deadlineIn(facts);
  if (job.spec?.suspend === true) return { kind: 'manage', remove: active, create: [], again };
  const wanted = wantedActive(facts);
  const surplus = tooMany(facts, Math.max(0, active.length - wanted));
  if (surplus.length > 0) return { kind: 'manage', remove: surplus.slice(0, mostPodsAtOnce), create: [], again };
  const held = replacesOnlyFailed(job) ? facts.terminating.length : 0;
  const missing = Math.min(mostPodsAtOnce, wanted - held - active.length);
  const { create, wait } = missing > 0 ? nextPods(facts, missing) : { create: [], wait: undefined };
  const next = wait === undefined ? again : Math.min(Math.max(leastWaitMs, wait), again ?? Infinity);
  return { kind: 'manage', remove: [], create, again: next };
}

function wantedActive({ job, active, succeeded }: JobFacts): number {
  const { parallelism = 1, completions } = job.spec ?? {};
  // Once one has succeeded, what runs may run to its end, and nothing is added.
  if (completions === undefined) return succeeded > 0 ? active.length : parallelism;
  return Math.max(0, Math.min(parallelism, completions - succeeded));
}

/** Those beyond what is wanted; of an indexed job, before them, all but one of each index, and those of no index it has. */
function tooMany({ job, active }: JobFacts, least: number): readonly LivePod[] {
  if (!isIndexed(job)) return podsToDelete(active, least);
  const remove: LivePod[] = [];
  const left: LivePod[] = [];
  for (const [index, pods] of Map.groupBy(active, indexOf)) {
    const isKnown = index >= 0 && index < (job.spec?.completions ?? 0);
    const [keep, ...rest] = podsToDelete(pods, pods.length).reverse();
    remove.push(...(isKnown ? rest : pods));
    if (isKnown && keep !== undefined) left.push(keep);
  }
  return [...remove, ...podsToDelete(left, Math.max(0, least - remove.length))];
}

interface NextPods {
  readonly create: readonly number[];
  /** Milliseconds until there is something to make. */
  readonly wait: number | undefined;
}

function nextPods(facts: JobFacts, count: number): NextPods {
  const { job, backoff, now, awaited, failedIndexes } = facts;
  const wait = failedIndexes === undefined ? waitAfter(backoff, now) : 0;
  if (wait > 0) return { create: [], wait };
  if (!isIndexed(job)) return { create: Array.from({ length: count }, () => -1), wait: undefined };
  const indexes = freeIndexes(facts, count);
  if (failedIndexes === undefined) return { create: indexes, wait: undefined };
  const waits = indexes.map((index) => waitOfIndex(awaited.get(index), now));
  const create = indexes.filter((_, position) => waits[position] === 0);
  const later = waits.filter((ms) => ms > 0);
  return { create, wait: create.length > 0 || later.length === 0 ? undefined : Math.min(...later) };
}

function freeIndexes({ job, active, terminating, succeededIndexes, failedIndexes }: JobFacts, count: number): number[] {
  const held = replacesOnlyFailed(job) ? [...active, ...terminating] : active;
  const running = indexesOf(held.map(indexOf).filter((index) => index >= 0));
  const taken = union(union(succeededIndexes, running), failedIndexes ?? []);
  return firstFree(taken, count, job.spec?.completions ?? 0);
}
