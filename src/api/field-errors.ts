/**
 * Validation errors with upstream's words: k8s.io/apimachinery field.Error → the `causes` of a 422 Status.
 *
 *   spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. …
 *   └── path ───────────┘   └── type ───┘  └value┘ └── detail
 */

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
