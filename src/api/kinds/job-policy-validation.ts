/** Validation of podFailurePolicy and successPolicy of Jobs. Upstream: pkg/apis/batch/validation. */
import type {
  JobSpec,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyOnPodConditionsPattern,
  PodFailurePolicyRule,
  SuccessPolicyRule,
} from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import {
  duplicateField,
  invalidField,
  invalidWhole,
  notSupportedField,
  requiredField,
  tooLongField,
  tooManyField,
} from '../field-errors.ts';
import { byteLength, validateNonNegative, whyNotQualifiedName } from '../validation/index.ts';
import { readIndexes } from './job-index-text.ts';

const mostRules = 20;
const mostCodes = 255;
const mostPatterns = 20;
const mostIndexBytes = 64 * 1024;
const actions = ['Count', 'FailIndex', 'FailJob', 'Ignore'];
const operators = ['In', 'NotIn'];
const statuses = ['False', 'True', 'Unknown'];

export function validateFailurePolicy(spec: JobSpec, at: string): FieldError[] {
  const { podFailurePolicy: policy, template } = spec;
  if (policy === undefined) return [];
  const rules = policy.rules ?? [];
  const { containers = [], initContainers = [] } = template?.spec ?? {};
  const names = new Set([...containers, ...initContainers].map(({ name }) => name));
  return [
    ...(rules.length > mostRules ? [tooManyField(`${at}.rules`, rules.length, mostRules)] : []),
    ...rules.flatMap((rule, index) => validateFailureRule(spec, rule, `${at}.rules[${index}]`, names)),
  ];
}

function validateFailureRule(
  spec: JobSpec,
  rule: PodFailurePolicyRule,
  at: string,
  names: ReadonlySet<string>,
): FieldError[] {
  const { action = '', onExitCodes, onPodConditions = [] } = rule;
  const errors = validateChoice(action, `${at}.action`, actions);
  if (action === 'FailIndex' && spec.backoffLimitPerIndex === undefined) {
    errors.push(invalidField(`${at}.action`, action, 'requires the backoffLimitPerIndex to be set'));
  }
  if (onExitCodes !== undefined) errors.push(...validateExitCodes(onExitCodes, `${at}.onExitCodes`, names));
  if (onPodConditions.length > 0) errors.push(...validatePatterns(onPodConditions, `${at}.onPodConditions`));
  const byCode = onExitCodes !== undefined;
  if (byCode !== onPodConditions.length > 0) return errors;
  const why = byCode
    ? 'specifying both OnExitCodes and OnPodConditions is not supported'
    : 'specifying one of OnExitCodes and OnPodConditions is required';
  return [...errors, invalidWhole(at, why)];
}

function validateChoice(value: string, field: string, known: readonly string[]): FieldError[] {
  if (value === '') return [requiredField(field, `valid values: [${known.map((one) => `"${one}"`).join(' ')}]`)];
  return known.includes(value) ? [] : [notSupportedField(field, value, known)];
}

function validateExitCodes(
  { operator = '', values = [], containerName }: PodFailurePolicyOnExitCodesRequirement,
  at: string,
  names: ReadonlySet<string>,
): FieldError[] {
  const errors = validateChoice(operator, `${at}.operator`, operators);
  if (containerName !== undefined && !names.has(containerName)) {
    const why = 'must be one of the container or initContainer names in the pod template';
    errors.push(invalidField(`${at}.containerName`, containerName, why));
  }
  const field = `${at}.values`;
  if (values.length === 0) errors.push(invalidField(field, values, 'at least one value is required'));
  else if (values.length > mostCodes) errors.push(tooManyField(field, values.length, mostCodes));
  for (const [index, value] of values.entries()) {
    if (operator === 'In' && value === 0) {
      errors.push(invalidField(`${field}[${index}]`, value, 'must not be 0 for the In operator'));
    }
    if (values.indexOf(value) < index) errors.push(duplicateField(`${field}[${index}]`, value));
  }
  const isOrdered = values.every((value, index) => index === 0 || (values[index - 1] ?? value) <= value);
  return isOrdered ? errors : [...errors, invalidField(field, values, 'must be ordered')];
}

function validatePatterns(patterns: readonly PodFailurePolicyOnPodConditionsPattern[], at: string): FieldError[] {
  const errors = patterns.length > mostPatterns ? [tooManyField(at, patterns.length, mostPatterns)] : [];
  for (const [index, { type, status = '' }] of patterns.entries()) {
    errors.push(...whyNotQualifiedName(type).map((why) => invalidField(`${at}[${index}].type`, type, why)));
    errors.push(...validateChoice(status, `${at}[${index}].status`, statuses));
  }
  return errors;
}

export function validateSuccessPolicy(spec: JobSpec, at: string): FieldError[] {
  const { successPolicy: policy, completionMode } = spec;
  if (policy === undefined) return [];
  if (completionMode !== 'Indexed') return [invalidField(at, policy, 'requires indexed completion mode')];
  const rules = policy.rules ?? [];
  const errors: FieldError[] = [];
  if (rules.length === 0) {
    const why = 'at least one rules must be specified when the successPolicy is specified';
    errors.push(requiredField(`${at}.rules`, why));
  }
  if (rules.length > mostRules) errors.push(tooManyField(`${at}.rules`, rules.length, mostRules));
  return [...errors, ...rules.flatMap((rule, index) => validateSuccessRule(spec, rule, `${at}.rules[${index}]`))];
}

function validateSuccessRule({ completions = 0 }: JobSpec, rule: SuccessPolicyRule, at: string): FieldError[] {
  const { succeededCount: count, succeededIndexes: text } = rule;
  const errors: FieldError[] = [];
  if (count === undefined && text === undefined) {
    errors.push(requiredField(at, 'at least one of succeededCount or succeededIndexes must be specified'));
  }
  const field = `${at}.succeededIndexes`;
  const indexes = readIndexes(text ?? '', completions);
  if (byteLength(text ?? '') > mostIndexBytes) errors.push(tooLongField(field, mostIndexBytes));
  if (indexes.why !== undefined)
    errors.push(invalidField(field, text, `error parsing succeededIndexes: ${indexes.why}`));
  if (count === undefined) return errors;
  const at2 = `${at}.succeededCount`;
  errors.push(...validateNonNegative(count, at2));
  const most = (number: number, of: string): FieldError =>
    invalidField(at2, count, `must be less than or equal to ${number} (the number of ${of})`);
  if (count > completions) errors.push(most(completions, 'specified completions'));
  if (text !== undefined && count > indexes.total) {
    errors.push(most(indexes.total, 'indexes in the specified succeededIndexes field'));
  }
  return errors;
}
