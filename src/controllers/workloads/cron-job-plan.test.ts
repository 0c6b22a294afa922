/** What of a CronJob is due, and what of its history goes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CronJobSpec } from '../../api/gen/types.ts';
import { parseCron } from '../../api/cron.ts';
import { live } from '../fixtures.ts';
import { dueAt, isTooLate, jobName, jobOf, overdue } from './cron-job-plan.ts';
import type { LiveCronJob, LiveJob } from './cron-job-plan.ts';

const at = (time: string): number => Date.parse(`2026-07-08T${time}Z`);
const template = { spec: { template: {} }, metadata: { labels: { a: 'b' } } };

function cronJob(spec: Partial<CronJobSpec>, lastScheduleTime?: string): LiveCronJob {
  return live({
    metadata: { name: 'tick', namespace: 'default', uid: 'u', creationTimestamp: '2026-07-08T10:00:30Z' },
    spec: { schedule: '*/10 * * * *', jobTemplate: template, ...spec },
    status: lastScheduleTime === undefined ? {} : { lastScheduleTime },
  });
}

function due(spec: Partial<CronJobSpec>, now: string, last?: string): readonly (string | undefined)[] {
  const one = cronJob(spec, last);
  const parsed = parseCron(one.spec?.schedule ?? '');
  assert.ok(parsed.kind === 'cron');
  const { time, next } = dueAt(one, parsed.cron, at(now));
  return [time, next].map((ms) => (ms === undefined ? undefined : new Date(ms).toISOString().slice(11, 19)));
}

describe('CronJobs', () => {
  it('the last time that was missed, and the next', () => {
    const utc = { timeZone: 'UTC' };
    assert.deepEqual(due(utc, '10:05:00'), [undefined, '10:10:00']);
    assert.deepEqual(due(utc, '10:10:00'), ['10:10:00', '10:20:00']);
    assert.deepEqual(due(utc, '10:35:00'), ['10:30:00', '10:40:00']);
    assert.deepEqual(due(utc, '10:35:00', '2026-07-08T10:30:00Z'), [undefined, '10:40:00']);
    assert.deepEqual(due({ ...utc, startingDeadlineSeconds: 60 }, '10:35:00'), [undefined, '10:40:00']);
    assert.ok(isTooLate(cronJob({ startingDeadlineSeconds: 60 }), at('10:30:00'), at('10:31:01')));
  });

  it('a job is named after its minute, and says when it was due, in the zone', () => {
    const one = cronJob({ timeZone: 'Asia/Tokyo' });
    const job = jobOf(one, at('10:10:00'));
    assert.equal(job.metadata?.name, `tick-${String(at('10:10:00') / 60_000)}`);
    assert.equal(job.metadata.name, jobName(one, at('10:10:59')));
    assert.deepEqual(job.metadata.annotations, {
      'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-07-08T19:10:00+09:00',
    });
    assert.deepEqual(job.metadata.labels, { a: 'b' });
  });

  it('of those that ended, the oldest go', () => {
    const job = (name: string, startTime: string, type?: string): LiveJob =>
      live({
        metadata: { name },
        status: { startTime, ...(type === undefined ? {} : { conditions: [{ type, status: 'True' }] }) },
      });
    const jobs = [
      job('c', '3', 'Complete'),
      job('a', '1', 'Complete'),
      job('b', '2', 'Complete'),
      job('f', '0', 'Failed'),
      job('r', '0'),
    ];
    const names = overdue(cronJob({ successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 1 }), jobs);
    assert.deepEqual(
      names.map(({ metadata }) => metadata.name),
      ['a', 'b'],
    );
  });
});
