/** Validation of Jobs. Upstream: pkg/apis/batch/validation. */
import type { Job, JobSpec } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import type { Live } from '../object.ts';
import { invalidField, notSupportedField, requiredField, tooLongField } from '../field-errors.ts';
import { labelSelectorMatches } from '../selectors/index.ts';
import {
  byteLength,
  dns1123SubdomainName,
  validateDomainPath,
  validateLabelSelector,
  validateMetadata,
  validateMetadataUpdate,
  validateNonNegative,
  whyNotDns1123Label,
} from '../validation/index.ts';
import { validateFailurePolicy, validateSuccessPolicy } from './job-policy-validation.ts';
import { validateTemplateUpdate } from './job-template-update.ts';
import { validateImmutable } from './lifecycle.ts';
import { validatePodTemplate } from './pod/index.ts';

const mostIndexedParallelism = 100_000;
const mostFailedIndexes = 100_000;
/** Above it, and with a limit per index, the texts of indexes would become too long. */
const manyCompletions = 100_000;
const mostOfMany = 10_000;
const mostManagerBytes = 63;

export function validateJob(job: Job): FieldError[] {
  const errors = [
    ...validateMetadata(job, true, dns1123SubdomainName),
    ...validateGeneratedSelector(job),
    ...validateSpec(job.spec ?? ({} as JobSpec)),
    ...validateOwnSelector(job.spec ?? ({} as JobSpec)),
  ];
  const { completionMode, completions = 0 } = job.spec ?? {};
  if (completionMode === 'Indexed' && completions > 0) {
    const hostname = `${job.metadata?.name ?? ''}-${completions - 1}`;
    if (whyNotDns1123Label(hostname).length > 0) {
      const why = `will not able to create pod with invalid DNS label: ${hostname}`;
      errors.push(invalidField('metadata.name', job.metadata?.name ?? '', why));
    }
  }
  return errors;
}

export function validateJobUpdate(job: Job, old: Live<Job>): FieldError[] {
  const [now, was] = [job.spec ?? ({} as JobSpec), old.spec ?? ({} as JobSpec)];
  // Upstream checks a Job as a new one, and its spec once more.
  const errors = [
    ...validateJob(job),
    ...validateMetadataUpdate(job, old),
    ...validateSpec(now),
    ...validateOwnSelector(now),
  ];
  if (now.completionMode !== 'Indexed') {
    errors.push(...validateImmutable(now.completions, was.completions, 'spec.completions'));
  } else if (
    now.completions !== undefined &&
    now.completions !== was.completions &&
    now.completions !== now.parallelism
  ) {
    const why = 'can only be modified in tandem with spec.parallelism';
    errors.push(invalidField('spec.completions', now.completions, why));
  }
  errors.push(...validateImmutable(now.selector, was.selector, 'spec.selector'));
  errors.push(...validateTemplateUpdate(now.template, old));
  const fixed = ['completionMode', 'podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy'] as const;
  return [...errors, ...fixed.flatMap((key) => validateImmutable(now[key], was[key], `spec.${key}`))];
}

/** Names and uid are the server's to give, unless the client took the selector upon itself. */
function validateGeneratedSelector(job: Job): FieldError[] {
  const { spec, metadata } = job;
  if (spec?.manualSelector === true || spec?.selector === undefined) return [];
  const { name = '', uid = '' } = metadata ?? {};
  const labels = spec.template?.metadata?.labels ?? {};
  const expected = {
    'controller-uid': uid,
    'job-name': name,
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
  };
  const errors = Object.entries(expected).flatMap(([key, value]) => {
    const field = 'spec.template.metadata.labels';
    if (labels[key] === undefined) return [requiredField(field, `must be '${value}'`)];
    return labels[key] === value ? [] : [invalidField(field, labels, `must be '${value}'`)];
  });
  if (!labelSelectorMatches(spec.selector, expected)) {
    errors.push(invalidField('spec.selector', spec.selector, '`selector` not auto-generated'));
  }
  return errors;
}

function validateSpec(spec: JobSpec): FieldError[] {
  const numbers = [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
    'backoffLimitPerIndex',
    'maxFailedIndexes',
  ] as const;
  return [
    ...numbers.flatMap((key) => validateNonNegative(spec[key], `spec.${key}`)),
    ...validateManager(spec.managedBy),
    ...validateMode(spec),
    ...validateFailurePolicy(spec, 'spec.podFailurePolicy'),
    ...validateSuccessPolicy(spec, 'spec.successPolicy'),
    ...validateReplacement(spec),
    ...validatePodTemplate(spec.template, 'spec.template'),
    ...validateRestart(spec),
  ];
}

