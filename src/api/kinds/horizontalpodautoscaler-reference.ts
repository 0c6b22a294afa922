/** What a HorizontalPodAutoscaler points at, its target or the object of a metric. Upstream: ValidateCrossVersionObjectReference. */
import type { CrossVersionObjectReference } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import { invalidField, requiredField } from '../field-errors.ts';
import { whyNotPathSegment } from '../validation/index.ts';

export type WhyBadVersion = (apiVersion: string) => string | undefined;

export function validateReference(
  { kind = '', name = '', apiVersion = '' }: CrossVersionObjectReference,
  whyBad: WhyBadVersion,
  at: string,
): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, text] of Object.entries({ kind, name })) {
    if (text === '') errors.push(requiredField(`${at}.${key}`));
    else for (const why of whyNotPathSegment(text)) errors.push(invalidField(`${at}.${key}`, text, why));
  }
  const why = whyBad(apiVersion);
  return why === undefined ? errors : [...errors, invalidField(`${at}.apiVersion`, apiVersion, why)];
}

export const anyVersion: WhyBadVersion = () => undefined;

export const whyBadVersion: WhyBadVersion = (apiVersion) =>
  apiVersion.split('/').length > 2 ? `unexpected GroupVersion string: ${apiVersion}` : undefined;

export const whyNoGroup: WhyBadVersion = (apiVersion) =>
  whyBadVersion(apiVersion) ?? (/^[^/]+\//.test(apiVersion) ? undefined : 'apiVersion must specify API group');
