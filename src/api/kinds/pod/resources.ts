/**
 * Validation of what a container or a whole pod asks for. Upstream: validateResourceRequirements, validatePodResources,
 * validateResourceClaimNames, validateResizePolicy.
 */
import type { Container, ContainerResizePolicy, PodSpec, ResourceRequirements } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import type { Quantity } from '../../quantity.ts';
import {
  duplicateField,
  forbiddenField,
  invalidField,
  notFoundField,
  notSupportedField,
  requiredField,
} from '../../field-errors.ts';
import { compareQuantities, parseQuantity, formatQuantity } from '../../quantity.ts';
import { whyNotDns1123Label } from '../../validation/index.ts';
import {
  isHugePages,
  isIntegerResource,
  mayBeOvercommitted,
  validateContainerResourceName,
  validatePodResourceName,
} from '../resource-names.ts';

type NameRule = (name: string, field: string) => FieldError[];

export function validateContainerResources(
  resources: ResourceRequirements,
  claims: ReadonlySet<string>,
  at: string,
): FieldError[] {
  return validateResources(resources, claims, at, validateContainerResourceName);
}

/** Upstream reuses the rules of limits, and their path. */
export function validateOverhead(overhead: Readonly<Record<string, string>>, at: string): FieldError[] {
  return validateContainerResources({ limits: overhead }, new Set(), at);
}

export function validatePodResources(spec: PodSpec, claims: ReadonlySet<string>, at: string): FieldError[] {
  const { resources } = spec;
  if (resources === undefined) return [];
  if (spec.os?.name === 'windows') return [forbiddenField(at, 'may not be set for a windows pod')];
  const why = 'claims may not be set for Resources at pod-level';
  return [
    ...(resources.claims === undefined ? [] : [forbiddenField(`${at}.claims`, why)]),
    ...validateResources(resources, claims, at, validatePodResourceName),
    ...validateSums(spec, resources, at),
  ];
}

function validateResources(
  resources: ResourceRequirements,
  claims: ReadonlySet<string>,
  at: string,
  nameRule: NameRule,
): FieldError[] {
  const { limits = {}, requests = {} } = resources;
  const errors: FieldError[] = [];
  for (const [key, list] of Object.entries({ limits, requests })) {
    for (const [name, value] of Object.entries(list)) {
      const field = `${at}.${key}[${name}]`;
      errors.push(...nameRule(name, field), ...validateAmount(name, value, field));
      if (key === 'requests') errors.push(...validateRequest(name, value, limits[name], at));
    }
  }
  const names = [...Object.keys(limits), ...Object.keys(requests)];
  if (names.some(isHugePages) && !names.includes('cpu') && !names.includes('memory')) {
    errors.push(forbiddenField(at, 'HugePages require cpu or memory'));
  }
  return [...errors, ...validateClaims(resources, claims, `${at}.claims`)];
}

function validateAmount(name: string, value: string, field: string): FieldError[] {
  const quantity = parseQuantity(value);
  if (quantity === undefined) return [invalidField(field, value, 'must be a valid quantity')];
  const errors: FieldError[] = [];
  if (quantity.nano < 0n) errors.push(invalidField(field, value, 'must be greater than or equal to 0'));
  const whole = quantity.nano % 1_000_000_000n === 0n;
  if (!whole && isIntegerResource(name)) errors.push(invalidField(field, value, 'must be an integer'));
  if (!isHugePages(name)) return errors;
  const size = parseQuantity(name.slice('hugepages-'.length))?.nano ?? 0n;
  if (size > 0n && quantity.nano % size === 0n) return errors;
  return [...errors, invalidField(field, value, `${value} is not positive integer multiple of ${name}`)];
}

/** What nobody can promise twice has to be limited to just what is asked for. */
function validateRequest(name: string, value: string, limit: string | undefined, at: string): FieldError[] {
  if (limit === undefined) {
    const why = 'Limit must be set for non overcommitable resources';
    return mayBeOvercommitted(name) ? [] : [requiredField(`${at}.limits`, why)];
  }
  const [asked, most] = [parseQuantity(value), parseQuantity(limit)];
  if (asked === undefined || most === undefined) return [];
  const order = compareQuantities(asked, most);
  const exact = !mayBeOvercommitted(name);
  if (exact ? order === 0 : order <= 0) return [];
  const relation = exact ? 'equal to' : 'less than or equal to';
  return [invalidField(`${at}.requests`, value, `must be ${relation} ${name} limit of ${limit}`)];
}

function validateClaims({ claims = [] }: ResourceRequirements, known: ReadonlySet<string>, field: string) {
  const seen = new Set<string>();
  return claims.flatMap(({ name = '', request = '' }, index) => {
    const at = `${field}[${index}]`;
    if (name === '') return [requiredField(at)];
    const errors: FieldError[] = [];
    if (seen.has(name)) errors.push(duplicateField(at, name));
    else {
      for (const why of request === '' ? [] : whyNotDns1123Label(request))
        errors.push(invalidField(`${at}.request`, request, why));
      const key = request === '' ? name : `${name}/${request}`;
      if (seen.has(key)) errors.push(duplicateField(at, key));
      else if (request === '') {
        for (const other of seen) if (other.startsWith(`${name}/`)) errors.push(duplicateField(at, name));
      }
      seen.add(key);
    }
    return known.has(name) ? errors : [...errors, unknownClaim(at, name, known)];
  });
}

