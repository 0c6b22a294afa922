/** Names of resources, and what follows from a name. Upstream: pkg/apis/core/helper/helpers.go, ValidateResourceName and its like. */
import type { FieldError } from '../field-errors.ts';
import { invalidField, notSupportedField } from '../field-errors.ts';
import { whyNotQualifiedName } from '../validation/index.ts';

const containerResources = new Set(['cpu', 'memory', 'ephemeral-storage']);
const objectCounts = [
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
];
const integerResources = new Set(objectCounts);
const quotaResources = new Set([
  ...containerResources,
  ...['requests', 'limits'].flatMap((prefix) => [...containerResources].map((name) => `${prefix}.${name}`)),
  ...objectCounts,
  'requests.storage',
]);
const standardResources = new Set([...quotaResources, 'storage']);

export function isHugePages(name: string): boolean {
  return name.startsWith('hugepages-');
}

export function isStandardResource(name: string): boolean {
  return standardResources.has(name) || isQuotaHugePages(name);
}

function isQuotaHugePages(name: string): boolean {
  return isHugePages(name.replace(/^requests\./, ''));
}

/** In the *kubernetes.io/ namespace, as what has none is. */
function isNative(name: string): boolean {
  return !name.includes('/') || name.includes('kubernetes.io/');
}

function isExtendedResource(name: string): boolean {
  if (isNative(name) || name.startsWith('requests.')) return false;
  return whyNotQualifiedName(`requests.${name}`).length === 0;
}

export function isIntegerResource(name: string): boolean {
  return integerResources.has(name) || isExtendedResource(name);
}

export function mayBeOvercommitted(name: string): boolean {
  return isNative(name) && !isHugePages(name);
}

export function validateContainerResourceName(name: string, field: string): FieldError[] {
  const errors = validateResourceName(name, field);
  if (!name.includes('/')) {
    if (containerResources.has(name) || isHugePages(name)) return errors;
    return [...errors, invalidField(field, name, 'must be a standard resource for containers')];
  }
  if (isNative(name) || isExtendedResource(name)) return errors;
  return [...errors, invalidField(field, name, "doesn't follow extended resource name standard")];
}

export function validatePodResourceName(name: string, field: string): FieldError[] {
  const errors = validateResourceName(name, field);
  if (errors.length > 0 || name === 'cpu' || name === 'memory' || isHugePages(name)) return errors;
  return [notSupportedField(field, name, ['cpu', 'hugepages-', 'memory'])];
}

export function validateQuotaResourceName(name: string, field: string): FieldError[] {
  const errors = validateResourceName(name, field);
  if (name.includes('/') || quotaResources.has(name) || isQuotaHugePages(name)) return errors;
  return [...errors, invalidField(field, name, 'must be a standard resource for quota')];
}

function validateResourceName(name: string, field: string): FieldError[] {
  const errors = whyNotQualifiedName(name).map((why) => invalidField(field, name, why));
  if (errors.length > 0 || name.includes('/') || isStandardResource(name)) return errors;
  return [invalidField(field, name, 'must be a standard resource type or fully qualified')];
}
