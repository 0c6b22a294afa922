/**
 * Validation errors with upstream's words: k8s.io/apimachinery field.Error → the `causes` of a 422 Status.
 *
 *   spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. …
 *   └── path ───────────┘   └── type ───┘  └value┘ └── detail
 */
import { goQuote } from './go-text.ts';

export type FieldErrorType =
  | 'FieldValueRequired'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueDuplicate'
  | 'FieldValueForbidden'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'FieldValueNotFound'
  | 'FieldValueTypeInvalid'
  | 'InternalError';

export interface FieldError {
  readonly type: FieldErrorType;
  /** `spec.ports[0].nodePort` */
  readonly field: string;
  /** Upstream's body after the field: `Invalid value: 80: provided port is not in the valid range` */
  readonly message: string;
}

export function requiredField(field: string, detail = ''): FieldError {
  return { type: 'FieldValueRequired', field, message: body('Required value', detail) };
}

export function invalidField(field: string, value: unknown, detail: string): FieldError {
  return { type: 'FieldValueInvalid', field, message: body(`Invalid value: ${valueText(value)}`, detail) };
}

/** The whole of a thing is wrong, and is not repeated. Upstream: OmitValueType. */
export function invalidWhole(field: string, detail: string): FieldError {
  return { type: 'FieldValueInvalid', field, message: body('Invalid value', detail) };
}

export function notSupportedField(field: string, value: unknown, supported: readonly string[]): FieldError {
  const list = supported.map((item) => JSON.stringify(item)).join(', ');
  const message = body(`Unsupported value: ${valueText(value)}`, list === '' ? '' : `supported values: ${list}`);
  return { type: 'FieldValueNotSupported', field, message };
}

export function duplicateField(field: string, value: unknown): FieldError {
  return { type: 'FieldValueDuplicate', field, message: `Duplicate value: ${valueText(value)}` };
}

export function forbiddenField(field: string, detail: string): FieldError {
  return { type: 'FieldValueForbidden', field, message: body('Forbidden', detail) };
}

export function tooLongField(field: string, bytes: number): FieldError {
  return { type: 'FieldValueTooLong', field, message: `Too long: may not be more than ${bytes} bytes` };
}

export function tooManyField(field: string, actual: number, most: number): FieldError {
  return { type: 'FieldValueTooMany', field, message: `Too many: ${actual}: must have at most ${most} items` };
}

export function notFoundField(field: string, value: unknown): FieldError {
  return { type: 'FieldValueNotFound', field, message: `Not found: ${valueText(value)}` };
}

function body(head: string, detail: string): string {
  return detail === '' ? head : `${head}: ${detail}`;
}

/** Texts are quoted, structures are JSON (since 1.34), nothing is `null`. */
function valueText(value: unknown): string {
  if (typeof value === 'string') return goQuote(value);
  return value === undefined ? 'null' : JSON.stringify(value);
}
