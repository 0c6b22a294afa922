/** Jobs that ended go ttlSecondsAfterFinished later, whoever manages them. Upstream: pkg/controller/ttlafterfinished. */
import { keyOf, keyText } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { parseKey, startLoop } from '../context.ts';
import type { ControllerContext } from '../context.ts';
import { applyWrite, remove } from '../writes.ts';
import type { LiveJob } from './job-facts.ts';

export function runJobExpiry(context: ControllerContext): void {
  const jobs = context.views.of(resources.jobs);
  const writer = context.writer('ttl-after-finished-controller');

  const work = async (key: string): Promise<number | void> => {
    const job = jobs.get(parseKey(key));
    const left = job === undefined ? undefined : expiresIn(job, Date.now());
    if (job === undefined || left === undefined || left > 0) return left;
    const preconditions = { resourceVersion: job.metadata.resourceVersion };
    await applyWrite(writer, remove(resources.jobs, job, { propagationPolicy: 'Foreground', preconditions }));
  };
  const queue = startLoop(context, 'ttl-after-finished', { views: [jobs], work, concurrency: 5 });

  jobs.onChange((job) => {
    if (job !== undefined && expiresIn(job, Date.now()) !== undefined) queue.add(keyText(keyOf(job)));
  });
}

/** Milliseconds; undefined: it has not ended, it stays, or it is going already. */
function expiresIn({ metadata, spec, status }: LiveJob, now: number): number | undefined {
  const ttl = spec?.ttlSecondsAfterFinished;
  const end = status?.conditions?.find(
    ({ type, status: is }) => (type === 'Complete' || type === 'Failed') && is === 'True',
  );
  if (ttl === undefined || end === undefined || metadata.deletionTimestamp !== undefined) return undefined;
  return Math.max(0, Date.parse(end.lastTransitionTime ?? metadata.creationTimestamp) + ttl * 1000 - now);
}
