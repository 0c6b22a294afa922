/** The name of a CSI driver in a field. Upstream: ValidateCSIDriverName in pkg/apis/core/validation. */
import type { FieldError } from '../../field-errors.ts';
import { invalidField, requiredField, tooLongField } from '../../field-errors.ts';
import { whyNotDns1123Subdomain } from '../../validation/index.ts';

const mostLetters = 63;

export function validateDriverName(name: string | undefined, field: string): FieldError[] {
  const text = name ?? '';
  if (text === '') return [requiredField(field)];
  const errors = text.length > mostLetters ? [tooLongField(field, mostLetters)] : [];
  // Capitals are let through, and shown.
  return [...errors, ...whyNotDns1123Subdomain(text.toLowerCase()).map((why) => invalidField(field, text, why))];
}
