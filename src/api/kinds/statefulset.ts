/** apps/v1 StatefulSet. Upstream: pkg/apis/apps/v1/defaults.go, pkg/apis/apps/validation, pkg/registry/apps/statefulset. */
import type { StatefulSet, StatefulSetSpec, StatefulSetUpdateStrategy, Volume } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import type { Live } from '../object.ts';
import { forbiddenField, invalidField, notSupportedField, requiredField } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import { formatLabelSelector } from '../selectors/index.ts';
import {
  dns1123LabelName,
  validateAnnotations,
  validateLabels,
  validateLabelSelector,
  validateMetadata,
  validateMetadataUpdate,
  validateNonNegative,
  whyNotDns1123Label,
} from '../validation/index.ts';
import { ageColumn, column, nameColumn } from './columns.ts';
import { sameValue } from './equal.ts';
import { amountOf, validateIntOrPercent, validateMost100Percent } from './int-or-percent.ts';
import { keepsStatusAndCounts, statusOnly } from './lifecycle.ts';
import { setClaimDefaults, validateClaimSpec } from './persistentvolumeclaim.ts';
import { setTemplateDefaults, templateWarnings, validateSelectorAndTemplate, workloadColumns } from './workload.ts';

const names = { selector: 'statefulset', template: 'StatefulSet', badSelector: '' };

const keepsAllRevisions =
  'spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended';

export const statefulSetKind = defineKind<StatefulSet>({
  resource: resources.statefulSets,
  applyDefaults: setDefaults,
  ...keepsStatusAndCounts<StatefulSet>({ replicas: 0, availableReplicas: 0 }),
  warnings: (set, old) => [
    ...templateWarnings(set, old, set.spec?.template),
    ...((set.spec?.revisionHistoryLimit ?? 0) < 0 ? [keepsAllRevisions] : []),
  ],
  validate: (set) => [
    ...validateMetadata(set, true, dns1123LabelName),
    ...validateStatefulSet(set),
    ...validateNewOnly(set),
  ],
  validateUpdate: (set, old) => [
    ...validateMetadataUpdate(set, old),
    ...validateStatefulSet(set),
    ...validateFrozen(set, old),
  ],
  status: statusOnly<StatefulSet>(validateStatus),
  scale: {
    get: (set) => ({
      replicas: set.spec?.replicas ?? 1,
      statusReplicas: set.status?.replicas ?? 0,
      selector: formatLabelSelector(set.spec?.selector),
    }),
    set(set, replicas) {
      if (set.spec !== undefined) set.spec.replicas = replicas;
    },
  },
  columns: [
    nameColumn(),
    column(
      'Ready',
      'Number of the pod with ready state',
      (set) => `${set.status?.readyReplicas ?? 0}/${set.spec?.replicas ?? 1}`,
    ),
    ageColumn(),
    ...workloadColumns<StatefulSet>().slice(0, 2),
  ],
  unconditionalUpdate: true,
});

function setDefaults(set: StatefulSet): void {
  const spec = (set.spec ??= {} as StatefulSetSpec);
  spec.serviceName ??= '';
  spec.podManagementPolicy ??= 'OrderedReady';
  const strategy = (spec.updateStrategy ??= {});
  if (strategy.type === undefined) {
    strategy.type = 'RollingUpdate';
    strategy.rollingUpdate ??= {};
  }
  if (strategy.type === 'RollingUpdate' && strategy.rollingUpdate !== undefined) strategy.rollingUpdate.partition ??= 0;
  const retention = (spec.persistentVolumeClaimRetentionPolicy ??= {});
  retention.whenDeleted ??= 'Retain';
  retention.whenScaled ??= 'Retain';
  spec.replicas ??= 1;
  spec.revisionHistoryLimit ??= 10;
  if (spec.ordinals !== undefined) spec.ordinals.start ??= 0;
  setTemplateDefaults((spec.template ??= {}));
  for (const claim of spec.volumeClaimTemplates ?? []) {
    // Upstream's codec names the type of what is embedded.
    claim.apiVersion ??= 'v1';
    claim.kind ??= 'PersistentVolumeClaim';
    setClaimDefaults(claim);
  }
}

function validateStatefulSet(set: StatefulSet): FieldError[] {
  const spec: Partial<StatefulSetSpec> = set.spec ?? {};
  const errors: FieldError[] = [];
  const { labels, annotations } = spec.template?.metadata ?? {};
  const hasSelector = validateLabelSelector(spec.selector, 'spec.selector').length === 0;
  const policy = spec.podManagementPolicy ?? '';
  if (policy === '') errors.push(requiredField('spec.podManagementPolicy'));
  else if (policy !== 'OrderedReady' && policy !== 'Parallel') {
    errors.push(invalidField('spec.podManagementPolicy', policy, "must be 'OrderedReady' or 'Parallel'"));
  }
  return [
    ...errors,
    ...validateStrategy(spec),
    ...validateRetention(spec),
    ...validateNonNegative(spec.replicas, 'spec.replicas'),
    ...validateNonNegative(spec.minReadySeconds, 'spec.minReadySeconds'),
    ...validateNonNegative(spec.ordinals?.start, 'spec.ordinals.start'),
    ...validateSelectorAndTemplate({ ...spec, template: withClaimVolumes(spec) }, names),
    // Upstream's own check of the template comes on top of the one that all kinds share.
    ...(hasSelector
      ? [
          ...validateLabels(labels, 'spec.template.labels'),
          ...validateAnnotations(annotations, 'spec.template.annotations'),
        ]
      : []),
  ];
}

