/** batch/v1 Job. Upstream: pkg/apis/batch/v1/defaults.go, pkg/registry/batch/job/strategy.go. */
import type { Job, JobSpec } from '../gen/types.ts';
import { defineKind } from '../kind.ts';
import type { KubeObject, Live } from '../object.ts';
import { resources } from '../resources.ts';
import { humanDuration } from '../time.ts';
import { ageColumn, column, nameColumn } from './columns.ts';
import { validateJobStatus } from './job-status-validation.ts';
import { validateJob, validateJobUpdate } from './job-validation.ts';
import { keepsStatusAndCounts, statusOnly } from './lifecycle.ts';
import { podNameWarnings, setTemplateDefaults, templateWarnings, workloadColumns } from './workload.ts';

const lifecycle = keepsStatusAndCounts<Job>();

export const jobKind = defineKind<Job>({
  resource: resources.jobs,
  applyDefaults: setJobDefaults,
  prepareForCreate(job) {
    lifecycle.prepareForCreate?.(job);
    if (job.spec?.manualSelector !== true) generateSelector(job);
  },
  prepareForUpdate: (job, old) => lifecycle.prepareForUpdate?.(job, old),
  validate: validateJob,
  validateUpdate: validateJobUpdate,
  warnings: (job, old) => [...podNameWarnings(job, old), ...jobSpecWarnings(job, old, job.spec, 'spec')],
  status: statusOnly<Job>(validateJobStatus),
  columns: [
    nameColumn(),
    column('Status', 'Status of the job.', statusText),
    column('Completions', 'The number of pods which reached phase Succeeded.', completionsText),
    column('Duration', 'Time required to complete the job.', durationText),
    ageColumn(),
    ...workloadColumns<Job>(),
  ],
  fieldSelectors: { 'status.successful': ({ status }) => String(status?.succeeded ?? 0) },
  orphansDependents: true,
  unconditionalUpdate: true,
});

/** Of a Job, and of what a CronJob makes. Upstream: pkg/api/job/warnings.go. */
export function jobSpecWarnings(
  object: KubeObject,
  old: KubeObject | undefined,
  spec: JobSpec | undefined,
  at: string,
): readonly string[] {
  const { completionMode, completions = 0, parallelism = 0, template } = spec ?? {};
  const many = completionMode === 'Indexed' && completions > 100_000 && parallelism > 10_000;
  const same = old !== undefined && old.metadata?.generation === object.metadata?.generation;
  const why =
    'In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail';
  return [...(many && !same ? [`${at}: ${why}`] : []), ...templateWarnings(object, old, template, `${at}.template`)];
}

function setJobDefaults(job: Job): void {
  const { spec } = job;
  if (spec === undefined) return;
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : 2 ** 31 - 1;
  const labels = spec.template?.metadata?.labels;
  if (labels !== undefined && Object.keys(job.metadata?.labels ?? {}).length === 0) {
    job.metadata = { ...job.metadata, labels: { ...labels } };
  }
  spec.completionMode ??= 'NonIndexed';
  spec.suspend ??= false;
  spec.podReplacementPolicy ??= spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed';
  spec.manualSelector ??= false;
  setPolicyDefaults(spec);
  setTemplateDefaults(spec.template);
}

/** Of what a CronJob makes, too. */
export function setPolicyDefaults({ podFailurePolicy }: JobSpec): void {
  for (const { onPodConditions } of podFailurePolicy?.rules ?? []) {
    for (const pattern of onPodConditions ?? []) pattern.status ??= 'True';
  }
}

/** The job's own uid tells its pods apart; labels that contradict it are refused by the validation. */
function generateSelector(job: Job): void {
  const { spec, metadata } = job;
  if (spec?.template === undefined) return;
  const { name = '', uid = '' } = metadata ?? {};
  const labels = ((spec.template.metadata ??= {}).labels ??= {});
  labels['job-name'] ??= name;
  labels['batch.kubernetes.io/job-name'] ??= name;
  labels['controller-uid'] ??= uid;
  labels['batch.kubernetes.io/controller-uid'] ??= uid;
  const selector = ((spec.selector ??= {}).matchLabels ??= {});
  selector['batch.kubernetes.io/controller-uid'] ??= uid;
}

/** The first that holds. Upstream: printJob. */
const states = [
  ['Complete', 'Complete'],
  ['Failed', 'Failed'],
  ['', 'Terminating'],
  ['Suspended', 'Suspended'],
  ['FailureTarget', 'FailureTarget'],
  ['SuccessCriteriaMet', 'SuccessCriteriaMet'],
] as const;

function statusText({ metadata, status }: Live<Job>): string {
  const holds = (type: string): boolean =>
    type === ''
      ? metadata.deletionTimestamp !== undefined
      : status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true;
  return states.find(([type]) => holds(type))?.[1] ?? 'Running';
}

function completionsText({ spec, status }: Live<Job>): string {
  const succeeded = status?.succeeded ?? 0;
  if (spec?.completions !== undefined) return `${succeeded}/${spec.completions}`;
  const parallelism = spec?.parallelism ?? 0;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function durationText({ status }: Live<Job>, now: number): string {
  const { startTime, completionTime } = status ?? {};
  if (startTime === undefined) return '';
  const end = completionTime === undefined ? now : Date.parse(completionTime);
  return humanDuration(end - Date.parse(startTime));
}
