/**
 * One look at one CronJob. Upstream: pkg/controller/cronjob, syncCronJob.
 *
 *   its jobs ─> what ended is forgotten ─> what is over the history's limits deleted ─> is it time? a job made ─> status
 */
import type { CronJobStatus } from '../../api/gen/types.ts';
import { isReason } from '../../api/errors.ts';
import { parseCron } from '../../api/cron.ts';
import { keyOf } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { semanticEqual } from '../equality.ts';
import { controllerOf } from '../owners.ts';
import { applyWrites, isNamespaceTerminating, mergePatch, remove } from '../writes.ts';
import type { Writer } from '../writes.ts';
import { dueAt, finished, isTooLate, jobName, jobOf, overdue } from './cron-job-plan.ts';
import type { LiveCronJob, LiveJob } from './cron-job-plan.ts';
import { timeText } from './job-plan.ts';

/** Milliseconds after the minute, so that the schedule has certainly come. */
const afterMs = 100;

export class CronJobSync {
  readonly #writer: Writer;
  readonly #cronJob: LiveCronJob;
  readonly #own: readonly LiveJob[];
  readonly #status: CronJobStatus;

  /** `own`: the jobs that it controls. */
  constructor(writer: Writer, cronJob: LiveCronJob, own: readonly LiveJob[]) {
    this.#writer = writer;
    this.#cronJob = cronJob;
    this.#own = own;
    this.#status = { ...cronJob.status, active: [...(cronJob.status?.active ?? [])] };
  }

