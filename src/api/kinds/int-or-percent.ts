/** `3` or `25%`. Upstream: pkg/apis/apps/validation ValidatePositiveIntOrPercent, IsNotMoreThan100Percent. */
import type { IntOrString } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import { invalidField } from '../field-errors.ts';
import { validateNonNegative, whyNotPercent } from '../validation/index.ts';

export function validateIntOrPercent(value: IntOrString, field: string): FieldError[] {
  if (typeof value === 'number') return validateNonNegative(value, field);
  return whyNotPercent(value).map((why) => invalidField(field, value, why));
}

export function validateMost100Percent(value: IntOrString, field: string): FieldError[] {
  const isTooMuch = typeof value === 'string' && whyNotPercent(value).length === 0 && amountOf(value) > 100;
  return isTooMuch ? [invalidField(field, value, 'must not be greater than 100%')] : [];
}

/** The number before the percent sign, or the number itself; a text that is neither counts as nothing. */
export function amountOf(value: IntOrString): number {
  return typeof value === 'number' ? value : /^(\d+%|[-+]?\d+)$/.test(value) ? Number.parseInt(value, 10) : 0;
}

/** As Go's encoder writes the struct that Deployments and DaemonSets have inside: in the texts about a wrong strategy. */
export function goRollingUpdate(
  rolling: { readonly maxUnavailable?: IntOrString; readonly maxSurge?: IntOrString } | undefined,
): unknown {
  return rolling === undefined
    ? null
    : { MaxUnavailable: rolling.maxUnavailable ?? 0, MaxSurge: rolling.maxSurge ?? 0 };
}
