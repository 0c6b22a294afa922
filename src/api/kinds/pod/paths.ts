/** Paths that stay below where they begin. Upstream: validatePathNoBacksteps, validateLocalDescendingPath, ValidateLocalNonReservedPath. */
import type { FieldError } from '../../field-errors.ts';
import { invalidField } from '../../field-errors.ts';

export function validateNoBacksteps(path: string, field: string): FieldError[] {
  return path.split('/').includes('..') ? [invalidField(field, path, "must not contain '..'")] : [];
}

export function validateDescendingPath(path: string, field: string): FieldError[] {
  const errors = path.startsWith('/') ? [invalidField(field, path, 'must be a relative path')] : [];
  return [...errors, ...validateNoBacksteps(path, field)];
}

/** `..name` is the kubelet's own in the volumes it writes. */
export function validateLocalPath(path: string, field: string): FieldError[] {
  const errors = validateDescendingPath(path, field);
  if (!path.startsWith('..') || path.startsWith('../')) return errors;
  return [...errors, invalidField(field, path, "must not start with '..'")];
}
