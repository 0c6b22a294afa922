/** resource.k8s.io/v1 ResourceClaim. Upstream: ValidateResourceClaim, pkg/registry/resource/resourceclaim. */
import type {
  AllocatedDeviceStatus,
  DeviceRequestAllocationResult,
  ResourceClaim,
  ResourceClaimConsumerReference,
} from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { forbiddenField, invalidField, notSupportedField, requiredField } from '../../field-errors.ts';
import { defineKind } from '../../kind.ts';
import type { Live } from '../../object.ts';
import { resources } from '../../resources.ts';
import {
  dns1123SubdomainName,
  validateMetadata,
  validateMetadataUpdate,
  whyNotDns1123Label,
  whyNotDns1123Subdomain,
} from '../../validation/index.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import { keepsStatus, statusOnly, validateImmutable } from '../lifecycle.ts';
import { validateDriverName } from '../storage/driver-name.ts';
import {
  applyClaimDefaults,
  requestNames,
  validateClaimSpec,
  validateRequestName,
  validateRequestNames,
} from './claim-spec.ts';
import type { RequestNames } from './claim-spec.ts';
import { mostConfigurations, validateConfiguration } from './configuration.ts';
import { validateItems } from './lists.ts';

const mostConsumers = 256;
const mostResults = 32;
const sources = ['FromClaim', 'FromClass'];

export const resourceClaimKind = defineKind<ResourceClaim>({
  resource: resources.resourceClaims,
  returnsDeleted: true,
  applyDefaults(claim) {
    applyClaimDefaults(claim.spec);
  },
  ...keepsStatus<ResourceClaim>(),
  validate: (claim) => [
    ...validateMetadata(claim, true, dns1123SubdomainName),
    ...validateClaimSpec(claim.spec, 'spec'),
  ],
  validateUpdate: (claim, old) => [
    ...validateMetadataUpdate(claim, old),
    ...validateImmutable(claim.spec, old.spec, 'spec'),
  ],
  status: {
    prepareForUpdate(claim, old) {
      statusOnly<ResourceClaim>().prepareForUpdate?.(claim, old);
      dropDevicesNoLongerAllocated(claim, old);
    },
    validateUpdate: (claim, old) => [...validateMetadataUpdate(claim, old), ...validateStatus(claim, old)],
  },
  columns: [
    nameColumn(),
    column('State', 'A summary of the current state (allocated, pending, reserved, etc.).', stateOf),
    ageColumn(),
  ],
  unconditionalUpdate: true,
});

function stateOf({ metadata, status }: Live<ResourceClaim>): string {
  const deleted = metadata.deletionTimestamp !== undefined;
  const words = deleted ? ['deleted'] : [];
  if (status?.allocation === undefined) return [...words, ...(deleted ? [] : ['pending'])].join(',');
  return [...words, 'allocated', ...((status.reservedFor ?? []).length > 0 ? ['reserved'] : [])].join(',');
}

type DeviceId = Pick<AllocatedDeviceStatus, 'driver' | 'pool' | 'device' | 'shareID'>;
const idOf = ({ driver, pool, device, shareID }: DeviceId): string =>
  [driver, pool, device, ...(shareID === undefined ? [] : [shareID])].join('/');

/** Upstream: dropDeallocatedStatusDevices. */
function dropDevicesNoLongerAllocated(claim: ResourceClaim, old: Live<ResourceClaim>): void {
  const allocated = (status: ResourceClaim['status']): ReadonlySet<string> =>
    new Set((status?.allocation?.devices?.results ?? []).map(idOf));
  const now = allocated(claim.status);
  const gone = allocated(old.status).difference(now);
  if (claim.status?.devices === undefined || gone.size === 0) return;
  const left = claim.status.devices.filter((device) => !gone.has(idOf(device)));
  if (left.length > 0) claim.status.devices = left;
  else delete claim.status.devices;
}

function validateStatus(claim: ResourceClaim, old: Live<ResourceClaim>): FieldError[] {
  const { allocation, reservedFor = [], devices } = claim.status ?? {};
  const allocated = new Set((allocation?.devices?.results ?? []).map(idOf));
  const errors = [
    ...validateItems(reservedFor, 'status.reservedFor', mostConsumers, validateConsumer, ({ uid }) => uid),
    ...validateItems(devices, 'status.devices', Infinity, (device, at) => validateDevice(device, at, allocated), idOf),
  ];
  if (reservedFor.length > 0) errors.push(...validateReservations(claim, old));
  if (allocation === undefined) return errors;
  const before = old.status?.allocation;
  if (before !== undefined) return [...errors, ...validateImmutable(allocation, before, 'status.allocation')];
  return [...errors, ...validateAllocation(claim)];
}

function validateConsumer(consumer: ResourceClaimConsumerReference, field: string): FieldError[] {
  const needed = ['resource', 'name', 'uid'] as const;
  return needed.flatMap((name) => (consumer[name] === '' ? [requiredField(`${field}.${name}`)] : []));
}

function validateReservations({ metadata, status }: ResourceClaim, old: Live<ResourceClaim>): FieldError[] {
  const at = 'status.reservedFor';
  if (status?.allocation === undefined) {
    return [forbiddenField(at, 'may not be specified when `allocated` is not set')];
  }
  if (metadata?.deletionTimestamp === undefined) return [];
  const before = new Set((old.status?.reservedFor ?? []).map(({ uid }) => uid));
  const added = (status.reservedFor ?? []).some(({ uid }) => !before.has(uid));
  const why = 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set';
  return added ? [forbiddenField(at, why)] : [];
}

function validateDevice(device: AllocatedDeviceStatus, field: string, allocated: ReadonlySet<string>): FieldError[] {
  const errors = validateIdentity(device, field);
  return allocated.has(idOf(device))
    ? errors
    : [...errors, invalidField(field, idOf(device), 'must be an allocated device in the claim')];
}

function validateIdentity({ driver, pool, device }: DeviceId, field: string): FieldError[] {
  const errors = validateDriverName(driver, `${field}.driver`);
  if (pool === '') errors.push(requiredField(`${field}.pool`));
  else {
    const parts = pool.split('/').flatMap((part) => whyNotDns1123Subdomain(part).map((why) => [part, why] as const));
    errors.push(...parts.map(([part, why]) => invalidField(`${field}.pool`, part, why)));
  }
  return [...errors, ...whyNotDns1123Label(device).map((why) => invalidField(`${field}.device`, device, why))];
}

function validateAllocation({ spec, status }: ResourceClaim): FieldError[] {
  const { results, config } = status?.allocation?.devices ?? {};
  const names = requestNames(spec.devices);
  const at = 'status.allocation.devices';
  return [
    ...validateItems(results, `${at}.results`, mostResults, (result, path) => validateResult(result, path, names)),
    ...validateItems(config, `${at}.config`, 2 * mostConfigurations, (one, path) => [
      ...validateSource(one.source, `${path}.source`),
      ...validateRequestNames(one.requests, `${path}.requests`, names),
      ...validateConfiguration(one, path),
    ]),
  ];
}

function validateResult(result: DeviceRequestAllocationResult, field: string, names: RequestNames): FieldError[] {
  return [...validateRequestName(result.request, `${field}.request`, names), ...validateIdentity(result, field)];
}

function validateSource(source: string, field: string): FieldError[] {
  if (source === '') return [requiredField(field)];
  return sources.includes(source) ? [] : [notSupportedField(field, source, sources)];
}