/** What stored objects may have from older days. */
function validateNewOnly({ spec }: StatefulSet): FieldError[] {
  const name = spec?.serviceName ?? '';
  const errors = name === '' ? [] : whyNotDns1123Label(name).map((why) => invalidField('spec.serviceName', name, why));
  return [
    ...errors,
    ...(spec?.volumeClaimTemplates ?? []).flatMap((claim, index) =>
      validateClaimSpec(claim.spec ?? {}, `spec.volumeClaimTemplates[${index}].spec`),
    ),
  ];
}

/** The claims become volumes of the pods, so a mount may name one. */
function withClaimVolumes(spec: Partial<StatefulSetSpec>): StatefulSetSpec['template'] | undefined {
  const { template, volumeClaimTemplates: claims = [] } = spec;
  if (claims.length === 0 || template?.spec === undefined) return template;
  const ours = claims.map(({ metadata }): Volume => {
    const name = metadata?.name ?? '';
    return { name, persistentVolumeClaim: { claimName: name } };
  });
  const others = (template.spec.volumes ?? []).filter(({ name }) => !ours.some((volume) => volume.name === name));
  return { ...template, spec: { ...template.spec, volumes: [...ours, ...others] } };
}

function validateStrategy(spec: Partial<StatefulSetSpec>): FieldError[] {
  const at = 'spec.updateStrategy';
  const { type = '', rollingUpdate } = spec.updateStrategy ?? {};
  switch (type) {
    case '':
      return [requiredField(at)];
    case 'OnDelete': {
      if (rollingUpdate === undefined) return [];
      return [
        invalidField(
          `${at}.rollingUpdate`,
          goRolling(rollingUpdate),
          "only allowed for updateStrategy 'RollingUpdate'",
        ),
      ];
    }
    case 'RollingUpdate': {
      const { partition, maxUnavailable } = rollingUpdate ?? {};
      const field = `${at}.rollingUpdate.maxUnavailable`;
      const errors = validateNonNegative(partition, `${at}.rollingUpdate.partition`);
      if (maxUnavailable === undefined) return errors;
      errors.push(...validateIntOrPercent(maxUnavailable, field));
      if (amountOf(maxUnavailable) === 0) errors.push(invalidField(field, maxUnavailable, 'cannot be 0'));
      return [...errors, ...validateMost100Percent(maxUnavailable, field)];
    }
    default:
      return [
        invalidField(
          at,
          { Type: type, RollingUpdate: goRolling(rollingUpdate) },
          "must be 'RollingUpdate' or 'OnDelete'",
        ),
      ];
  }
}

/** As Go's encoder writes upstream's own struct. */
function goRolling(rolling: StatefulSetUpdateStrategy['rollingUpdate']): unknown {
  return rolling === undefined
    ? null
    : { Partition: rolling.partition ?? 0, MaxUnavailable: rolling.maxUnavailable ?? null };
}

function validateRetention(spec: Partial<StatefulSetSpec>): FieldError[] {
  const policy = spec.persistentVolumeClaimRetentionPolicy ?? {};
  return (['whenDeleted', 'whenScaled'] as const).flatMap((key) => {
    const value = policy[key] ?? 'Retain';
    if (value === 'Retain' || value === 'Delete') return [];
    return [notSupportedField(`spec.persistentVolumeClaimRetentionPolicy.${key}`, value, ['Retain', 'Delete'])];
  });
}

const frozen =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

function validateFrozen(set: StatefulSet, old: Live<StatefulSet>): FieldError[] {
  const fixed = (spec: StatefulSetSpec | undefined): object => ({
    selector: spec?.selector,
    serviceName: spec?.serviceName ?? '',
    podManagementPolicy: spec?.podManagementPolicy,
    volumeClaimTemplates: spec?.volumeClaimTemplates,
  });
  return sameValue(fixed(set.spec), fixed(old.spec)) ? [] : [forbiddenField('spec', frozen)];
}

function validateStatus({ status }: StatefulSet): FieldError[] {
  const counts = ['replicas', 'readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'] as const;
  const errors = [...counts, 'observedGeneration' as const, 'collisionCount' as const].flatMap((key) =>
    validateNonNegative(status?.[key], `status.${key}`),
  );
  for (const key of counts) {
    const count = status?.[key] ?? 0;
    if (count > (status?.replicas ?? 0)) {
      errors.push(invalidField(`status.${key}`, count, 'cannot be greater than status.replicas'));
    }
  }
  const available = status?.availableReplicas ?? 0;
  if (available > (status?.readyReplicas ?? 0)) {
    errors.push(invalidField('status.availableReplicas', available, 'cannot be greater than status.readyReplicas'));
  }
  return errors;
}
