/** What is written of a job's status, and whether there is anything to write. */
import type { JobCondition, JobStatus } from '../../api/gen/types.ts';
import { semanticEqual } from '../equality.ts';
import type { LiveJob } from './job-facts.ts';
import { jobCondition } from './job-plan.ts';

/** A merge patch, bound to the version that was looked at; undefined: the job says all that already. */
export function statusPatch(job: LiveJob, status: JobStatus): object | undefined {
  const known = wireStatus(job.status ?? {});
  const wanted = wireStatus(status);
  if (semanticEqual(known, wanted)) return undefined;
  const removed = Object.keys(known).filter((key) => !(key in wanted));
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  const listOrNone = (uids: readonly string[]): readonly string[] | null => (uids.length === 0 ? null : uids);
  return {
    metadata: { resourceVersion: job.metadata.resourceVersion },
    status: {
      ...Object.fromEntries(removed.map((key) => [key, null])),
      ...wanted,
      uncountedTerminatedPods: { succeeded: listOrNone(succeeded), failed: listOrNone(failed) },
    },
  };
}

/** Upstream's omitempty: `ready` and `terminating` are told when they are 0, these are not. */
function wireStatus(status: JobStatus): Record<string, unknown> {
  const { active, succeeded, failed, completedIndexes, ...rest } = status;
  const some = { active, succeeded, failed, completedIndexes };
  const kept = Object.entries(some).filter(([, value]) => value !== undefined && value !== 0 && value !== '');
  return { ...rest, ...Object.fromEntries(kept) };
}

/** The condition Suspended when it has to be said anew. Nothing is said of a job that never was suspended. */
export function suspensionOf({ spec, status }: LiveJob, now: number): JobCondition | undefined {
  const wanted = spec?.suspend === true;
  const known = status?.conditions?.find(({ type }) => type === 'Suspended');
  if ((known?.status === 'True') === wanted) return undefined;
  const [reason, message] = wanted ? ['JobSuspended', 'Job suspended'] : ['JobResumed', 'Job resumed'];
  return { ...jobCondition('Suspended', reason, message, now), status: wanted ? 'True' : 'False' };
}
