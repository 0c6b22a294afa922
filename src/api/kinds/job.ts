/** batch/v1 Job. Upstream: pkg/apis/batch/v1/defaults.go, pkg/registry/batch/job/strategy.go. */
import type { Job } from '../gen/types.ts';
import { defineKind } from '../kind.ts';
import type { Live } from '../object.ts';
import { resources } from '../resources.ts';
import { humanDuration } from '../time.ts';
import { ageColumn, column, nameColumn } from './columns.ts';
import { validateJobStatus } from './job-status-validation.ts';
import { validateJob, validateJobUpdate } from './job-validation.ts';
import { keepsStatusAndCounts, statusOnly } from './lifecycle.ts';
import { setTemplateDefaults, workloadColumns } from './workload.ts';

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

export function setJobDefaults(job: Job): void {
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
  for (const { onPodConditions } of spec.podFailurePolicy?.rules ?? []) {
    for (const pattern of onPodConditions ?? []) pattern.status ??= 'True';
  }
  setTemplateDefaults(spec.template);
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