function unknownClaim(at: string, name: string, known: ReadonlySet<string>): FieldError {
  const error = notFoundField(at, name);
  const list = known.size === 0 ? ' which is empty' : `: ${[...known].sort().join(', ')}`;
  return { ...error, message: `${error.message}: must be one of the names in pod.spec.resourceClaims${list}` };
}

/** Containers together stay below what the pod asks for, and each below what it may have. */
function validateSums(spec: PodSpec, { requests = {}, limits = {} }: ResourceRequirements, at: string) {
  const errors: FieldError[] = [];
  for (const [name, sum] of totals(spec, 'requests')) {
    const own = parseQuantity(requests[name] ?? '');
    if (own === undefined || compareQuantities(sum, own) <= 0) continue;
    const why = `must be greater than or equal to aggregate container requests of ${formatQuantity(sum)}`;
    errors.push(invalidField(`${at}.requests[${name}]`, requests[name], why));
  }
  for (const [name, sum] of totals(spec, 'limits')) {
    const own = parseQuantity(limits[name] ?? '');
    if (!isHugePages(name) || own === undefined || compareQuantities(sum, own) <= 0) continue;
    const why = `must be greater than or equal to aggregate container limits of ${formatQuantity(sum)}`;
    errors.push(invalidField(`${at}.limits[${name}]`, limits[name], why));
  }
  for (const [index, { resources }] of (spec.containers ?? []).entries()) {
    for (const [name, value] of Object.entries(resources?.limits ?? {})) {
      const [own, most] = [parseQuantity(value), parseQuantity(limits[name] ?? '')];
      if (own === undefined || most === undefined || compareQuantities(own, most) <= 0) continue;
      const why = `must be less than or equal to pod limits of ${limits[name]}`;
      errors.push(invalidField(`${at}.containers[${index}][${name}].limits`, value, why));
    }
  }
  return errors;
}

/**
 * Containers and sidecars run side by side; an init container runs alone with the sidecars started before it. Upstream:
 * component-helpers resource/helpers.go AggregateContainerRequests.
 */
export function totals(spec: PodSpec, key: 'requests' | 'limits'): Map<string, Quantity> {
  const sum = new Map<string, Quantity>();
  for (const container of spec.containers ?? []) add(sum, container, key);
  const sidecars = new Map<string, Quantity>();
  const most = new Map<string, Quantity>();
  for (const container of spec.initContainers ?? []) {
    const now = new Map(sidecars);
    add(now, container, key);
    if (container.restartPolicy === 'Always') {
      add(sum, container, key);
      add(sidecars, container, key);
    }
    for (const [name, value] of now) raise(most, name, value);
  }
  for (const [name, value] of most) raise(sum, name, value);
  return sum;
}

function add(sum: Map<string, Quantity>, { resources }: Container, key: 'requests' | 'limits'): void {
  for (const [name, text] of Object.entries(resources?.[key] ?? {})) {
    const value = parseQuantity(text);
    const before = sum.get(name);
    if (value !== undefined)
      sum.set(name, before === undefined ? value : { ...before, nano: before.nano + value.nano });
  }
}

function raise(sum: Map<string, Quantity>, name: string, value: Quantity): void {
  const before = sum.get(name);
  if (before === undefined || compareQuantities(before, value) < 0) sum.set(name, value);
}

const resizable = ['cpu', 'memory'];
const restarts = ['NotRequired', 'RestartContainer'];

/** All of it is said of the list. */
export function validateResizePolicy(
  policies: readonly ContainerResizePolicy[],
  podPolicy: string | undefined,
  field: string,
): FieldError[] {
  const names = policies.map(({ resourceName = '' }: Partial<ContainerResizePolicy>) => resourceName);
  return policies.flatMap(({ restartPolicy = '' }: Partial<ContainerResizePolicy>, index) => {
    const name = names[index] ?? '';
    const errors = names.indexOf(name) < index ? [duplicateField(`${field}[${index}]`, name)] : [];
    errors.push(...oneOf(name, resizable, field), ...oneOf(restartPolicy, restarts, field));
    if (podPolicy !== 'Never' || restartPolicy === 'NotRequired') return errors;
    const why = "must be 'NotRequired' when pod `restartPolicy` is 'Never'";
    return [...errors, invalidField(field, restartPolicy, why)];
  });
}

function oneOf(value: string, supported: readonly string[], field: string): FieldError[] {
  if (value === '') return [requiredField(field)];
  return supported.includes(value) ? [] : [notSupportedField(field, value, supported)];
}
