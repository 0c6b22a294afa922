/**
 * What a claim asks for, in a ResourceClaim and in a template of one. A part of a claim names a request, `gpu`, or one of its
 * alternatives, `gpu/large`. Upstream: validateDeviceClaim, SetDefaults_ExactDeviceRequest.
 */
import type {
  DeviceClaim,
  DeviceConstraint,
  DeviceRequest,
  DeviceToleration,
  ExactDeviceRequest,
  ResourceClaimSpec,
} from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { invalidField, notSupportedField, requiredField } from '../../field-errors.ts';
import {
  whyNotDns1123Label,
  whyNotDns1123Subdomain,
  whyNotQualifiedName,
  whyNotLabelValue,
} from '../../validation/index.ts';
import { mostConfigurations, validateConfiguration, validateSelectors } from './configuration.ts';
import { validateItems } from './lists.ts';

const mostRequests = 32;
const mostConstraints = 32;
const mostAlternatives = 8;
const effects = ['NoExecute', 'NoSchedule', 'None'];
const operators = ['Equal', 'Exists'];
const modes = ['All', 'ExactCount'];
const notARequest =
  "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

export type RequestNames = ReadonlySet<string>;

export function requestNames(claim: DeviceClaim | undefined): RequestNames {
  const requests = claim?.requests ?? [];
  return new Set(
    requests.flatMap(({ name, firstAvailable = [] }) => [name, ...firstAvailable.map((sub) => `${name}/${sub.name}`)]),
  );
}

export function applyClaimDefaults({ devices }: ResourceClaimSpec): void {
  for (const { exactly, firstAvailable = [] } of devices?.requests ?? []) {
    for (const request of exactly === undefined ? firstAvailable : [exactly, ...firstAvailable]) {
      request.allocationMode ??= 'ExactCount';
      if (request.allocationMode === 'ExactCount' && (request.count ?? 0) === 0) request.count = 1;
    }
  }
}

export function validateClaimSpec({ devices }: ResourceClaimSpec, field: string): FieldError[] {
  const at = `${field}.devices`;
  const names = requestNames(devices);
  return [
    ...validateItems(devices?.requests, `${at}.requests`, mostRequests, validateRequest, ({ name }) => name),
    ...validateItems(devices?.constraints, `${at}.constraints`, mostConstraints, (constraint, path) =>
      validateConstraint(constraint, path, names),
    ),
    ...validateItems(devices?.config, `${at}.config`, mostConfigurations, (config, path) => [
      ...validateRequestNames(config.requests, `${path}.requests`, names),
      ...validateConfiguration(config, path),
    ]),
  ];
}

function validateRequest({ name, exactly, firstAvailable = [] }: DeviceRequest, field: string): FieldError[] {
  const errors = validateName(name, `${field}.name`);
  const rule = 'exactly one of `exactly` or `firstAvailable` is required';
  const alternatives = firstAvailable.length > 0;
  if (exactly === undefined && !alternatives) return [...errors, requiredField(field, rule)];
  if (exactly !== undefined && alternatives) {
    return [...errors, invalidField(field, null, `${rule}, but multiple fields are set`)];
  }
  if (exactly !== undefined) return [...errors, ...validateExact(exactly, `${field}.exactly`)];
  const validateAlternative = (sub: ExactDeviceRequest & { name: string }, at: string): FieldError[] => [
    ...validateName(sub.name, `${at}.name`),
    ...validateExact(sub, at),
  ];
  const at = `${field}.firstAvailable`;
  return [...errors, ...validateItems(firstAvailable, at, mostAlternatives, validateAlternative, (sub) => sub.name)];
}

function validateExact(request: ExactDeviceRequest, field: string): FieldError[] {
  const { deviceClassName, selectors, tolerations = [] } = request;
  return [
    ...validateClassName(deviceClassName, `${field}.deviceClassName`),
    ...validateSelectors(selectors, `${field}.selectors`),
    ...validateCount(request, field),
    ...tolerations.flatMap((toleration, index) => validateToleration(toleration, `${field}.tolerations[${index}]`)),
  ];
}

function validateClassName(name: string, field: string): FieldError[] {
  if (name === '') return [requiredField(field)];
  return whyNotDns1123Subdomain(name).map((why) => invalidField(field, name, why));
}

function validateCount({ allocationMode = '', count = 0 }: ExactDeviceRequest, field: string): FieldError[] {
  if (!modes.includes(allocationMode)) return [notSupportedField(`${field}.allocationMode`, allocationMode, modes)];
  if (allocationMode === 'All') {
    const why = `must not be specified when allocationMode is 'All'`;
    return count === 0 ? [] : [invalidField(`${field}.count`, count, why)];
  }
  return count > 0 ? [] : [invalidField(`${field}.count`, count, 'must be greater than zero')];
}

function validateToleration(
  { key = '', operator = '', value = '', effect = '' }: DeviceToleration,
  field: string,
): FieldError[] {
  const errors = key === '' ? [] : whyNotQualifiedName(key).map((why) => invalidField(`${field}.key`, key, why));
  if (operator === '') errors.push(requiredField(`${field}.operator`));
  else if (!operators.includes(operator)) errors.push(notSupportedField(`${field}.operator`, operator, operators));
  if (operator === 'Exists' && value !== '') {
    errors.push(invalidField(`${field}.value`, value, 'must be empty for operator `Exists`'));
  }
  if (operator === 'Equal') {
    errors.push(...whyNotLabelValue(value).map((why) => invalidField(`${field}.value`, value, why)));
  }
  if (effect !== '' && !effects.includes(effect)) errors.push(notSupportedField(`${field}.effect`, effect, effects));
  return errors;
}

function validateConstraint(constraint: DeviceConstraint, field: string, names: RequestNames): FieldError[] {
  const { matchAttribute, distinctAttribute, requests } = constraint;
  const errors = validateRequestNames(requests, `${field}.requests`, names);
  const attribute = matchAttribute ?? distinctAttribute;
  if (attribute === undefined) {
    // Upstream's words, though none is set.
    const rule = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set';
    return [...errors, requiredField(field, rule)];
  }
  if (attribute.includes('/')) return errors;
  const at = `${field}.${matchAttribute === undefined ? 'distinctAttribute' : 'matchAttribute'}`;
  const why = 'a fully qualified name must be a domain and a name separated by a slash';
  return [...errors, invalidField(at, attribute, why)];
}

export function validateRequestNames(
  requests: readonly string[] | undefined,
  field: string,
  names: RequestNames,
): FieldError[] {
  const validate = (name: string, at: string): FieldError[] => validateRequestName(name, at, names);
  return validateItems(requests, field, mostRequests, validate, (name) => name);
}

export function validateRequestName(name: string, field: string, names: RequestNames): FieldError[] {
  const parts = name.split('/');
  const wrong = invalidField(field, name, notARequest);
  if (parts.length > 2) return [wrong];
  return [...parts.flatMap((part) => validateName(part, field)), ...(names.has(name) ? [] : [wrong])];
}

function validateName(name: string, field: string): FieldError[] {
  if (name === '') return [requiredField(field)];
  return whyNotDns1123Label(name).map((why) => invalidField(field, name, why));
}
