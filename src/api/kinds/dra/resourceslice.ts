/** resource.k8s.io/v1 ResourceSlice: the devices of a driver on a node, or anywhere. Upstream: ValidateResourceSlice. */
import type { NodeSelector, Device, ResourcePool, ResourceSlice, ResourceSliceSpec } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { invalidField, requiredField, tooLongField } from '../../field-errors.ts';
import { defineKind } from '../../kind.ts';
import type { Live } from '../../object.ts';
import { resources } from '../../resources.ts';
import { timeText } from '../../time.ts';
import {
  dns1123SubdomainName,
  validateMetadata,
  validateMetadataUpdate,
  validateNodeSelector,
  whyNotDns1123Subdomain,
} from '../../validation/index.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import { countGeneration, validateImmutable } from '../lifecycle.ts';
import { validateDriverName } from '../storage/driver-name.ts';
import { validateCounterSet, validateDevice } from './device.ts';
import { validateItems } from './lists.ts';

const mostPoolLetters = 253;
const mostDevices = 128;
/** With taints, counters or lists of values. */
const mostRichDevices = 64;
const mostCounterSets = 8;
const places = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';

export const resourceSliceKind = defineKind<ResourceSlice>({
  resource: resources.resourceSlices,
  returnsDeleted: true,
  applyDefaults(slice) {
    for (const taint of (slice.spec.devices ?? []).flatMap(({ taints = [] }) => taints))
      taint.timeAdded ??= timeText(Date.now());
  },
  prepareForCreate(slice) {
    slice.metadata = { ...slice.metadata, generation: 1 };
  },
  prepareForUpdate: countGeneration,
  validate: (slice) => [...validateMetadata(slice, false, dns1123SubdomainName), ...validateSpec(slice.spec)],
  validateUpdate: (slice, old) => [
    ...validateMetadataUpdate(slice, old),
    ...validateSpec(slice.spec, old.spec),
    ...validateIdentityKept(slice.spec, old.spec),
  ],
  fieldSelectors: {
    'spec.driver': ({ spec }) => spec.driver,
    'spec.nodeName': ({ spec }) => spec.nodeName ?? '',
  },
  columns: [
    nameColumn(),
    column(
      'Node',
      'NodeName identifies the node which provides the resources in this pool. A field selector can be used to list only ResourceSlice objects belonging to a certain node.\n\nThis field can be used to limit access from nodes to ResourceSlices with the same node name. It also indicates to autoscalers that adding new nodes of the same type as some old node might also make new resources available.\n\nExactly one of NodeName, NodeSelector, AllNodes, and PerDeviceNodeSelection must be set. This field is immutable.',
      ({ spec }) => spec.nodeName ?? '',
    ),
    column(
      'Driver',
      'Driver identifies the DRA driver providing the capacity information. A field selector can be used to list only ResourceSlice objects with a certain driver name.\n\nMust be a DNS subdomain and should end with a DNS domain owned by the vendor of the driver. It should use only lower case characters. This field is immutable.',
      ({ spec }) => spec.driver,
    ),
    column(
      'Pool',
      'Name is used to identify the pool. For node-local devices, this is often the node name, but this is not required.\n\nIt must not be longer than 253 characters and must consist of one or more DNS sub-domains separated by slashes. This field is immutable.',
      ({ spec }) => spec.pool.name,
    ),
    ageColumn(),
  ],
  unconditionalUpdate: true,
});

function validateSpec(spec: ResourceSliceSpec, old?: ResourceSliceSpec): FieldError[] {
  const { driver, pool, devices, sharedCounters } = spec;
  const errors = [...validateDriverName(driver, 'spec.driver'), ...validatePool(pool), ...validatePlace(spec)];
  if (sharedCounters !== undefined && devices !== undefined) {
    errors.push(invalidField('spec', '', 'only one of `sharedCounters` or `devices` is allowed'));
  }
  const rich = (devices ?? []).some(isRich);
  const known = (name: string): Device | undefined => old?.devices?.find((device) => device.name === name);
  const valid = (device: Device, at: string): FieldError[] => validateDevice(device, known(device.name), spec, at);
  return [
    ...errors,
    ...validateItems(devices, 'spec.devices', rich ? mostRichDevices : mostDevices, valid, ({ name }) => name),
    ...validateItems(sharedCounters, 'spec.sharedCounters', mostCounterSets, validateCounterSet, ({ name }) => name),
  ];
}

function isRich({ taints = [], consumesCounters = [], attributes = {} }: Device): boolean {
  const lists = Object.values(attributes).some(
    ({ bools, ints, strings, versions }) => (bools ?? ints ?? strings ?? versions) !== undefined,
  );
  return lists || taints.length > 0 || consumesCounters.length > 0;
}

function validatePool({ name, generation, resourceSliceCount }: ResourcePool): FieldError[] {
  const errors: FieldError[] = [];
  if (name === '') errors.push(requiredField('spec.pool.name'));
  else {
    if (name.length > mostPoolLetters) errors.push(tooLongField('spec.pool.name', mostPoolLetters));
    for (const part of name.split('/')) {
      errors.push(...whyNotDns1123Subdomain(part).map((why) => invalidField('spec.pool.name', part, why)));
    }
  }
  if (resourceSliceCount <= 0) {
    errors.push(invalidField('spec.pool.resourceSliceCount', resourceSliceCount, 'must be greater than zero'));
  }
  if (generation < 0) {
    errors.push(invalidField('spec.pool.generation', generation, 'must be greater than or equal to zero'));
  }
  return errors;
}

function validatePlace({ nodeName, nodeSelector, allNodes, perDeviceNodeSelection }: ResourceSliceSpec): FieldError[] {
  const errors: FieldError[] = [];
  const set: string[] = [];
  if (nodeName === '') {
    errors.push(invalidField('spec.nodeName', nodeName, 'must be either unset or set to a non-empty string'));
  } else if (nodeName !== undefined) {
    set.push('`nodeName`');
    errors.push(...whyNotDns1123Subdomain(nodeName).map((why) => invalidField('spec.nodeName', nodeName, why)));
  }
  if (nodeSelector !== undefined) {
    set.push('`nodeSelector`');
    const { nodeSelectorTerms: terms = [] } = nodeSelector as Partial<NodeSelector>;
    const field = 'spec.nodeSelector.nodeSelectorTerms';
    errors.push(...validateNodeSelector(nodeSelector, 'spec.nodeSelector'));
    if (terms.length !== 1) {
      const why = 'must have exactly one node selector term';
      errors.push(invalidField(field, nodeSelector.nodeSelectorTerms, why));
    }
  }
  for (const [field, value] of Object.entries({ allNodes, perDeviceNodeSelection })) {
    if (value === true) set.push(`\`${field}\``);
    if (value === false) errors.push(invalidField(`spec.${field}`, value, 'must be either unset or set to true'));
  }
  if (set.length === 0) errors.push(requiredField('spec', places));
  if (set.length > 1) {
    errors.push(invalidField('spec', `{${set.join(', ')}}`, `${places}, but multiple fields are set`));
  }
  return errors;
}

function validateIdentityKept(spec: ResourceSliceSpec, old: Live<ResourceSlice>['spec']): FieldError[] {
  return [
    ...validateImmutable(spec.pool.name, old.pool.name, 'spec.pool.name'),
    ...validateImmutable(spec.driver, old.driver, 'spec.driver'),
    ...validateImmutable(spec.nodeName, old.nodeName, 'spec.nodeName'),
  ];
}
