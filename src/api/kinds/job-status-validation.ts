/**
 * Validation of PUT and PATCH jobs/status: an external controller (managedBy) keeps to what clients of Jobs rely on. A rule is
 * asked only when what it is about changes. Upstream: validateJobStatus, and getStatusValidationOptions in
 * pkg/registry/batch/job/strategy.go.
 */
import type { Job, JobStatus } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import type { Live } from '../object.ts';
import { duplicateField, invalidField, invalidWhole, requiredField } from '../field-errors.ts';
import { validateNonNegative } from '../validation/index.ts';
import { sameValue } from './equal.ts';
import { commonIndex, readIndexes } from './job-index-text.ts';

const at = 'status';

export function validateJobStatus(job: Job, old: Live<Job>): FieldError[] {
  const look = { job, old, now: job.status ?? {}, was: old.status ?? {} };
  return [
    ...validateNumbers(look),
    ...validateConditions(look),
    ...validateTimes(look),
    ...validateEnd(look),
    ...validateIndexes(look),
    ...validateTransitions(look),
  ];
}

interface Look {
  readonly job: Job;
  readonly old: Live<Job>;
  readonly now: JobStatus;
  readonly was: JobStatus;
}

function holds({ conditions }: JobStatus, type: string): boolean {
  return conditions?.some((condition) => condition.type === type && condition.status === 'True') === true;
}

function isFinished(status: JobStatus): boolean {
  return holds(status, 'Complete') || holds(status, 'Failed');
}

/** Whether any of these differs; a name in capitals is a condition. */
function changed({ now, was }: Look, ...names: readonly string[]): boolean {
  return names.some((name) => {
    if (name === 'Finished') return isFinished(now) !== isFinished(was);
    if (/^[A-Z]/.test(name)) return holds(now, name) !== holds(was, name);
    const key = name as keyof JobStatus;
    return !sameValue(now[key] ?? zeros[key], was[key] ?? zeros[key]);
  });
}

const zeros: Partial<Record<keyof JobStatus, unknown>> = { active: 0, completedIndexes: '' };

function validateNumbers(look: Look): FieldError[] {
  const { now } = look;
  const counts = ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const;
  const errors = counts.flatMap((key) => validateNonNegative(now[key], `${at}.${key}`));
  const seen = new Set<string>();
  for (const key of ['succeeded', 'failed'] as const) {
    for (const [index, uid] of (now.uncountedTerminatedPods?.[key] ?? []).entries()) {
      const field = `${at}.uncountedTerminatedPods.${key}[${index}]`;
      if (uid === '') errors.push(invalidField(field, uid, 'must not be empty'));
      else if (seen.has(uid)) errors.push(duplicateField(field, uid));
      else seen.add(uid);
    }
  }
  return errors;
}

function validateConditions(look: Look): FieldError[] {
  const { now, job } = look;
  const field = `${at}.conditions`;
  const errors: FieldError[] = [];
  const refuse = (when: boolean, why: string): void => {
    if (when) errors.push(invalidWhole(field, why));
  };
  const [complete, failed] = [holds(now, 'Complete'), holds(now, 'Failed')];
  const [met, target] = [holds(now, 'SuccessCriteriaMet'), holds(now, 'FailureTarget')];
  refuse(
    changed(look, 'Complete', 'Failed') && complete && failed,
    'cannot set Complete=True and Failed=true conditions',
  );
  refuse(
    changed(look, 'Complete', 'FailureTarget') && complete && target,
    'cannot set Complete=True and FailureTarget=true conditions',
  );
  refuse(
    changed(look, 'Failed', 'failedIndexes') && failed && !target,
    'cannot set Failed=True condition without the FailureTarget=true condition',
  );
  refuse(
    changed(look, 'Complete', 'SuccessCriteriaMet') && complete && !met,
    'cannot set Complete=True condition without the SuccessCriteriaMet=true condition',
  );
  refuse(met && failed, 'cannot set SuccessCriteriaMet=True and Failed=true conditions');
  refuse(met && target, 'cannot set SuccessCriteriaMet=True and FailureTarget=true conditions');
  refuse(
    job.spec?.successPolicy !== undefined && !met && complete,
    'cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True',
  );
  return errors;
}

function validateTimes(look: Look): FieldError[] {
  const { now, was, job } = look;
  const { startTime, completionTime } = now;
  const complete = holds(now, 'Complete');
  const errors: FieldError[] = [];
  const field = `${at}.completionTime`;
  if (changed(look, 'Complete', 'completionTime')) {
    if (completionTime !== undefined && !complete) {
      const why = 'cannot set completionTime when there is no Complete=True condition';
      errors.push(invalidField(field, completionTime, why));
    }
    if (completionTime === undefined && complete) {
      errors.push(requiredField(field, 'completionTime is required for Complete jobs'));
    }
  }
  const isEarly = Date.parse(completionTime ?? '') < Date.parse(startTime ?? '');
  if (isEarly && changed(look, 'startTime', 'completionTime')) {
    errors.push(invalidField(field, completionTime, 'must be equal to or after `startTime`'));
  }
  if (completionTime !== undefined && was.completionTime !== undefined && completionTime !== was.completionTime) {
    errors.push(invalidField(field, completionTime, 'field is immutable'));
  }
  const isResuming = holds(was, 'Suspended') && isFalse(now, 'Suspended');
  const isFixed = was.startTime !== undefined && job.spec?.suspend !== true && !isResuming;
  if (isFixed && startTime !== was.startTime) {
    errors.push(invalidField(`${at}.startTime`, startTime, 'field is immutable for unsuspended job once set'));
  }
  return errors;
}

