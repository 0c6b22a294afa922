/** core/v1 ReplicationController. Upstream: pkg/apis/core/v1/defaults.go, ValidateReplicationController. */
import type { ReplicationController } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import { invalidField, requiredField } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import { formatLabels, labelsMatch } from '../selectors/index.ts';
import {
  dns1123SubdomainName,
  validateMetadata,
  validateMetadataUpdate,
  validateNonNegative,
} from '../validation/index.ts';
import { ageColumn, integerColumn, nameColumn, wideColumn } from './columns.ts';
import { keepsStatusAndCounts, statusOnly } from './lifecycle.ts';
import {
  containerImages,
  containerNames,
  workloadWarnings,
  setTemplateDefaults,
  validateTemplate,
  validateTemplateLabels,
} from './workload.ts';

export const replicationControllerKind = defineKind<ReplicationController>({
  resource: resources.replicationControllers,
  applyDefaults: setDefaults,
  ...keepsStatusAndCounts<ReplicationController>({ replicas: 0 }),
  validate: validateController,
  warnings: workloadWarnings,
  validateUpdate: (controller, old) => [...validateMetadataUpdate(controller, old), ...validateController(controller)],
  status: statusOnly<ReplicationController>(validateStatus),
  scale: {
    get: (controller) => ({
      replicas: controller.spec?.replicas ?? 1,
      statusReplicas: controller.status?.replicas ?? 0,
      selector: formatLabels(controller.spec?.selector),
    }),
    set(controller, replicas) {
      if (controller.spec !== undefined) controller.spec.replicas = replicas;
    },
  },
  columns: [
    nameColumn(),
    integerColumn('Desired', 'Replicas is the number of desired replicas.', ({ spec }) => spec?.replicas ?? 1),
    integerColumn(
      'Current',
      'Replicas is the most recently observed number of replicas.',
      ({ status }) => status?.replicas ?? 0,
    ),
    integerColumn(
      'Ready',
      'The number of ready replicas for this replication controller.',
      ({ status }) => status?.readyReplicas ?? 0,
    ),
    ageColumn(),
    wideColumn('Containers', 'Names of each container in the template.', ({ spec }) => containerNames(spec?.template)),
    wideColumn('Images', 'Images referenced by each container in the template.', ({ spec }) =>
      containerImages(spec?.template),
    ),
    wideColumn('Selector', 'Selector is a label query over pods that should match the Replicas count.', ({ spec }) =>
      formatLabels(spec?.selector),
    ),
  ],
  fieldSelectors: { 'status.replicas': ({ status }) => String(status?.replicas ?? 0) },
  orphansDependents: true,
  unconditionalUpdate: true,
});

function setDefaults(controller: ReplicationController): void {
  const spec = (controller.spec ??= {});
  const labels = spec.template?.metadata?.labels;
  if (labels !== undefined) {
    if (Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels };
    const own = Object.keys(controller.metadata?.labels ?? {}).length;
    if (own === 0) controller.metadata = { ...controller.metadata, labels: { ...labels } };
  }
  spec.replicas ??= 1;
  if (spec.template !== undefined) setTemplateDefaults(spec.template);
}

function validateController(controller: ReplicationController): FieldError[] {
  const { selector = {}, replicas, template, minReadySeconds } = controller.spec ?? {};
  const errors = [
    ...validateMetadata(controller, true, dns1123SubdomainName),
    ...validateNonNegative(minReadySeconds, 'spec.minReadySeconds'),
    ...(Object.keys(selector).length === 0 ? [requiredField('spec.selector')] : []),
    ...validateNonNegative(replicas, 'spec.replicas'),
  ];
  if (template === undefined) return [...errors, requiredField('spec.template')];
  return [
    ...errors,
    ...validateTemplateLabels(template, labelsMatch(selector, template.metadata?.labels)),
    ...validateTemplate(template, 'ReplicationController'),
  ];
}

function validateStatus({ status }: ReplicationController): FieldError[] {
  const { replicas = 0 } = status ?? {};
  const errors: FieldError[] = [];
  for (const key of ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'] as const) {
    const count = status?.[key] ?? 0;
    errors.push(...validateNonNegative(count, `status.${key}`));
    if (count > replicas) errors.push(invalidField(`status.${key}`, count, 'cannot be greater than status.replicas'));
  }
  const available = status?.availableReplicas ?? 0;
  if (available > (status?.readyReplicas ?? 0)) {
    errors.push(invalidField('status.availableReplicas', available, 'cannot be greater than readyReplicas'));
  }
  return errors;
}
