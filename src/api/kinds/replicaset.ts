/** apps/v1 ReplicaSet. Upstream: pkg/apis/apps/validation ValidateReplicaSet, pkg/registry/apps/replicaset. */
import type { ReplicaSet, ReplicaSetSpec } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import { invalidField } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import { formatLabelSelector } from '../selectors/index.ts';
import {
  dns1123SubdomainName,
  validateMetadata,
  validateMetadataUpdate,
  validateNonNegative,
} from '../validation/index.ts';
import { ageColumn, integerColumn, nameColumn } from './columns.ts';
import { sameValue } from './equal.ts';
import { workloadWarnings, setTemplateDefaults, validateSelectorAndTemplate, workloadColumns } from './workload.ts';
import { clone } from '../clone.ts';

export const replicaSetKind = defineKind<ReplicaSet>({
  resource: resources.replicaSets,
  applyDefaults(replicaSet) {
    const spec = (replicaSet.spec ??= {} as ReplicaSetSpec);
    spec.replicas ??= 1;
    setTemplateDefaults((spec.template ??= {}));
  },
  prepareForCreate(replicaSet) {
    replicaSet.status = { replicas: 0 };
    replicaSet.metadata = { ...replicaSet.metadata, generation: 1 };
  },
  prepareForUpdate(replicaSet, old) {
    replicaSet.status = clone(old.status ?? { replicas: 0 });
    const before = old.metadata.generation ?? 1;
    const generation = sameValue(replicaSet.spec, old.spec) ? before : before + 1;
    replicaSet.metadata = { ...replicaSet.metadata, generation };
  },
  validate: (replicaSet) => [
    ...validateMetadata(replicaSet, true, dns1123SubdomainName),
    ...validateReplicaSet(replicaSet),
  ],
  warnings: workloadWarnings,
  validateUpdate: (replicaSet, old) => [
    ...validateMetadataUpdate(replicaSet, old),
    ...validateReplicaSet(replicaSet),
    ...(sameValue(replicaSet.spec?.selector, old.spec?.selector)
      ? []
      : [invalidField('spec.selector', replicaSet.spec?.selector, 'field is immutable')]),
  ],
  status: {
    prepareForUpdate(replicaSet, old) {
      replicaSet.spec = clone(old.spec);
      replicaSet.metadata = { ...replicaSet.metadata, generation: old.metadata.generation };
    },
    validateUpdate: (replicaSet, old) => [...validateMetadataUpdate(replicaSet, old), ...validateStatus(replicaSet)],
  },
  scale: {
    get: (replicaSet) => ({
      replicas: replicaSet.spec?.replicas ?? 1,
      statusReplicas: replicaSet.status?.replicas ?? 0,
      selector: formatLabelSelector(replicaSet.spec?.selector),
    }),
    set(replicaSet, replicas) {
      if (replicaSet.spec !== undefined) replicaSet.spec.replicas = replicas;
    },
  },
  columns: [
    nameColumn(),
    integerColumn('Desired', 'Replicas is the number of desired pods.', (replicaSet) => replicaSet.spec?.replicas ?? 1),
    integerColumn(
      'Current',
      'Replicas is the most recently observed number of non-terminating pods.',
      (replicaSet) => replicaSet.status?.replicas ?? 0,
    ),
    integerColumn(
      'Ready',
      'The number of non-terminating pods targeted by this ReplicaSet with a Ready Condition.',
      (replicaSet) => replicaSet.status?.readyReplicas ?? 0,
    ),
    ageColumn(),
    ...workloadColumns<ReplicaSet>(),
  ],
  fieldSelectors: { 'status.replicas': (replicaSet) => String(replicaSet.status?.replicas ?? 0) },
  unconditionalUpdate: true,
});

function validateReplicaSet(replicaSet: ReplicaSet): FieldError[] {
  const spec: Partial<ReplicaSetSpec> = replicaSet.spec ?? {};
  return [
    ...validateNonNegative(spec.replicas, 'spec.replicas'),
    ...validateNonNegative(spec.minReadySeconds, 'spec.minReadySeconds'),
    ...validateSelectorAndTemplate(spec),
  ];
}

function validateStatus(replicaSet: ReplicaSet): FieldError[] {
  const status = replicaSet.status ?? { replicas: 0 };
  const errors: FieldError[] = [];
  for (const key of ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'] as const) {
    const count = status[key] ?? 0;
    errors.push(...validateNonNegative(count, `status.${key}`));
    if (count > (status.replicas ?? 0)) {
      errors.push(invalidField(`status.${key}`, count, 'cannot be greater than status.replicas'));
    }
  }
  const available = status.availableReplicas ?? 0;
  if (available > (status.readyReplicas ?? 0)) {
    errors.push(invalidField('status.availableReplicas', available, 'cannot be greater than readyReplicas'));
  }
  return errors;
}
