/** The CronJob loop: a cron job or one of its jobs changes, or its time has come ─> the plan of cron-job-plan.ts. */
import type { CronJobStatus } from '../../api/gen/types.ts';
import { isReason } from '../../api/errors.ts';
import { parseCron } from '../../api/cron.ts';
import { keyOf, keyText } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { parseKey, startLoop } from '../context.ts';
import type { ControllerContext } from '../context.ts';
import { semanticEqual } from '../equality.ts';
import { controllerOf } from '../owners.ts';
import { applyWrites, isNamespaceTerminating, mergePatch, remove } from '../writes.ts';
import { dueAt, finished, isTooLate, jobName, jobOf, overdue } from './cron-job-plan.ts';
import type { LiveCronJob, LiveJob } from './cron-job-plan.ts';
import { timeText } from './job-plan.ts';

/** After the minute, so that the schedule has certainly come. */
const afterMs = 100;

export function runCronJobs(context: ControllerContext): void {
  const { client, views } = context;
  const cronJobs = views.of(resources.cronJobs);
  const jobs = views.of(resources.jobs);
  const jobsOf = jobs.indexBy((job) => controllerOf(job)?.uid);
  const writer = context.writer('cronjob-controller');
  const { recorder } = writer;

  const work = async (key: string): Promise<number | void> => {
    const cronJob = cronJobs.get(parseKey(key));
    if (cronJob === undefined) return;
    const own = jobsOf(cronJob.metadata.uid);
    const status: CronJobStatus = { ...cronJob.status, active: [...(cronJob.status?.active ?? [])] };
    await forgetEnded(cronJob, own, status);
    for (const job of overdue(cronJob, own)) await deleteJob(cronJob, job, status);
    try {
      return cronJob.metadata.deletionTimestamp === undefined ? await schedule(cronJob, own, status) : undefined;
    } finally {
      await writeStatus(cronJob, status);
    }
  };

  const forgetEnded = async (cronJob: LiveCronJob, own: readonly LiveJob[], status: CronJobStatus): Promise<void> => {
    const listed = new Set((status.active ?? []).map(({ uid }) => uid));
    for (const job of own) {
      const end = finished(job);
      const { uid, name } = job.metadata;
      if (end === undefined && !listed.has(uid)) {
        const text = `Saw a job that the controller did not create or forgot: ${name}`;
        // The watch shows the job before the status that names it.
        const live = await client.get(resources.cronJobs, keyOf(cronJob));
        if (live.status?.active?.some((one) => one.uid === uid) === true) status.active = live.status.active;
        else recorder.event(cronJob, 'Warning', 'UnexpectedJob', text);
      }
      if (end === undefined) continue;
      if (listed.has(uid)) {
        drop(status, uid);
        recorder.event(cronJob, 'Normal', 'SawCompletedJob', `Saw completed job: ${name}, condition: ${end}`);
      }
      const done = job.status?.completionTime;
      if (end === 'Complete' && done !== undefined && done > (status.lastSuccessfulTime ?? '')) {
        status.lastSuccessfulTime = done;
      }
    }
    const known = new Set(own.map(({ metadata }) => metadata.uid));
    for (const { uid = '', name = '', namespace = '' } of [...(status.active ?? [])]) {
      if (known.has(uid) || (await exists(namespace, name))) continue;
      recorder.event(cronJob, 'Normal', 'MissingJob', `Active job went missing: ${name}`);
      drop(status, uid);
    }
  };

  const exists = async (namespace: string, name: string): Promise<boolean> => {
    try {
      await client.get(resources.jobs, { namespace, name });
      return true;
    } catch (error) {
      if (isReason(error, 'NotFound')) return false;
      throw error;
    }
  };

  /** When to look again. */
  const schedule = async (
    cronJob: LiveCronJob,
    own: readonly LiveJob[],
    status: CronJobStatus,
  ): Promise<number | undefined> => {
    const { schedule: text = '', suspend, concurrencyPolicy } = cronJob.spec ?? {};
    if (suspend === true) return undefined;
    const parsed = parseCron(text);
    if (parsed.kind === 'bad') {
      const why = `unparseable schedule: ${JSON.stringify(text)} : ${parsed.why}`;
      recorder.event(cronJob, 'Warning', 'UnparseableSchedule', why);
      return undefined;
    }
    const now = Date.now();
    const { time, next } = dueAt(cronJob, parsed.cron, now);
    const again = next === undefined ? undefined : next - now + afterMs;
    if (time === undefined) return again;
    if (isTooLate(cronJob, time, now)) {
      const at = new Date(time).toUTCString().replace('GMT', '+0000');
      recorder.event(cronJob, 'Warning', 'MissSchedule', `Missed scheduled time to start a job: ${at}`);
      return again;
    }
    const name = jobName(cronJob, time);
    if (status.active?.some((one) => one.name === name) === true || status.lastScheduleTime === timeText(time))
      return again;
    if (concurrencyPolicy === 'Forbid' && (status.active ?? []).length > 0) {
      const why = 'Not starting job because prior execution is running and concurrency policy is Forbid';
      recorder.event(cronJob, 'Normal', 'JobAlreadyActive', why);
      return again;
    }
    if (concurrencyPolicy === 'Replace') {
      for (const job of own) if (finished(job) === undefined) await deleteJob(cronJob, job, status);
    }
    await start(cronJob, time, status);
    return again;
  };

  const start = async (cronJob: LiveCronJob, time: number, status: CronJobStatus): Promise<void> => {
    const job = await makeJob(cronJob, time);
    if (job === undefined) return;
    const { name, namespace = '', uid, resourceVersion } = job.metadata;
    (status.active ??= []).push({ kind: 'Job', namespace, name, uid, apiVersion: 'batch/v1', resourceVersion });
    status.lastScheduleTime = timeText(time);
  };

  const makeJob = async (cronJob: LiveCronJob, time: number): Promise<LiveJob | undefined> => {
    const wanted = jobOf(cronJob, time);
    try {
      const job = await client.create(resources.jobs, wanted);
      recorder.event(cronJob, 'Normal', 'SuccessfulCreate', `Created job ${job.metadata.name}`);
      return job;
    } catch (error) {
      if (isNamespaceTerminating(error)) return undefined;
      if (!isReason(error, 'AlreadyExists')) {
        const why = `Error creating job: ${error instanceof Error ? error.message : String(error)}`;
        recorder.event(cronJob, 'Warning', 'FailedCreate', why);
        throw error;
      }
      // Made before a crash, or by somebody else.
      const key = { namespace: cronJob.metadata.namespace ?? '', name: wanted.metadata?.name ?? '' };
      const job = await client.get(resources.jobs, key);
      return controllerOf(job)?.uid === cronJob.metadata.uid ? job : undefined;
    }
  };

  const deleteJob = async (cronJob: LiveCronJob, job: LiveJob, status: CronJobStatus): Promise<void> => {
    await applyWrites(writer, [remove(resources.jobs, job, { propagationPolicy: 'Background' })]);
    drop(status, job.metadata.uid);
    recorder.event(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${job.metadata.name}`);
  };

  const writeStatus = async (cronJob: LiveCronJob, status: CronJobStatus): Promise<void> => {
    const before = { ...cronJob.status, active: cronJob.status?.active ?? [] };
    if (semanticEqual(before, status)) return;
    const patch = { status: { ...status, active: status.active?.length === 0 ? null : status.active } };
    await applyWrites(writer, [mergePatch(resources.cronJobs, keyOf(cronJob), patch, 'status')]);
  };

  const queue = startLoop(context, 'cronjob', { views: [cronJobs, jobs], work, concurrency: 5 });
  cronJobs.onChange((current) => {
    if (current !== undefined) queue.add(keyText(keyOf(current)));
  });
  jobs.onChange((current, old) => {
    const job = (current ?? old) as LiveJob;
    const owner = controllerOf(job);
    if (owner?.kind === 'CronJob') queue.add(`${job.metadata.namespace ?? ''}/${owner.name}`);
  });
}

function drop(status: CronJobStatus, uid: string): void {
  status.active = (status.active ?? []).filter((one) => one.uid !== uid);
}
