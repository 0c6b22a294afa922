/** Modes of files in a volume. Upstream: fileModeErrorMsg. */
import type { FieldError } from '../../field-errors.ts';
import { invalidField } from '../../field-errors.ts';

export function validateFileMode(mode: number | undefined, field: string): FieldError[] {
  if (mode === undefined || (mode >= 0 && mode <= 0o777)) return [];
  return [invalidField(field, mode, 'must be a number between 0 and 0777 (octal), both inclusive')];
}
