/** What classes, claims and allocations say of devices alike. Upstream: validateDeviceConfiguration, validateSelector. */
import type { DeviceSelector, OpaqueDeviceConfiguration } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { requiredField, tooLongField } from '../../field-errors.ts';
import { byteLength } from '../../validation/index.ts';
import { validateDriverName } from '../storage/driver-name.ts';
import { validateItems } from './lists.ts';

const mostSelectors = 32;
const mostLetters = 10 * 1024;
export const mostConfigurations = 32;

export function validateSelectors(selectors: readonly DeviceSelector[] | undefined, field: string): FieldError[] {
  return validateItems(selectors, field, mostSelectors, ({ cel }, at) => {
    if (cel === undefined) return [requiredField(`${at}.cel`)];
    return byteLength(cel.expression) > mostLetters ? [tooLongField(`${at}.cel.expression`, mostLetters)] : [];
  });
}

export function validateConfiguration(
  { opaque }: { readonly opaque?: OpaqueDeviceConfiguration },
  field: string,
): FieldError[] {
  if (opaque === undefined) return [requiredField(`${field}.opaque`)];
  const at = `${field}.opaque`;
  const errors = validateDriverName(opaque.driver, `${at}.driver`);
  if (opaque.parameters === undefined || opaque.parameters === null) errors.push(requiredField(`${at}.parameters`));
  else if (byteLength(JSON.stringify(opaque.parameters)) > mostLetters) {
    errors.push(tooLongField(`${at}.parameters`, mostLetters));
  }
  return errors;
}
