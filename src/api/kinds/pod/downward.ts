/** What the downward API gives out, in variables and in files. Upstream: validateObjectFieldSelector, validateContainerResourceFieldSelector. */
import type { ObjectFieldSelector, ResourceFieldSelector } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { invalidField, notSupportedField, requiredField } from '../../field-errors.ts';
import { formatQuantity, parseQuantity } from '../../quantity.ts';
import { whyNotQualifiedName } from '../../validation/index.ts';

export const envFieldPaths: readonly string[] = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
export const volumeFieldPaths: readonly string[] = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
];
/** Known but nowhere given out (pkg/apis/core/pods/helpers.go ConvertDownwardAPIFieldLabel). */
const otherFieldPaths: readonly string[] = ['spec.restartPolicy', 'spec.schedulerName', 'status.phase'];
const known = new Set([...envFieldPaths, ...volumeFieldPaths, ...otherFieldPaths]);

/** `metadata.labels['app']` takes one label. */
export function validateFieldRef(
  { apiVersion = '', fieldPath = '' }: Partial<ObjectFieldSelector>,
  supported: readonly string[],
  at: string,
): FieldError[] {
  if (apiVersion === '') return [requiredField(`${at}.apiVersion`)];
  if (fieldPath === '') return [requiredField(`${at}.fieldPath`)];
  const bad = (why: string): FieldError[] => [
    invalidField(`${at}.fieldPath`, fieldPath, `error converting fieldPath: ${why}`),
  ];
  if (apiVersion !== 'v1') return bad(`unsupported pod version: ${apiVersion}`);
  const subscripted = /^([^[]+)\['(.*)'\]$/s.exec(fieldPath);
  if (subscripted !== null) {
    const [, path, key = ''] = subscripted;
    if (path === 'metadata.labels') return whyNotQualifiedName(key).map((why) => invalidField(at, key, why));
    if (path !== 'metadata.annotations') return bad(`field label does not support subscript: ${fieldPath}`);
    return whyNotQualifiedName(key.toLowerCase()).map((why) => invalidField(at, key.toLowerCase(), why));
  }
  const path = fieldPath === 'spec.host' ? 'spec.nodeName' : fieldPath;
  if (!known.has(path)) return bad(`field label not supported: ${fieldPath}`);
  return supported.includes(path) ? [] : [notSupportedField(`${at}.fieldPath`, path, supported)];
}

const resourcePaths: readonly string[] = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];
const hugePages = /^(limits|requests)\.hugepages-/;
const byteDivisors = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'];

/** A file names the container, a variable means its own. */
export function validateResourceFieldRef(
  { containerName = '', resource = '', divisor }: Partial<ResourceFieldSelector>,
  at: string,
  inVolume = false,
): FieldError[] {
  const errors = validateDivisor(resource, divisor ?? '0', `${at}.divisor`);
  if (inVolume && containerName === '') return [requiredField(`${at}.containerName`), ...errors];
  if (resource === '') return [requiredField(`${at}.resource`), ...errors];
  if (resourcePaths.includes(resource) || hugePages.test(resource)) return errors;
  return [notSupportedField(`${at}.resource`, resource, resourcePaths), ...errors];
}

function validateDivisor(resource: string, divisor: string, field: string): FieldError[] {
  const quantity = parseQuantity(divisor);
  if (quantity === undefined || quantity.nano === 0n) return [];
  const refuse = (divisors: readonly string[], what: string): FieldError[] => {
    if (divisors.includes(formatQuantity(quantity))) return [];
    const list = divisors === byteDivisors ? divisors.join(', ') : '1m and 1';
    return [invalidField(field, resource, `only divisor's values ${list} are supported with the ${what} resource`)];
  };
  if (resource.endsWith('.cpu')) return refuse(['1m', '1'], 'cpu');
  if (resource.endsWith('.memory')) return refuse(byteDivisors, 'memory');
  if (resource.endsWith('.ephemeral-storage')) return refuse(byteDivisors, 'local ephemeral storage');
  return hugePages.test(resource) ? refuse(byteDivisors, 'hugepages') : [];
}