function isFalse({ conditions }: JobStatus, type: string): boolean {
  return conditions?.some((condition) => condition.type === type && condition.status === 'False') === true;
}

/** Nothing of a job that ended may still go on. */
function validateEnd(look: Look): FieldError[] {
  const { now, job } = look;
  const { active = 0, ready = 0, terminating = 0, startTime, uncountedTerminatedPods: uncounted } = now;
  const errors: FieldError[] = [];
  if (ready > active && changed(look, 'ready', 'active')) {
    errors.push(invalidField(`${at}.ready`, ready, 'cannot set more ready pods than active'));
  }
  if (!isFinished(now)) return errors;
  if (active > 0 && changed(look, 'Finished', 'active')) {
    errors.push(invalidField(`${at}.active`, active, 'active>0 is invalid for finished job'));
  }
  const neverRan = job.spec?.suspend === true && job.spec.completions === 0;
  if (startTime === undefined && !neverRan && changed(look, 'Finished', 'startTime')) {
    errors.push(requiredField(`${at}.startTime`, 'startTime is required for finished job'));
  }
  const waiting = (uncounted?.failed?.length ?? 0) + (uncounted?.succeeded?.length ?? 0);
  if (waiting > 0 && changed(look, 'Finished', 'uncountedTerminatedPods')) {
    errors.push(invalidField(`${at}.uncountedTerminatedPods`, uncounted, 'must be empty for finished job'));
  }
  if (terminating > 0 && changed(look, 'Finished', 'terminating')) {
    errors.push(invalidField(`${at}.terminating`, terminating, 'terminating>0 is invalid for finished job'));
  }
  return errors;
}

function validateIndexes(look: Look): FieldError[] {
  const { now, job } = look;
  const { completions, completionMode, backoffLimitPerIndex } = job.spec ?? {};
  const { completedIndexes = '', failedIndexes } = now;
  const errors: FieldError[] = [];
  const refuse = (field: string, value: string, why: string): void => {
    errors.push(invalidField(`${at}.${field}`, value, why));
  };
  if (changed(look, 'completedIndexes')) {
    const { why } = readIndexes(completions === undefined ? '' : completedIndexes, completions ?? 0);
    if (why !== undefined) refuse('completedIndexes', completedIndexes, `error parsing completedIndexes: ${why}`);
    if (completedIndexes !== '' && completionMode !== 'Indexed') {
      const text = 'cannot set non-empty completedIndexes when non-indexed completion mode';
      refuse('completedIndexes', completedIndexes, text);
    }
  }
  if (failedIndexes === undefined) return errors;
  if (changed(look, 'failedIndexes')) {
    const isRead = completions !== undefined && backoffLimitPerIndex !== undefined;
    const { why } = readIndexes(isRead ? failedIndexes : '', completions ?? 0);
    if (why !== undefined) refuse('failedIndexes', failedIndexes, `error parsing failedIndexes: ${why}`);
    if (backoffLimitPerIndex === undefined) {
      refuse('failedIndexes', failedIndexes, 'cannot set non-null failedIndexes when backoffLimitPerIndex is null');
    }
  }
  if (completions === undefined || !changed(look, 'failedIndexes', 'completedIndexes')) return errors;
  const common = commonIndex(completedIndexes, failedIndexes, completions);
  if (common !== undefined) {
    refuse('failedIndexes', failedIndexes, `failedIndexes and completedIndexes overlap at index: ${common}`);
  }
  return errors;
}

function validateTransitions({ now, was, job }: Look): FieldError[] {
  const errors: FieldError[] = [];
  for (const type of ['Failed', 'Complete', 'FailureTarget']) {
    if (holds(was, type) && !holds(now, type)) {
      errors.push(invalidWhole(`${at}.conditions`, `cannot disable the terminal ${type}=True condition`));
    }
  }
  const { completionMode, completions, parallelism } = job.spec ?? {};
  // Indexes go when a job is scaled down.
  const isElastic = completionMode === 'Indexed' && completions === parallelism;
  for (const key of isElastic ? (['failed'] as const) : (['failed', 'succeeded'] as const)) {
    if ((now[key] ?? 0) < (was[key] ?? 0)) {
      errors.push(invalidField(`${at}.${key}`, now[key] ?? 0, `cannot decrease the ${key} counter`));
    }
  }
  const [met, wasMet] = [holds(now, 'SuccessCriteriaMet'), holds(was, 'SuccessCriteriaMet')];
  if (wasMet && !met) {
    errors.push(invalidWhole(`${at}.conditions`, 'cannot disable the SuccessCriteriaMet=True condition'));
  }
  if (holds(was, 'Complete') && !wasMet && met) {
    const why = 'cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions';
    errors.push(invalidWhole(`${at}.conditions`, why));
  }
  return errors;
}
