/** The Job loop: a job or one of its pods changes ─> count what ended, the plan of job-plan.ts, status; and the end of its life. */
import type { JobCondition, JobStatus } from '../../api/gen/types.ts';
import { isReason } from '../../api/errors.ts';
import { keyOf, keyText } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { parseKey, startLoop } from '../context.ts';
import type { ControllerContext } from '../context.ts';
import { semanticEqual } from '../equality.ts';
import { controllerOf } from '../owners.ts';
import type { LivePod } from '../pods.ts';
import { applyWrite, applyWrites, isNamespaceTerminating, mergePatch, remove } from '../writes.ts';
import { claim } from './claim.ts';
import { activeStatus, isFinished, jobPod, planJob, timeText, trackingFinalizer, uncounted } from './job-plan.ts';
import type { JobInput, JobPlan, LiveJob } from './job-plan.ts';
import { createPod, deletePod, settled, slowStart } from './pod-control.ts';

export function runJobs(context: ControllerContext): void {
  const jobs = context.views.of(resources.jobs);
  const pods = context.views.of(resources.pods);
  const podsOf = pods.indexBy((pod) => controllerOf(pod)?.uid);
  const orphans = pods.indexBy((pod) => (controllerOf(pod) === undefined ? pod.metadata.namespace : undefined));
  const writer = context.writer('job-controller');
  /** Uids of pods whose finalizer we took off, until the watch shows it: the view would have them counted twice. */
  const done = new Set<string>();
  const ownPods = (job: LiveJob): readonly LivePod[] =>
    podsOf(job.metadata.uid).flatMap((pod) => {
      if (!done.has(pod.metadata.uid)) return [pod];
      return pod.metadata.deletionTimestamp === undefined ? [untracked(pod)] : [];
    });

  const work = async (key: string): Promise<number | void> => {
    const job = jobs.get(parseKey(key));
    if (job === undefined) return;
    const finished = isFinished(job);
    if (job.metadata.deletionTimestamp !== undefined || finished) {
      // Nobody counts them any more.
      await untrack(ownPods(job));
      return finished && job.metadata.deletionTimestamp === undefined ? expire(job) : undefined;
    }
    const owner = { object: job, apiVersion: 'batch/v1', kind: 'Job', selector: job.spec?.selector };
    const candidates = [...podsOf(job.metadata.uid), ...orphans(job.metadata.namespace ?? '')];
    await applyWrites(writer, claim(resources.pods, owner, candidates).writes);
    await count(job);
    const current = (): JobInput => ({
      job: jobs.get(keyOf(job)) ?? job,
      pods: ownPods(job),
      now: Date.now(),
    });
    const plan = planJob(current());
    let cause: Error | undefined;
    try {
      await slowStart(plan.create.length, (index) => createPod(writer, job, jobPod(job, plan.create[index] ?? -1)));
      await settled(plan.remove.map((pod) => deletePod(writer, job, pod)));
    } catch (error) {
      cause = error instanceof Error ? error : new Error(String(error));
    }
    await finish(current(), plan);
    if (cause !== undefined && !isNamespaceTerminating(cause)) throw cause;
    return plan.again;
  };

  const patchStatus = async (job: LiveJob, status: object): Promise<void> => {
    await applyWrites(writer, [mergePatch(resources.jobs, keyOf(job), { status }, 'status')]);
  };

  /** Three writes, so that a crash between any two counts no pod twice and loses none. */
  const count = async (job: LiveJob): Promise<void> => {
    const known = job.status?.uncountedTerminatedPods ?? {};
    const fresh = uncounted(job, ownPods(job));
    const succeeded = [...(known.succeeded ?? []), ...fresh.succeeded];
    const failed = [...(known.failed ?? []), ...fresh.failed];
    if (succeeded.length + failed.length === 0) return;
    if (fresh.succeeded.length + fresh.failed.length > 0) {
      await patchStatus(job, { uncountedTerminatedPods: { succeeded, failed } });
    }
    const counted = new Set([...succeeded, ...failed]);
    const indexes = activeStatus({ job, pods: ownPods(job), now: Date.now() }).completedIndexes;
    await untrack(ownPods(job).filter(({ metadata }) => counted.has(metadata.uid)));
    await patchStatus(job, {
      uncountedTerminatedPods: { succeeded: null, failed: null },
      succeeded: (job.status?.succeeded ?? 0) + succeeded.length,
      failed: (job.status?.failed ?? 0) + failed.length,
      ...(indexes === undefined ? {} : { completedIndexes: indexes }),
    });
  };

  const untrack = async (list: readonly LivePod[]): Promise<void> => {
    for (const pod of list) {
      if (pod.metadata.finalizers?.includes(trackingFinalizer) !== true) continue;
      const metadata = { '$deleteFromPrimitiveList/finalizers': [trackingFinalizer], uid: pod.metadata.uid };
      try {
        // Not noted in the view: the answer to the patch that ends a deleted pod is the pod as it was.
        await writer.client.patch(resources.pods, keyOf(pod), 'strategic', { metadata });
      } catch (error) {
        if (!isGone(error)) throw error;
      }
      if (pods.get(keyOf(pod))?.metadata.uid === pod.metadata.uid) done.add(pod.metadata.uid);
    }
  };

  const finish = async (input: JobInput, plan: JobPlan): Promise<void> => {
    const { job } = input;
    const status: Partial<JobStatus> = activeStatus(input);
    const conditions = [...(job.status?.conditions ?? [])];
    if (plan.end !== undefined) {
      // A pod that has ended and is not counted yet is seen again by the next sync.
      const fresh = uncounted(job, input.pods);
      const waiting = (status.active ?? 0) + (status.terminating ?? 0) + fresh.succeeded.length + fresh.failed.length;
      const isOver = waiting === 0;
      addCondition(conditions, {
        ...plan.end,
        type: plan.end.type === 'Failed' ? 'FailureTarget' : 'SuccessCriteriaMet',
      });
      if (isOver) {
        addCondition(conditions, plan.end);
        if (plan.end.type === 'Complete') status.completionTime = timeText(input.now);
        announce(job, plan.end);
      }
    }
    setSuspended(conditions, input);
    const known = Object.fromEntries(Object.keys(status).map((key) => [key, job.status?.[key as keyof JobStatus]]));
    const zeros = { active: 0, ready: 0, terminating: 0 };
    const same =
      semanticEqual({ ...zeros, ...dropUndefined(known) }, { ...zeros, ...status }) &&
      semanticEqual(job.status?.conditions, conditions);
    if (!same) await patchStatus(job, { ...status, ...(conditions.length === 0 ? {} : { conditions }) });
  };

  const setSuspended = (conditions: JobCondition[], { job, now }: JobInput): void => {
    const wanted = job.spec?.suspend === true;
    const index = conditions.findIndex(({ type }) => type === 'Suspended');
    if ((conditions[index]?.status === 'True') === wanted) return;
    const [reason, message] = wanted ? ['JobSuspended', 'Job suspended'] : ['JobResumed', 'Job resumed'];
    const time = timeText(now);
    const entry = { type: 'Suspended', status: wanted ? 'True' : 'False', reason, message };
    const whole = { ...entry, lastProbeTime: time, lastTransitionTime: time };
    if (index >= 0) conditions[index] = whole;
    else conditions.push(whole);
    writer.recorder.event(job, 'Normal', wanted ? 'Suspended' : 'Resumed', message);
  };

  const announce = (job: LiveJob, { type, reason = '', message = '' }: JobCondition): void => {
    if (type === 'Complete') writer.recorder.event(job, 'Normal', 'Completed', 'Job completed');
    else writer.recorder.event(job, 'Warning', reason, message);
  };

  /** ttlSecondsAfterFinished. Upstream: pkg/controller/ttlafterfinished. */
  const expire = async (job: LiveJob): Promise<number | undefined> => {
    const ttl = job.spec?.ttlSecondsAfterFinished;
    if (ttl === undefined) return undefined;
    const end = job.status?.conditions?.find(({ type }) => type === 'Complete' || type === 'Failed');
    const left = Date.parse(end?.lastTransitionTime ?? job.metadata.creationTimestamp) + ttl * 1000 - Date.now();
    if (left > 0) return left;
    await applyWrite(writer, remove(resources.jobs, job, { propagationPolicy: 'Foreground' }));
    return undefined;
  };

  const queue = startLoop(context, 'job', { views: [jobs, pods], work, concurrency: 5 });
  jobs.onChange((current, old) => queue.add(keyText(keyOf((current ?? old) as LiveJob))));
  pods.onChange((current, old) => {
    const seen = current === undefined || current.metadata.finalizers?.includes(trackingFinalizer) !== true;
    if (seen) done.delete((current ?? old)?.metadata.uid ?? '');
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
    await untrack([pod]).catch(() => undefined);
  };
}

function addCondition(conditions: JobCondition[], condition: JobCondition): void {
  if (!conditions.some(({ type }) => type === condition.type)) conditions.push(condition);
}

function dropUndefined(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

function untracked(pod: LivePod): LivePod {
  const finalizers = (pod.metadata.finalizers ?? []).filter((name) => name !== trackingFinalizer);
  return { ...pod, metadata: { ...pod.metadata, finalizers } };
}

function isGone(error: unknown): boolean {
  return isReason(error, 'NotFound') || isReason(error, 'Conflict');
}
