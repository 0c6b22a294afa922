/** core/v1 ResourceQuota. Upstream: ValidateResourceQuota, printResourceQuota. Enforced by admission. */
import type { ResourceQuota, ResourceQuotaSpec } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import type { Live } from '../object.ts';
import { invalidField } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import { parseQuantity } from '../quantity.ts';
import { resources } from '../resources.ts';
import {
  dns1123SubdomainName,
  validateMetadata,
  validateMetadataUpdate,
  whyNotQualifiedName,
} from '../validation/index.ts';
import { ageColumn, column, nameColumn } from './columns.ts';
import { keepsStatus, statusOnly } from './lifecycle.ts';

export const resourceQuotaKind = defineKind<ResourceQuota>({
  resource: resources.resourceQuotas,
  returnsDeleted: true,
  ...keepsStatus<ResourceQuota>(),
  validate,
  validateUpdate: (quota, old) => [
    ...validateMetadataUpdate(quota, old),
    ...validate(quota),
    ...(sameScopes(quota.spec, old.spec)
      ? []
      : [invalidField('spec.scopes', quota.spec?.scopes ?? [], 'field is immutable')]),
  ],
  status: statusOnly<ResourceQuota>(({ status }) => [
    ...validateAmounts(status?.hard, 'status.hard'),
    ...validateAmounts(status?.used, 'status.used'),
  ]),
  columns: [
    nameColumn(),
    column('Request', 'Request represents a minimum amount of cpu/memory that a container may consume.', (quota) =>
      amountsText(quota, false),
    ),
    column(
      'Limit',
      'Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node.',
      (quota) => amountsText(quota, true),
    ),
    ageColumn(),
  ],
  unconditionalUpdate: true,
});

/** `pods: 1/10, services: 0/2` */
function amountsText({ status }: Live<ResourceQuota>, limits: boolean): string {
  return Object.keys(status?.hard ?? {})
    .filter((name) => name.startsWith('limits.') === limits)
    .sort()
    .map((name) => `${name}: ${status?.used?.[name] ?? '0'}/${status?.hard?.[name] ?? '0'}`)
    .join(', ');
}

function sameScopes(now: ResourceQuotaSpec | undefined, was: ResourceQuotaSpec | undefined): boolean {
  return [...(now?.scopes ?? [])].sort().join() === [...(was?.scopes ?? [])].sort().join();
}

function validate(quota: ResourceQuota): FieldError[] {
  return [
    ...validateMetadata(quota, true, dns1123SubdomainName),
    ...validateAmounts(quota.spec?.hard, 'spec.hard'),
    ...validateScopes(quota.spec ?? {}),
  ];
}

const standard: ReadonlySet<string> = new Set([
  'cpu',
  'memory',
  'ephemeral-storage',
  'requests.cpu',
  'requests.memory',
  'requests.storage',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'persistentvolumeclaims',
  'configmaps',
  'services.nodeports',
  'services.loadbalancers',
]);

const whole: ReadonlySet<string> = new Set([
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
]);

function validateAmounts(amounts: Record<string, string> | undefined, at: string): FieldError[] {
  return Object.entries(amounts ?? {}).flatMap(([name, text]) => {
    const field = `${at}[${name}]`;
    const errors = validateName(name, field);
    const { nano } = parseQuantity(text) ?? { nano: 0n };
    if (nano < 0n) errors.push(invalidField(field, text, 'must be greater than or equal to 0'));
    if (whole.has(name) && nano % 1_000_000_000n !== 0n) errors.push(invalidField(field, text, 'must be an integer'));
    return errors;
  });
}

function validateName(name: string, field: string): FieldError[] {
  const errors = whyNotQualifiedName(name).map((why) => invalidField(field, name, why));
  if (errors.length > 0 || name.includes('/')) return errors;
  if (standard.has(name) || /^(requests\.)?hugepages-/.test(name)) return errors;
  return [
    invalidField(field, name, 'must be a standard resource type or fully qualified'),
    invalidField(field, name, 'must be a standard resource for quota'),
  ];
}

const knownScopes = [
  'Terminating',
  'NotTerminating',
  'BestEffort',
  'NotBestEffort',
  'PriorityClass',
  'CrossNamespacePodAffinity',
  'VolumeAttributesClass',
];
const podCounts = ['pods', 'cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'];
const podResources = [...podCounts, 'ephemeral-storage', 'requests.ephemeral-storage', 'limits.ephemeral-storage'];

function validateScopes({ scopes = [], hard = {} }: ResourceQuotaSpec): FieldError[] {
  const at = 'spec.scopes';
  const errors: FieldError[] = [];
  for (const scope of scopes) {
    if (!knownScopes.includes(scope)) errors.push(invalidField(at, scopes, 'unsupported scope'));
    for (const name of Object.keys(hard).sort()) {
      const fits = scope === 'BestEffort' ? name === 'pods' : podResources.includes(name);
      if (!standard.has(name) || fits || scope === 'VolumeAttributesClass') continue;
      errors.push(invalidField(at, scopes, 'unsupported scope applied to resource'));
    }
  }
  for (const [one, other] of [
    ['BestEffort', 'NotBestEffort'],
    ['Terminating', 'NotTerminating'],
  ] as const) {
    if (scopes.includes(one) && scopes.includes(other)) errors.push(invalidField(at, scopes, 'conflicting scopes'));
  }
  return errors;
}
