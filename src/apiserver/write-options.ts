/** The query of writing verbs: fieldManager, dryRun, fieldValidation, force, propagationPolicy. Upstream: metav1 options validation. */
import type { FieldValidation } from '../api/decode.ts';
import type { FieldError } from '../api/field-errors.ts';
import { forbiddenField, requiredField } from '../api/field-errors.ts';
import { invalid } from './errors.ts';
import { checkManager } from './ownership.ts';

export interface WriteQuery {
  readonly dryRun: boolean;
  readonly validation: FieldValidation;
}

export function parseWriteOptions(query: URLSearchParams, optionsKind: string): WriteQuery {
  refuseManager(optionsKind, checkManager(query));
  return {
    dryRun: parseDryRun(query.getAll('dryRun'), optionsKind),
    validation: parseFieldValidation(query.get('fieldValidation'), optionsKind),
  };
}

/** `apply`: of an apply patch, which must name its manager and may force. */
export function parsePatchOptions(query: URLSearchParams, apply: boolean): WriteQuery & { readonly force: boolean } {
  const errors: FieldError[] = [];
  const force = query.get('force');
  if (apply && (query.get('fieldManager') ?? '') === '') {
    errors.push(requiredField('fieldManager', 'is required for apply patch'));
  }
  if (!apply && force !== null) errors.push(forbiddenField('force', 'may not be specified for non-apply patch'));
  refuseManager('PatchOptions', [...errors, ...checkManager(query)]);
  // Convert_Slice_string_To_bool: everything else is true.
  const isForced = force !== null && force !== '0' && force.toLowerCase() !== 'false';
  return { ...parseWriteOptions(query, 'PatchOptions'), force: isForced };
}

function refuseManager(kind: string, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind }, '', errors);
}

export function parseDryRun(values: readonly string[], optionsKind: string): boolean {
  if (values.length === 0) return false;
  if (values.every((value) => value === 'All')) return true;
  const list = values.map((value) => JSON.stringify(value)).join(', ');
  refuse(optionsKind, 'dryRun', `Unsupported value: [${list}]: supported values: "All"`);
}

/** Upstream's default is Warn. */
function parseFieldValidation(text: string | null, optionsKind: string): FieldValidation {
  if (text === null || text === '') return 'Warn';
  if (text === 'Ignore' || text === 'Warn' || text === 'Strict') return text;
  refuse(
    optionsKind,
    'fieldValidation',
    `Unsupported value: ${JSON.stringify(text)}: supported values: "", "Ignore", "Strict", "Warn"`,
  );
}

/** Upstream: apimachinery pkg/apis/meta/v1/validation ValidateDeleteOptions. */
export function checkPropagation(policy: string | undefined, orphanDependents: boolean | undefined): void {
  const field = 'propagationPolicy';
  if (policy !== undefined && orphanDependents !== undefined) {
    const message = `Invalid value: ${JSON.stringify(policy)}: orphanDependents and deletionPropagation cannot be both set`;
    throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', [{ type: 'FieldValueInvalid', field, message }]);
  }
  if (policy === undefined || ['Foreground', 'Background', 'Orphan'].includes(policy)) return;
  const known = '"Foreground", "Background", "Orphan", "nil"';
  refuse('DeleteOptions', field, `Unsupported value: ${JSON.stringify(policy)}: supported values: ${known}`);
}

function refuse(kind: string, field: string, message: string): never {
  const error: FieldError = { type: 'FieldValueNotSupported', field, message };
  throw invalid({ group: 'meta.k8s.io', kind }, '', [error]);
}
