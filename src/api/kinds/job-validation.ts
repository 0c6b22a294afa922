/** Validation of Jobs. Upstream: pkg/apis/batch/validation. */
import type { Job, JobSpec, PodFailurePolicyRule } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import type { Live } from '../object.ts';
import { invalidField, notSupportedField, requiredField, tooManyField } from '../field-errors.ts';
import { labelSelectorMatches } from '../selectors/index.ts';
import {
  dns1123SubdomainName,
  validateLabelSelector,
  validateMetadata,
  validateMetadataUpdate,
  validateNonNegative,
  whyNotDns1123Label,
} from '../validation/index.ts';
import { validateImmutable } from './lifecycle.ts';
import { validatePodTemplate } from './pod/index.ts';

const mostIndexedParallelism = 100_000;
const mostRules = 20;

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
  const errors = [...validateJob(job), ...validateMetadataUpdate(job, old)];
  if (now.completionMode !== 'Indexed') {
    errors.push(...validateImmutable(now.completions, was.completions, 'spec.completions'));
  } else if (now.completions !== was.completions && now.completions !== now.parallelism) {
    const why = 'can only be modified in tandem with spec.parallelism';
    errors.push(invalidField('spec.completions', now.completions, why));
  }
  errors.push(...validateImmutable(now.selector, was.selector, 'spec.selector'));
  if (was.suspend !== true || (old.status?.startTime ?? '') !== '') {
    errors.push(...validateImmutable(now.template, was.template, 'spec.template'));
  }
  const fixed = ['completionMode', 'podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy'] as const;
  return [...errors, ...fixed.flatMap((key) => validateImmutable(now[key], was[key], `spec.${key}`))];
}

export function validateJobStatus({ status }: Job): FieldError[] {
  const counts = ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const;
  const errors = counts.flatMap((key) => validateNonNegative(status?.[key], `status.${key}`));
  const holds = (type: string): boolean =>
    status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true;
  if (holds('Complete') && holds('Failed')) {
    errors.push(invalidField('status.conditions', '', 'cannot set Complete=True and Failed=true conditions'));
  }
  return errors;
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
  const errors = [
    ...numbers.flatMap((key) => validateNonNegative(spec[key], `spec.${key}`)),
    ...validateMode(spec),
    ...(spec.podFailurePolicy?.rules ?? []).flatMap((rule, index) => validateRule(spec, rule, index)),
    ...validateReplacement(spec),
    ...validatePodTemplate(spec.template, 'spec.template'),
    ...validateRestart(spec),
  ];
  const rules = spec.podFailurePolicy?.rules?.length ?? 0;
  if (rules > mostRules) errors.push(tooManyField('spec.podFailurePolicy.rules', rules, mostRules));
  return errors;
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
    return errors;
  }
  if (completionMode !== 'NonIndexed') {
    errors.push(notSupportedField('spec.completionMode', completionMode, ['NonIndexed', 'Indexed']));
  }
  for (const key of ['backoffLimitPerIndex', 'maxFailedIndexes', 'successPolicy'] as const) {
    if (spec[key] !== undefined)
      errors.push(invalidField(`spec.${key}`, spec[key], 'requires indexed completion mode'));
  }
  return errors;
}

const actions = ['Count', 'FailIndex', 'FailJob', 'Ignore'];
const quoted = (values: readonly string[]): string => `[${values.map((value) => JSON.stringify(value)).join(' ')}]`;

function validateRule(spec: JobSpec, rule: PodFailurePolicyRule, index: number): FieldError[] {
  const at = `spec.podFailurePolicy.rules[${index}]`;
  const { action = '', onExitCodes, onPodConditions = [] } = rule;
  const errors: FieldError[] = [];
  if (action === '') errors.push(requiredField(`${at}.action`, `valid values: ${quoted(actions)}`));
  else if (!actions.includes(action)) errors.push(notSupportedField(`${at}.action`, action, actions));
  else if (action === 'FailIndex' && spec.backoffLimitPerIndex === undefined) {
    errors.push(invalidField(`${at}.action`, action, 'requires the backoffLimitPerIndex to be set'));
  }
  if (onExitCodes !== undefined) {
    const { operator = '', values = [] } = onExitCodes;
    const known = ['In', 'NotIn'];
    const field = `${at}.onExitCodes`;
    if (operator === '') errors.push(requiredField(`${field}.operator`, `valid values: ${quoted(known)}`));
    else if (!known.includes(operator)) errors.push(notSupportedField(`${field}.operator`, operator, known));
    if (values.length === 0) errors.push(invalidField(`${field}.values`, values, 'at least one value is required'));
    for (const [position, value] of values.entries()) {
      if (operator === 'In' && value === 0) {
        errors.push(invalidField(`${field}.values[${position}]`, value, 'must not be 0 for the In operator'));
      }
    }
  }
  return errors.concat(validateOneOf(at, onExitCodes !== undefined, onPodConditions.length > 0));
}

function validateOneOf(field: string, byCode: boolean, byCondition: boolean): FieldError[] {
  if (byCode !== byCondition) return [];
  const why = byCode
    ? 'specifying both OnExitCodes and OnPodConditions is not supported'
    : 'specifying one of OnExitCodes and OnPodConditions is required';
  return [{ type: 'FieldValueInvalid', field, message: `Invalid value: ${why}` }];
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
