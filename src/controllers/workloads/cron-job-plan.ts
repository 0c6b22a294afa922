/**
 * A CronJob and its jobs → what is due, and what has become of what ran. Pure. Upstream: pkg/controller/cronjob.
 *
 *   jobs ─ ended: off the active list ─ too many that ended: the oldest go
 *   schedule ─ the last time that was missed ─ too late? one runs already (Forbid, Replace)? ─ a job named after that minute
 */
import type { CronJob, Job } from '../../api/gen/types.ts';
import type { Cron } from '../../api/cron.ts';
import type { Live } from '../../api/object.ts';
import { controllerReference } from '../owners.ts';

export type LiveCronJob = Live<CronJob>;
export type LiveJob = Live<Job>;

const scheduledAnnotation = 'batch.kubernetes.io/cronjob-scheduled-timestamp';

/** More than so many in one go: somebody's clock jumped, or the schedule is by the second. */
const mostMissed = 100_000;

export interface Due {
  /** The last of the times that were missed. */
  readonly time: number | undefined;
  readonly next: number | undefined;
}

/** Times since the last run, or since it was made; none that is older than the starting deadline. */
export function dueAt({ metadata, spec, status }: LiveCronJob, cron: Cron, now: number): Due {
  const deadline = spec?.startingDeadlineSeconds;
  const since = Date.parse(status?.lastScheduleTime ?? metadata.creationTimestamp);
  const earliest = deadline === undefined ? since : Math.max(since, now - deadline * 1000);
  const zone = spec?.timeZone;
  let time: number | undefined;
  let next = cron.next(earliest, zone);
  for (let count = 0; next !== undefined && next <= now && count < mostMissed; count++) {
    time = next;
    next = cron.next(next, zone);
  }
  return { time, next: next !== undefined && next <= now ? cron.next(now, zone) : next };
}

export function isTooLate({ spec }: LiveCronJob, time: number, now: number): boolean {
  const deadline = spec?.startingDeadlineSeconds;
  return deadline !== undefined && time + deadline * 1000 < now;
}

export function finished({ status }: LiveJob): 'Complete' | 'Failed' | undefined {
  const holds = (type: string): boolean =>
    status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true;
  return holds('Complete') ? 'Complete' : holds('Failed') ? 'Failed' : undefined;
}

/** Those that ended and are more than the history holds, the oldest first. */
export function overdue({ spec }: LiveCronJob, jobs: readonly LiveJob[]): LiveJob[] {
  const older = (type: string, limit: number | undefined): LiveJob[] => {
    const own = jobs.filter((job) => finished(job) === type).sort((a, b) => startOf(a) - startOf(b));
    return limit === undefined ? [] : own.slice(0, Math.max(0, own.length - limit));
  };
  return [...older('Failed', spec?.failedJobsHistoryLimit), ...older('Complete', spec?.successfulJobsHistoryLimit)];
}

function startOf({ status, metadata }: LiveJob): number {
  return Date.parse(status?.startTime ?? metadata.creationTimestamp);
}

/** Its name is a lock: the same minute is never run twice. */
export function jobName({ metadata }: LiveCronJob, time: number): string {
  return `${metadata.name}-${String(Math.floor(time / 60_000))}`;
}

export function jobOf(cronJob: LiveCronJob, time: number): Job {
  const { metadata = {}, spec } = cronJob.spec?.jobTemplate ?? {};
  const { namespace } = cronJob.metadata;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: jobName(cronJob, time),
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...metadata.labels },
      annotations: { ...metadata.annotations, [scheduledAnnotation]: timestampIn(time, cronJob.spec?.timeZone) },
      ownerReferences: [controllerReference(cronJob, 'batch/v1', 'CronJob')],
    },
    ...(spec === undefined ? {} : { spec }),
  };
}

/** RFC 3339 with the offset of the zone. */
function timestampIn(time: number, zone: string | undefined): string {
  if (zone === undefined) return `${new Date(time).toISOString().slice(0, 19)}Z`;
  const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
  const name = format.formatToParts(time).find(({ type }) => type === 'timeZoneName')?.value ?? 'GMT';
  const offset = name.slice('GMT'.length);
  if (offset === '') return `${new Date(time).toISOString().slice(0, 19)}Z`;
  const [hours = 0, minutes = 0] = offset.slice(1).split(':').map(Number);
  const ms = (hours * 60 + minutes) * 60_000 * (offset.startsWith('-') ? -1 : 1);
  return `${new Date(time + ms).toISOString().slice(0, 19)}${offset}`;
}
