/** How volumes may be mounted. Upstream: supportedAccessModes, helper.GetAccessModesAsString. */
import type { FieldError } from '../field-errors.ts';
import { forbiddenField, notSupportedField, requiredField } from '../field-errors.ts';

const shortForms: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};

/** `RWO,RWX` */
export function accessModesText(modes: readonly string[] | undefined): string {
  const given = new Set(modes);
  return Object.entries(shortForms)
    .filter(([mode]) => given.has(mode))
    .map(([, text]) => text)
    .join(',');
}

/** `missing`: what upstream adds to `Required value`. */
export function validateAccessModes(modes: readonly string[] | undefined, field: string, missing = ''): FieldError[] {
  if (modes === undefined || modes.length === 0) return [requiredField(field, missing)];
  const known = Object.keys(shortForms).sort();
  const errors = modes.filter((mode) => !known.includes(mode)).map((mode) => notSupportedField(field, mode, known));
  if (modes.includes('ReadWriteOncePod') && modes.some((mode) => mode !== 'ReadWriteOncePod' && known.includes(mode))) {
    errors.push(forbiddenField(field, 'may not use ReadWriteOncePod with other access modes'));
  }
  return errors;
}
