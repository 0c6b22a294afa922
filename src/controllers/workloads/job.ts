/**
 * The Job loop. Upstream: pkg/controller/job.
 *
 *   job or pod changes ─> claim ─> facts (job-facts.ts) ─> plan (job-plan.ts) ─> pods made, pods deleted
 *      ─> status: uids of what ended ─> their finalizers off (job-tracking.ts) ─> status: numbers, the final condition (job-count.ts)
 */
import type { JobCondition, JobStatus } from '../../api/gen/types.ts';
import { keyOf, keyText } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { parseKey, startLoop } from '../context.ts';
import type { ControllerContext } from '../context.ts';
import { controllerOf } from '../owners.ts';
import { isReady } from '../pods.ts';
import type { LivePod } from '../pods.ts';
import { applyWrite, applyWrites, mergePatch } from '../writes.ts';
import type { Writer } from '../writes.ts';
import { claim } from './claim.ts';
import { noFailures } from './job-backoff.ts';
import type { Backoff } from './job-backoff.ts';
import { countPods, finishStatus, settleCounts } from './job-count.ts';
import { lookAtJob } from './job-facts.ts';
import type { JobFacts, LiveJob } from './job-facts.ts';
import { isDone, isFinished, jobCondition, planJob, timeText } from './job-plan.ts';
import type { JobPlan } from './job-plan.ts';
import { isTracked, trackingFinalizer } from './job-pods.ts';
import { statusPatch, suspensionOf } from './job-status.ts';
import { jobPod } from './job-template.ts';
import { createJobTracking } from './job-tracking.ts';
import { createPod, deletePod, settled, slowStart } from './pod-control.ts';

/** Upstream: JobControllerName. */
const ownName = 'kubernetes.io/job-controller';

/** What carrying out a plan came to. */
interface Outcome {
  readonly active: number;
  readonly ready: number;
  readonly terminating: number;
  readonly error: Error | undefined;
}

export function runJobs(context: ControllerContext): void {
  const jobs = context.views.of(resources.jobs);
  const pods = context.views.of(resources.pods);
  const podsOf = pods.indexBy((pod) => controllerOf(pod)?.uid);
  const orphans = pods.indexBy((pod) => (controllerOf(pod) === undefined ? pod.metadata.namespace : undefined));
  const writer = context.writer('job-controller');
  const backoffs = new Map<string, Backoff>();
  const tracking = createJobTracking(writer, pods);
  const ownPods = (job: LiveJob): readonly LivePod[] => podsOf(job.metadata.uid).map((pod) => tracking.current(pod));

  const work = async (key: string): Promise<number | void> => {
    const job = jobs.get(parseKey(key));
    if (job === undefined || isManagedByOther(job)) return;
    if (isFinished(job)) {
      // Nobody counts them any more.
      await tracking.untrack(ownPods(job));
      return;
    }
    const owner = { object: job, apiVersion: 'batch/v1', kind: 'Job', selector: job.spec?.selector };
    const candidates = [...podsOf(job.metadata.uid), ...orphans(job.metadata.namespace ?? '')];
    await applyWrites(writer, claim(resources.pods, { ...owner, finalizer: trackingFinalizer }, candidates).writes);
    const backoff = backoffs.get(job.metadata.uid) ?? noFailures;
    const facts = lookAtJob({ job, pods: ownPods(job), backoff, now: Date.now() });
    const plan = planJob(facts);
    const outcome = await carryOut(facts, plan);
    await report(facts, plan, outcome);
    if (outcome.error !== undefined) throw outcome.error;
    return plan.kind === 'manage' ? plan.again : undefined;
  };

  const carryOut = async ({ job, active, terminating, ...facts }: JobFacts, plan: JobPlan): Promise<Outcome> => {
    const deleted: LivePod[] = [];
    let made = 0;
    let error: Error | undefined;
    try {
      if (plan.kind === 'end') {
        await settled(active.map((pod) => deletePod(writer, job, pod).then(() => void deleted.push(pod))));
      } else if (plan.kind === 'manage') {
        await tracking.untrack(plan.remove);
        await settled(plan.remove.map((pod) => deletePod(writer, job, pod).then(() => void deleted.push(pod))));
        await slowStart(plan.create.length, async (position) => {
          await createPod(writer, job, jobPod({ ...facts, job, active, terminating }, plan.create[position] ?? -1));
          made += 1;
        });
      }
    } catch (cause) {
      error = cause instanceof Error ? cause : new Error(String(cause));
    }
    const left = active.filter((pod) => !deleted.includes(pod));
    return {
      active: left.length + made,
      ready: left.filter(isReady).length,
      terminating: terminating.length + deleted.length,
      error,
    };
  };

  const report = async (facts: JobFacts, plan: JobPlan, outcome: Outcome): Promise<void> => {
    const { job, now } = facts;
    const status: JobStatus = { ...job.status, ...numbersOf(outcome) };
    if (status.startTime === undefined && job.spec?.suspend !== true) status.startTime = timeText(now);
    const end = endOf(facts, plan, outcome);
    if (plan.kind === 'manage' && end === undefined) tellSuspension(job, applySuspension(status, job, now));
    const counted = countPods(facts, status, end);
    let current = await write(job, counted.status);
    backoffs.set(job.metadata.uid, facts.backoff);
    const { left, error } = await tracking.tryUntrack(counted.untrack);
    const uids = new Set(facts.pods.filter(isTracked).map(({ metadata }) => metadata.uid));
    for (const pod of counted.untrack) if (!left.has(pod)) uids.delete(pod.metadata.uid);
    const settledStatus = settleCounts(counted.status, uids);
    const finished = counted.final === undefined ? undefined : finishStatus(settledStatus, counted.final);
    current = await write(current, finished ?? settledStatus);
    if (finished !== undefined && counted.final !== undefined) announceEnd(writer.recorder, current, counted.final);
    if (error !== undefined) throw error;
  };

  const tellSuspension = (job: LiveJob, condition: JobCondition | undefined): void => {
    if (condition === undefined) return;
    const reason = condition.status === 'True' ? 'Suspended' : 'Resumed';
    writer.recorder.event(job, 'Normal', reason, condition.message ?? '');
  };

  /** Refused when the job has changed since we looked: the next sync knows better. */
  const write = async (job: LiveJob, status: JobStatus): Promise<LiveJob> => {
    const patch = statusPatch(job, status);
    if (patch === undefined) return job;
    return (await applyWrite(writer, mergePatch(resources.jobs, keyOf(job), patch, 'status'))) ?? job;
  };

  const queue = startLoop(context, 'job', { views: [jobs, pods], work, concurrency: 5 });
  jobs.onChange((current, old) => {
    if (current === undefined || isFinished(current)) backoffs.delete((current ?? old)?.metadata.uid ?? '');
    queue.add(keyText(keyOf(current ?? old ?? {})));
  });
  pods.onChange((current, old) => {
    const seen = current === undefined || !isTracked(current);
    if (seen) tracking.seen((current ?? old)?.metadata.uid ?? '');
    // Left behind by a job that went without its pods.
    if (!seen && controllerOf(current) === undefined) void tracking.letGo(current);
    for (const pod of [current, old]) {
      const owner = pod === undefined ? undefined : controllerOf(pod);
      if (owner?.kind === 'Job') queue.add(`${pod?.metadata.namespace}/${owner.name}`);
      if (pod !== undefined && owner?.kind === 'Job') void release(pod);
    }
  });

  /** A pod whose job is gone is nobody's to count: it must not wait for ever. */
  const release = async (pod: LivePod): Promise<void> => {
    await jobs.synced;
    const owner = controllerOf(pod);
    const job = jobs.get({ namespace: pod.metadata.namespace ?? '', name: owner?.name ?? '' });
    if (job?.metadata.uid === owner?.uid || pod.metadata.deletionTimestamp === undefined) return;
    await tracking.letGo(pod);
  };
}

