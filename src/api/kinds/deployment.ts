/** apps/v1 Deployment. Upstream: pkg/apis/apps/v1/defaults.go, pkg/apis/apps/validation, pkg/registry/apps/deployment. */
import type { Deployment, DeploymentSpec, DeploymentStrategy } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import type { Live } from '../object.ts';
import { forbiddenField, invalidField, notSupportedField, requiredField } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import { formatLabelSelector } from '../selectors/index.ts';
import {
  dns1123SubdomainName,
  validateMetadata,
  validateMetadataUpdate,
  validateNonNegative,
} from '../validation/index.ts';
import { ageColumn, column, integerColumn, nameColumn } from './columns.ts';
import { sameValue } from './equal.ts';
import { amountOf, goRollingUpdate, validateIntOrPercent, validateMost100Percent } from './int-or-percent.ts';
import { workloadWarnings, setTemplateDefaults, validateSelectorAndTemplate, workloadColumns } from './workload.ts';
import { clone } from '../clone.ts';

export const deploymentKind = defineKind<Deployment>({
  resource: resources.deployments,
  applyDefaults: setDefaults,
  prepareForCreate(deployment) {
    deployment.status = {};
    deployment.metadata = { ...deployment.metadata, generation: 1 };
  },
  prepareForUpdate(deployment, old) {
    deployment.status = clone(old.status ?? {});
    // Annotations count: the controller copies them to the ReplicaSets.
    const same =
      sameValue(deployment.spec, old.spec) && sameValue(deployment.metadata?.annotations, old.metadata.annotations);
    const before = old.metadata.generation ?? 1;
    deployment.metadata = { ...deployment.metadata, generation: same ? before : before + 1 };
  },
  validate: (deployment) => [
    ...validateMetadata(deployment, true, dns1123SubdomainName),
    ...validateDeployment(deployment),
  ],
  warnings: workloadWarnings,
  validateUpdate: (deployment, old) => [
    ...validateMetadataUpdate(deployment, old),
    ...validateDeployment(deployment),
    ...(sameValue(deployment.spec?.selector, old.spec?.selector)
      ? []
      : [invalidField('spec.selector', deployment.spec?.selector, 'field is immutable')]),
  ],
  status: {
    prepareForUpdate(deployment, old) {
      deployment.spec = clone(old.spec);
      const { labels, generation } = old.metadata;
      deployment.metadata = { ...deployment.metadata, generation };
      if (labels === undefined) delete deployment.metadata.labels;
      else deployment.metadata.labels = { ...labels };
    },
    validateUpdate: (deployment, old) => [...validateMetadataUpdate(deployment, old), ...validateStatus(deployment)],
  },
  scale: {
    get: (deployment) => ({
      replicas: deployment.spec?.replicas ?? 1,
      statusReplicas: deployment.status?.replicas ?? 0,
      selector: formatLabelSelector(deployment.spec?.selector),
    }),
    set(deployment, replicas) {
      if (deployment.spec !== undefined) deployment.spec.replicas = replicas;
    },
  },
  columns: [
    nameColumn(),
    column('Ready', 'Number of the pod with ready state', readyText),
    integerColumn(
      'Up-to-date',
      'Total number of non-terminating pods targeted by this deployment that have the desired template spec.',
      (deployment) => deployment.status?.updatedReplicas ?? 0,
    ),
    integerColumn(
      'Available',
      'Total number of available non-terminating pods (ready for at least minReadySeconds) targeted by this deployment.',
      (deployment) => deployment.status?.availableReplicas ?? 0,
    ),
    ageColumn(),
    ...workloadColumns<Deployment>(),
  ],
  unconditionalUpdate: true,
});

function setDefaults(deployment: Deployment): void {
  const spec = (deployment.spec ??= {} as DeploymentSpec);
  spec.replicas ??= 1;
  spec.revisionHistoryLimit ??= 10;
  spec.progressDeadlineSeconds ??= 600;
  const strategy = (spec.strategy ??= {});
  strategy.type ??= 'RollingUpdate';
  if (strategy.type === 'RollingUpdate') {
    const rolling = (strategy.rollingUpdate ??= {});
    rolling.maxUnavailable ??= '25%';
    rolling.maxSurge ??= '25%';
  }
  setTemplateDefaults((spec.template ??= {}));
}

function validateDeployment(deployment: Deployment): FieldError[] {
  const spec: Partial<DeploymentSpec> = deployment.spec ?? {};
  const errors = [
    ...validateNonNegative(spec.replicas, 'spec.replicas'),
    ...validateSelectorAndTemplate(spec),
    ...validateStrategy(spec.strategy ?? {}),
    ...validateNonNegative(spec.minReadySeconds, 'spec.minReadySeconds'),
    ...validateNonNegative(spec.revisionHistoryLimit, 'spec.revisionHistoryLimit'),
    ...validateNonNegative(spec.progressDeadlineSeconds, 'spec.progressDeadlineSeconds'),
  ];
  const deadline = spec.progressDeadlineSeconds;
  if (deadline !== undefined && deadline <= (spec.minReadySeconds ?? 0)) {
    errors.push(invalidField('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds'));
  }
  return errors;
}

function validateStrategy(strategy: DeploymentStrategy): FieldError[] {
  const at = 'spec.strategy';
  const { type, rollingUpdate } = strategy;
  if (type === 'Recreate') {
    if (rollingUpdate === undefined) return [];
    return [forbiddenField(`${at}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'")];
  }
  if (type !== 'RollingUpdate') {
    return [
      notSupportedField(at, { Type: type, RollingUpdate: goRollingUpdate(rollingUpdate) }, [
        'Recreate',
        'RollingUpdate',
      ]),
    ];
  }
  if (rollingUpdate === undefined)
    return [requiredField(`${at}.rollingUpdate`, 'this should be defaulted and never be nil')];
  const { maxUnavailable = 0, maxSurge = 0 } = rollingUpdate;
  const errors = [
    ...validateIntOrPercent(maxUnavailable, `${at}.rollingUpdate.maxUnavailable`),
    ...validateIntOrPercent(maxSurge, `${at}.rollingUpdate.maxSurge`),
  ];
  if (amountOf(maxUnavailable) === 0 && amountOf(maxSurge) === 0) {
    errors.push(
      invalidField(`${at}.rollingUpdate.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0'),
    );
  }
  errors.push(...validateMost100Percent(maxUnavailable, `${at}.rollingUpdate.maxUnavailable`));
  return errors;
}

function validateStatus(deployment: Deployment): FieldError[] {
  const status = deployment.status ?? {};
  const counts = [
    'observedGeneration',
    'replicas',
    'updatedReplicas',
    'readyReplicas',
    'availableReplicas',
    'unavailableReplicas',
  ] as const;
  const errors = counts.flatMap((key) => validateNonNegative(status[key], `status.${key}`));
  const { replicas = 0, readyReplicas = 0 } = status;
  for (const key of ['updatedReplicas', 'readyReplicas', 'availableReplicas'] as const) {
    const count = status[key] ?? 0;
    if (count > replicas) errors.push(invalidField(`status.${key}`, count, 'cannot be greater than status.replicas'));
  }
  const available = status.availableReplicas ?? 0;
  if (available > readyReplicas) {
    errors.push(invalidField('status.availableReplicas', available, 'cannot be greater than readyReplicas'));
  }
  return errors;
}

function readyText(deployment: Live<Deployment>): string {
  return `${deployment.status?.readyReplicas ?? 0}/${deployment.spec?.replicas ?? 1}`;
}
