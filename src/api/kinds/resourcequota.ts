/** core/v1 ResourceQuota. Upstream: ValidateResourceQuota, printResourceQuota. Enforced by admission. */
import type { ResourceQuota, ResourceQuotaSpec, ScopedResourceSelectorRequirement } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import type { Live } from '../object.ts';
import { invalidField, requiredField } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import { parseQuantity } from '../quantity.ts';
import { resources } from '../resources.ts';
import { dns1123SubdomainName, validateMetadata, validateMetadataUpdate } from '../validation/index.ts';
import { ageColumn, column, nameColumn } from './columns.ts';
import { keepsStatus, statusOnly } from './lifecycle.ts';
import { isIntegerResource, isStandardResource, validateQuotaResourceName } from './resource-names.ts';

export const resourceQuotaKind = defineKind<ResourceQuota>({
  resource: resources.resourceQuotas,
  returnsDeleted: true,
  applyDefaults(quota) {
    quota.spec ??= {};
  },
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
    ...validateScopeSelector(quota.spec ?? {}),
  ];
}

function validateAmounts(amounts: Record<string, string> | undefined, at: string): FieldError[] {
  return Object.entries(amounts ?? {}).flatMap(([name, text]) => {
    const field = `${at}[${name}]`;
    const errors = validateQuotaResourceName(name, field);
    const { nano } = parseQuantity(text) ?? { nano: 0n };
    if (nano < 0n) errors.push(invalidField(field, text, 'must be greater than or equal to 0'));
    const isWhole = nano % 1_000_000_000n === 0n;
    if (isIntegerResource(name) && !isWhole) errors.push(invalidField(field, text, 'must be an integer'));
    return errors;
  });
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

function fitsScope(scope: string, name: string): boolean {
  switch (scope) {
    case 'BestEffort':
      return name === 'pods';
    case 'VolumeAttributesClass':
      return name === 'persistentvolumeclaims' || name === 'requests.storage';
    default:
      return !knownScopes.includes(scope) || podResources.includes(name);
  }
}

/** Scopes that are there or not, without values. */
const plainScopes = ['BestEffort', 'NotBestEffort', 'Terminating', 'NotTerminating', 'CrossNamespacePodAffinity'];
const plainOnly =
  "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";

/** Upstream: validateScopedResourceSelectorRequirement, which names no indexes. */
function validateScopeSelector({ scopeSelector, scopes = [], hard = {} }: ResourceQuotaSpec): FieldError[] {
  const at = 'spec.scopeSelector.matchExpressions';
  const errors: FieldError[] = [];
  const asked = scopeSelector?.matchExpressions ?? [];
  for (const { scopeName = '', operator = '', values = [] } of asked) {
    if (!knownScopes.includes(scopeName)) errors.push(invalidField(`${at}.scopeName`, scopeName, 'unsupported scope'));
    for (const name of Object.keys(hard).sort()) {
      if (!isStandardResource(name) || fitsScope(scopeName, name)) continue;
      errors.push(invalidField(at, goScopeSelector(asked), 'unsupported scope applied to resource'));
    }
    if (plainScopes.includes(scopeName) && operator !== 'Exists') {
      errors.push(invalidField(`${at}.operator`, operator, plainOnly));
    }
    errors.push(...validateScopeValues(operator, values, at));
  }
  const has = (scope: string): boolean => asked.some(({ scopeName }) => scopeName === scope);
  const isConflict = conflicts.filter(([one, other]) => has(one) && has(other));
  return [...errors, ...isConflict.map(() => invalidField(at, scopes, 'conflicting scopes'))];
}

function validateScopeValues(operator: string, values: readonly string[], at: string): FieldError[] {
  switch (operator) {
    case 'In':
    case 'NotIn': {
      const why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
      return values.length > 0 ? [] : [requiredField(`${at}.values`, why)];
    }
    case 'Exists':
    case 'DoesNotExist': {
      const why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
      return values.length === 0 ? [] : [invalidField(`${at}.values`, values, why)];
    }
    default:
      return [invalidField(`${at}.operator`, operator, 'not a valid selector operator')];
  }
}

/** As Go's encoder writes upstream's own struct. */
function goScopeSelector(asked: readonly ScopedResourceSelectorRequirement[]): unknown {
  return {
    MatchExpressions: asked.map(({ scopeName, operator, values }) => ({
      ScopeName: scopeName,
      Operator: operator,
      Values: values ?? null,
    })),
  };
}

const conflicts = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const;

function validateScopes({ scopes = [], hard = {} }: ResourceQuotaSpec): FieldError[] {
  const at = 'spec.scopes';
  const errors: FieldError[] = [];
  for (const scope of scopes) {
    if (!knownScopes.includes(scope)) errors.push(invalidField(at, scopes, 'unsupported scope'));
    for (const name of Object.keys(hard).sort()) {
      if (!isStandardResource(name) || fitsScope(scope, name)) continue;
      errors.push(invalidField(at, scopes, 'unsupported scope applied to resource'));
    }
  }
  for (const [one, other] of conflicts) {
    if (scopes.includes(one) && scopes.includes(other)) errors.push(invalidField(at, scopes, 'conflicting scopes'));
  }
  return errors;
}
