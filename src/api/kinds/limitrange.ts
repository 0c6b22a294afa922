/** core/v1 LimitRange. Upstream: SetDefaults_LimitRangeItem, ValidateLimitRange. */
import { randomUUID } from 'node:crypto';
import type { LimitRange, LimitRangeItem } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import { duplicateField, forbiddenField, invalidField, requiredField } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import { compareQuantities, parseQuantity } from '../quantity.ts';
import type { Quantity } from '../quantity.ts';
import { resources } from '../resources.ts';
import {
  dns1123SubdomainName,
  validateMetadata,
  validateMetadataUpdate,
  whyNotQualifiedName,
} from '../validation/index.ts';
import { column, nameColumn } from './columns.ts';

export const limitRangeKind = defineKind<LimitRange>({
  resource: resources.limitRanges,
  applyDefaults({ spec }) {
    for (const limit of spec?.limits ?? []) if (limit.type === 'Container') setContainerDefaults(limit);
  },
  prepareForCreate(range) {
    // Upstream names it then, with or without a generateName.
    if ((range.metadata?.name ?? '') === '') range.metadata = { ...range.metadata, name: randomUUID() };
  },
  validate,
  validateUpdate: (now, old) => [...validateMetadataUpdate(now, old), ...validate(now)],
  columns: [
    nameColumn(),
    // Upstream has no printer of its own for it: the generic one shows when it was made.
    column('Created At', 'CreationTimestamp', ({ metadata }) => metadata.creationTimestamp),
  ],
  unconditionalUpdate: true,
});

/** What is missing follows from what is there: max → default → defaultRequest ← min. */
function setContainerDefaults(limit: LimitRangeItem): void {
  const limits = (limit.default ??= {});
  const requests = (limit.defaultRequest ??= {});
  for (const [name, value] of Object.entries(limit.max ?? {})) limits[name] ??= value;
  for (const [name, value] of Object.entries(limits)) requests[name] ??= value;
  for (const [name, value] of Object.entries(limit.min ?? {})) requests[name] ??= value;
}

function validate(range: LimitRange): FieldError[] {
  const errors = validateMetadata(range, true, dns1123SubdomainName);
  const seen = new Set<string>();
  for (const [index, limit] of (range.spec?.limits ?? []).entries()) {
    const at = `spec.limits[${index}]`;
    errors.push(...validateType(limit.type ?? '', `${at}.type`));
    if (seen.has(limit.type)) errors.push(duplicateField(`${at}.type`, limit.type));
    seen.add(limit.type);
    errors.push(...validateItem(limit, at));
  }
  return errors;
}

function validateType(type: string, field: string): FieldError[] {
  const errors = whyNotQualifiedName(type).map((why) => invalidField(field, type, why));
  if (errors.length > 0 || type.includes('/') || ['Pod', 'Container', 'PersistentVolumeClaim'].includes(type)) {
    return errors;
  }
  return [invalidField(field, type, 'must be a standard limit type or fully qualified')];
}

function validateItem(limit: LimitRangeItem, at: string): FieldError[] {
  const errors: FieldError[] = [];
  if (limit.type === 'Pod') {
    for (const key of ['default', 'defaultRequest'] as const) {
      if (Object.keys(limit[key] ?? {}).length > 0) {
        errors.push(forbiddenField(`${at}.${key}`, "may not be specified when `type` is 'Pod'"));
      }
    }
  }
  const hasStorage = (limit.min?.['storage'] ?? limit.max?.['storage']) !== undefined;
  if (limit.type === 'PersistentVolumeClaim' && !hasStorage) {
    const why = 'either minimum or maximum storage value is required, but neither was provided';
    errors.push(requiredField(`${at}.limits`, why));
  }
  const parts = [limit.max, limit.min, limit.default, limit.defaultRequest, limit.maxLimitRequestRatio];
  const names = new Set(parts.flatMap((part) => Object.keys(part ?? {})));
  return [...errors, ...[...names].flatMap((name) => validateResource(limit, name, at))];
}

/** Each pair that must be in order: smaller, larger, the field that is named, upstream's words. */
function validateResource(limit: LimitRangeItem, name: string, at: string): FieldError[] {
  const value = (part: Record<string, string> | undefined): Quantity | undefined => {
    const text = part?.[name];
    return text === undefined ? undefined : parseQuantity(text);
  };
  const [min, max] = [value(limit.min), value(limit.max)];
  const isPod = limit.type === 'Pod';
  const [usual, request] = [isPod ? undefined : value(limit.default), isPod ? undefined : value(limit.defaultRequest)];
  const text = {
    min: limit.min?.[name] ?? '',
    max: limit.max?.[name] ?? '',
    usual: limit.default?.[name] ?? '',
    request: limit.defaultRequest?.[name] ?? '',
  };
  const errors: FieldError[] = [];
  const check = (
    low: Quantity | undefined,
    high: Quantity | undefined,
    field: string,
    bad: string,
    why: string,
  ): void => {
    if (low === undefined || high === undefined || compareQuantities(low, high) <= 0) return;
    errors.push(invalidField(`${at}.${field}[${name}]`, bad, why));
  };
  check(min, max, 'min', text.min, `min value ${text.min} is greater than max value ${text.max}`);
  const below = `min value ${text.min} is greater than default`;
  check(min, request, 'defaultRequest', text.request, `${below} request value ${text.request}`);
  const above = `default request value ${text.request} is greater than`;
  check(request, max, 'defaultRequest', text.request, `${above} max value ${text.max}`);
  check(request, usual, 'defaultRequest', text.request, `${above} default limit value ${text.usual}`);
  check(min, usual, 'default', text.min, `${below} value ${text.usual}`);
  check(usual, max, 'default', text.max, `default value ${text.usual} is greater than max value ${text.max}`);
  const ratio = value(limit.maxLimitRequestRatio);
  if (ratio !== undefined && ratio.nano < 1_000_000_000n) {
    const shown = limit.maxLimitRequestRatio?.[name] ?? '';
    errors.push(invalidField(`${at}.maxLimitRequestRatio[${name}]`, shown, `ratio ${shown} is less than 1`));
  }
  if (ratio !== undefined && min !== undefined && max !== undefined) {
    const shown = limit.maxLimitRequestRatio?.[name] ?? '';
    errors.push(...validateRatio({ ratio, min, max }, shown, `${at}.maxLimitRequestRatio[${name}]`));
  }
  return errors;
}

/** Quantities count in thousandths as long as all three fit into 64 bits so. Upstream: resource.MaxMilliValue. */
const mostMilliValue = (2n ** 63n - 1n) / 1000n;

function validateRatio(
  of: { readonly ratio: Quantity; readonly min: Quantity; readonly max: Quantity },
  shown: string,
  field: string,
): FieldError[] {
  const roundedUp = (nano: bigint, unit: bigint): bigint => nano / unit + (nano > 0n && nano % unit !== 0n ? 1n : 0n);
  const whole = (quantity: Quantity): bigint => roundedUp(quantity.nano, 1_000_000_000n);
  const milli = (quantity: Quantity): bigint => roundedUp(quantity.nano, 1_000_000n);
  const isSmall = [of.ratio, of.min, of.max].every((quantity) => whole(quantity) < mostMilliValue);
  const [ratio, min, max] = isSmall
    ? [Number(milli(of.ratio)) / 1000, milli(of.min), milli(of.max)]
    : [Number(whole(of.ratio)), whole(of.min), whole(of.max)];
  const most = Number(max) / Number(min);
  return ratio > most
    ? [invalidField(field, shown, `ratio ${shown} is greater than max/min = ${most.toFixed(6)}`)]
    : [];
}