  /** Resolves to when to look again, in milliseconds; undefined: when something changes. */
  async run(): Promise<number | undefined> {
    await this.#noteJobs();
    await this.#noteMissing();
    for (const job of overdue(this.#cronJob, this.#own)) await this.#deleteJob(job);
    try {
      return this.#cronJob.metadata.deletionTimestamp === undefined ? await this.#schedule() : undefined;
    } finally {
      await this.#writeStatus();
    }
  }

  async #noteJobs(): Promise<void> {
    const listed = new Set((this.#status.active ?? []).map(({ uid }) => uid));
    for (const job of this.#own) {
      const end = finished(job);
      const isListed = listed.has(job.metadata.uid);
      if (end !== undefined) this.#noteEnd(job, end, isListed);
      else if (!isListed) await this.#noteUnexpected(job);
    }
  }

  async #noteUnexpected({ metadata: { uid, name } }: LiveJob): Promise<void> {
    // The watch shows the job before the status that names it.
    const live = await this.#writer.client.get(resources.cronJobs, keyOf(this.#cronJob));
    if (live.status?.active?.some((one) => one.uid === uid) === true) this.#status.active = live.status.active;
    else this.#tell('Warning', 'UnexpectedJob', `Saw a job that the controller did not create or forgot: ${name}`);
  }

  #noteEnd({ metadata: { uid, name }, status }: LiveJob, end: string, isListed: boolean): void {
    if (isListed) {
      this.#drop(uid);
      this.#tell('Normal', 'SawCompletedJob', `Saw completed job: ${name}, condition: ${end}`);
    }
    const done = status?.completionTime;
    if (end === 'Complete' && done !== undefined && done > (this.#status.lastSuccessfulTime ?? '')) {
      this.#status.lastSuccessfulTime = done;
    }
  }

  async #noteMissing(): Promise<void> {
    const known = new Set(this.#own.map(({ metadata }) => metadata.uid));
    for (const { uid = '', name = '', namespace = '' } of [...(this.#status.active ?? [])]) {
      if (known.has(uid) || (await this.#exists(namespace, name))) continue;
      this.#tell('Normal', 'MissingJob', `Active job went missing: ${name}`);
      this.#drop(uid);
    }
  }

  async #exists(namespace: string, name: string): Promise<boolean> {
    try {
      await this.#writer.client.get(resources.jobs, { namespace, name });
      return true;
    } catch (error) {
      if (isReason(error, 'NotFound')) return false;
      throw error;
    }
  }

  async #schedule(): Promise<number | undefined> {
    const { schedule: text = '', suspend } = this.#cronJob.spec ?? {};
    if (suspend === true) return undefined;
    const parsed = parseCron(text);
    if (parsed.kind === 'bad') {
      const why = `unparseable schedule: ${JSON.stringify(text)} : ${parsed.why}`;
      this.#tell('Warning', 'UnparseableSchedule', why);
      return undefined;
    }
    const now = Date.now();
    const { time, next } = dueAt(this.#cronJob, parsed.cron, now);
    if (time !== undefined && this.#mayStart(time, now)) await this.#start(time);
    return next === undefined ? undefined : next - now + afterMs;
  }

  #mayStart(time: number, now: number): boolean {
    if (isTooLate(this.#cronJob, time, now)) {
      const at = new Date(time).toUTCString().replace('GMT', '+0000');
      this.#tell('Warning', 'MissSchedule', `Missed scheduled time to start a job: ${at}`);
      return false;
    }
    const { active = [], lastScheduleTime } = this.#status;
    const name = jobName(this.#cronJob, time);
    if (active.some((one) => one.name === name) || lastScheduleTime === timeText(time)) return false;
    if (this.#cronJob.spec?.concurrencyPolicy !== 'Forbid' || active.length === 0) return true;
    const why = 'Not starting job because prior execution is running and concurrency policy is Forbid';
    this.#tell('Normal', 'JobAlreadyActive', why);
    return false;
  }

  async #start(time: number): Promise<void> {
    if (this.#cronJob.spec?.concurrencyPolicy === 'Replace') {
      for (const job of this.#own) if (finished(job) === undefined) await this.#deleteJob(job);
    }
    const job = await this.#makeJob(time);
    if (job === undefined) return;
    const { name, namespace = '', uid, resourceVersion } = job.metadata;
    (this.#status.active ??= []).push({ kind: 'Job', namespace, name, uid, apiVersion: 'batch/v1', resourceVersion });
    this.#status.lastScheduleTime = timeText(time);
  }

  async #makeJob(time: number): Promise<LiveJob | undefined> {
    const { client } = this.#writer;
    const wanted = jobOf(this.#cronJob, time);
    try {
      const job = await client.create(resources.jobs, wanted);
      this.#tell('Normal', 'SuccessfulCreate', `Created job ${job.metadata.name}`);
      return job;
    } catch (error) {
      if (isNamespaceTerminating(error)) return undefined;
      if (!isReason(error, 'AlreadyExists')) {
        const why = `Error creating job: ${error instanceof Error ? error.message : String(error)}`;
        this.#tell('Warning', 'FailedCreate', why);
        throw error;
      }
      // Made before a crash, or by somebody else.
      const key = { namespace: this.#cronJob.metadata.namespace ?? '', name: wanted.metadata?.name ?? '' };
      const job = await client.get(resources.jobs, key);
      return controllerOf(job)?.uid === this.#cronJob.metadata.uid ? job : undefined;
    }
  }

  async #deleteJob(job: LiveJob): Promise<void> {
    await applyWrites(this.#writer, [remove(resources.jobs, job, { propagationPolicy: 'Background' })]);
    this.#drop(job.metadata.uid);
    this.#tell('Normal', 'SuccessfulDelete', `Deleted job ${job.metadata.name}`);
  }

  async #writeStatus(): Promise<void> {
    const { status: old } = this.#cronJob;
    if (semanticEqual({ ...old, active: old?.active ?? [] }, this.#status)) return;
    const { active } = this.#status;
    const patch = { status: { ...this.#status, active: active?.length === 0 ? null : active } };
    const write = mergePatch(resources.cronJobs, keyOf(this.#cronJob), patch, 'status');
    await applyWrites(this.#writer, [write]);
  }

  #drop(uid: string): void {
    this.#status.active = (this.#status.active ?? []).filter((one) => one.uid !== uid);
  }

  #tell(type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#writer.recorder.event(this.#cronJob, type, reason, message);
  }
}