/** Not before all of its pods were asked to go: one that was not would be lost. */
function endOf(facts: JobFacts, plan: JobPlan, { active, error }: Outcome): JobCondition | undefined {
  if (plan.kind === 'end') return error === undefined ? plan.condition : undefined;
  if (!isDone(facts, active)) return undefined;
  const message = 'Reached expected number of succeeded pods';
  return jobCondition('SuccessCriteriaMet', 'CompletionsReached', message, facts.now);
}

/** Gives the condition if it is news. */
function applySuspension(status: JobStatus, job: LiveJob, now: number): JobCondition | undefined {
  const condition = suspensionOf(job, now);
  if (condition === undefined) return undefined;
  const isKnown = status.conditions?.some(({ type }) => type === 'Suspended') === true;
  const others = status.conditions ?? [];
  status.conditions = isKnown
    ? others.map((one) => (one.type === 'Suspended' ? condition : one))
    : [...others, condition];
  // The deadline counts from when it runs again.
  if (condition.status === 'True') delete status.startTime;
  else status.startTime = timeText(now);
  return condition;
}

function announceEnd(
  recorder: Writer['recorder'],
  job: LiveJob,
  { type, reason = '', message = '' }: JobCondition,
): void {
  if (type !== 'Complete') {
    recorder.event(job, 'Warning', reason, message);
    return;
  }
  const { completions = Infinity } = job.spec ?? {};
  if ((job.status?.succeeded ?? 0) > completions) {
    const why = 'Too many succeeded pods running after completion count reached';
    recorder.event(job, 'Warning', 'TooManySucceededPods', why);
  }
  recorder.event(job, 'Normal', 'Completed', 'Job completed');
}

function numbersOf({ active, ready, terminating }: JobStatus): JobStatus {
  return { active: active ?? 0, ready: ready ?? 0, terminating: terminating ?? 0 };
}

function isManagedByOther({ spec }: LiveJob): boolean {
  return spec?.managedBy !== undefined && spec.managedBy !== ownName;
}
