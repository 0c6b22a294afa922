/** The CronJob loop: a cron job or one of its jobs changes, or its time has come ─> one sync (cron-job-sync.ts). */
import { keyOf, keyText } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { parseKey, startLoop } from '../context.ts';
import type { ControllerContext } from '../context.ts';
import { controllerOf } from '../owners.ts';
import type { LiveJob } from './cron-job-plan.ts';
import { CronJobSync } from './cron-job-sync.ts';

export function runCronJobs(context: ControllerContext): void {
  const { views } = context;
  const cronJobs = views.of(resources.cronJobs);
  const jobs = views.of(resources.jobs);
  const jobsOf = jobs.indexBy((job) => controllerOf(job)?.uid);
  const writer = context.writer('cronjob-controller');

  const work = async (key: string): Promise<number | void> => {
    const cronJob = cronJobs.get(parseKey(key));
    if (cronJob === undefined) return;
    return await new CronJobSync(writer, cronJob, jobsOf(cronJob.metadata.uid)).run();
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