function validateOwnSelector(spec: JobSpec): FieldError[] {
  if (spec.selector === undefined) return [requiredField('spec.selector')];
  const errors = validateLabelSelector(spec.selector, 'spec.selector');
  const labels = spec.template?.metadata?.labels;
  if (!labelSelectorMatches(spec.selector, labels)) {
    const field = 'spec.template.metadata.labels';
    errors.push(invalidField(field, labels ?? {}, '`selector` does not match template `labels`'));
  }
  return errors;
}

/** Of a CronJob: its jobs get their selectors when they are made. `at`: the path of the template. */
export function validateJobTemplate(spec: JobSpec, at: string): FieldError[] {
  const errors = validateSpec(spec);
  if (spec.selector !== undefined) {
    errors.push(invalidField('spec.selector', spec.selector, '`selector` will be auto-generated'));
  }
  if (spec.manualSelector === true) {
    errors.push(notSupportedField('spec.manualSelector', true, ['nil', 'false']));
  }
  return errors.map((error) => ({ ...error, field: `${at}.${error.field}` }));
}

function validateManager(name: string | undefined): FieldError[] {
  if (name === undefined) return [];
  const errors = validateDomainPath(name, 'spec.managedBy');
  return byteLength(name) > mostManagerBytes ? [...errors, tooLongField('spec.managedBy', mostManagerBytes)] : errors;
}

function validateMode(spec: JobSpec): FieldError[] {
  const { completionMode = 'NonIndexed', completions, parallelism, backoffLimitPerIndex, maxFailedIndexes } = spec;
  const errors: FieldError[] = [];
  if (maxFailedIndexes !== undefined && backoffLimitPerIndex === undefined) {
    errors.push(requiredField('spec.backoffLimitPerIndex', 'when maxFailedIndexes is specified'));
  }
  if (completionMode === 'Indexed') {
    if (completions === undefined) errors.push(requiredField('spec.completions', 'when completion mode is Indexed'));
    if ((parallelism ?? 0) > mostIndexedParallelism) {
      const why = `must be less than or equal to ${mostIndexedParallelism} when completion mode is Indexed`;
      errors.push(invalidField('spec.parallelism', parallelism, why));
    }
    if (completions !== undefined && (maxFailedIndexes ?? 0) > completions) {
      errors.push(invalidField('spec.maxFailedIndexes', maxFailedIndexes, 'must be less than or equal to completions'));
    }
    if ((maxFailedIndexes ?? 0) > mostFailedIndexes) {
      const why = `must be less than or equal to ${mostFailedIndexes}`;
      errors.push(invalidField('spec.maxFailedIndexes', maxFailedIndexes, why));
    }
    return [...errors, ...validateManyCompletions(spec)];
  }
  if (completionMode !== 'NonIndexed') {
    errors.push(notSupportedField('spec.completionMode', completionMode, ['NonIndexed', 'Indexed']));
  }
  for (const key of ['backoffLimitPerIndex', 'maxFailedIndexes'] as const) {
    if (spec[key] !== undefined)
      errors.push(invalidField(`spec.${key}`, spec[key], 'requires indexed completion mode'));
  }
  return errors;
}

function validateManyCompletions(spec: JobSpec): FieldError[] {
  const { completions = 0, parallelism = 0, backoffLimitPerIndex, maxFailedIndexes } = spec;
  if (completions <= manyCompletions || backoffLimitPerIndex === undefined) return [];
  const errors: FieldError[] = [];
  if (maxFailedIndexes === undefined) {
    const why = `must be specified when completions is above ${manyCompletions}`;
    errors.push(requiredField('spec.maxFailedIndexes', why));
  }
  const why = `must be less than or equal to ${mostOfMany} when completions are above ${manyCompletions} and used with backoff limit per index`;
  if (parallelism > mostOfMany) errors.push(invalidField('spec.parallelism', parallelism, why));
  if ((maxFailedIndexes ?? 0) > mostOfMany) errors.push(invalidField('spec.maxFailedIndexes', maxFailedIndexes, why));
  return errors;
}

function validateReplacement({ podReplacementPolicy, podFailurePolicy }: JobSpec): FieldError[] {
  if (podReplacementPolicy === undefined) return [];
  const known = podFailurePolicy === undefined ? ['Failed', 'TerminatingOrFailed'] : ['Failed'];
  if (known.includes(podReplacementPolicy)) return [];
  return [notSupportedField('spec.podReplacementPolicy', podReplacementPolicy, known)];
}

function validateRestart({ template, podFailurePolicy }: JobSpec): FieldError[] {
  const field = 'spec.template.spec.restartPolicy';
  const policy = template?.spec?.restartPolicy ?? '';
  if (policy === '' || policy === 'Always') return [requiredField(field, 'valid values: "OnFailure", "Never"')];
  if (policy !== 'OnFailure' && policy !== 'Never') return [notSupportedField(field, policy, ['OnFailure', 'Never'])];
  if (podFailurePolicy === undefined || policy === 'Never') return [];
  return [invalidField(field, policy, 'only "Never" is supported when podFailurePolicy is specified')];
}
