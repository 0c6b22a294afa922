/** apps/v1 DaemonSet. Upstream: pkg/apis/apps/v1/defaults.go, pkg/apis/apps/validation, pkg/registry/apps/daemonset. */
import type { DaemonSet, DaemonSetSpec, DaemonSetUpdateStrategy } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import { invalidField, notSupportedField, requiredField } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import type { Column } from '../kind.ts';
import { resources } from '../resources.ts';
import { formatLabels, labelSelectorMatches } from '../selectors/index.ts';
import {
  dns1123SubdomainName,
  validateLabelSelector,
  validateMetadata,
  validateMetadataUpdate,
  validateNonNegative,
} from '../validation/index.ts';
import { ageColumn, column, integerColumn, nameColumn } from './columns.ts';
import { sameValue } from './equal.ts';
import { amountOf, goRollingUpdate, validateIntOrPercent, validateMost100Percent } from './int-or-percent.ts';
import { keepsStatusAndCounts, statusOnly, validateImmutable } from './lifecycle.ts';
import {
  emptySelector,
  isEmpty,
  setTemplateDefaults,
  templateWarnings,
  validateTemplate,
  validateTemplateLabels,
  workloadColumns,
} from './workload.ts';

type Count =
  | 'currentNumberScheduled'
  | 'numberMisscheduled'
  | 'desiredNumberScheduled'
  | 'numberReady'
  | 'observedGeneration'
  | 'updatedNumberScheduled'
  | 'numberAvailable'
  | 'numberUnavailable'
  | 'collisionCount';

const noStatus = { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 };

const lifecycle = keepsStatusAndCounts<DaemonSet>(noStatus);

/** What is left of spec.templateGeneration in apps/v1. Upstream: pkg/apis/apps/v1/conversion.go. */
const generationAnnotation = 'deprecated.daemonset.template.generation';

export const daemonSetKind = defineKind<DaemonSet>({
  resource: resources.daemonSets,
  applyDefaults: setDefaults,
  prepareForCreate(set) {
    lifecycle.prepareForCreate?.(set);
    setTemplateGeneration(set, 1);
  },
  prepareForUpdate(set, old) {
    lifecycle.prepareForUpdate?.(set, old);
    const before = Number(old.metadata.annotations?.[generationAnnotation] ?? 1);
    const same = sameValue(set.spec?.template, old.spec?.template);
    setTemplateGeneration(set, same ? before : before + 1);
  },
  validate: (set) => [...validateMetadata(set, true, dns1123SubdomainName), ...validateDaemonSet(set)],
  validateUpdate: (set, old) => [
    ...validateMetadataUpdate(set, old),
    ...validateImmutable(set.spec?.selector, old.spec?.selector, 'spec.selector'),
    ...validateDaemonSet(set),
  ],
  warnings: (set, old) => templateWarnings(set, old, set.spec?.template),
  status: statusOnly<DaemonSet>(validateStatus),
  columns: [
    nameColumn(),
    countColumn(
      'Desired',
      'desiredNumberScheduled',
      'The total number of nodes that should be running the daemon pod.',
    ),
    countColumn('Current', 'currentNumberScheduled', 'The number of nodes that are running at least 1 daemon pod.'),
    countColumn('Ready', 'numberReady', 'The number of nodes that should be running the daemon pod and have it Ready.'),
    countColumn('Up-to-date', 'updatedNumberScheduled', 'The number of nodes that are running the updated daemon pod.'),
    countColumn('Available', 'numberAvailable', 'The number of nodes with at least one available daemon pod.'),
    column('Node Selector', 'NodeSelector must be true for the pod to fit on a node.', (set) =>
      formatLabels(set.spec?.template.spec?.nodeSelector),
    ),
    ageColumn(),
    ...workloadColumns<DaemonSet>(),
  ],
  unconditionalUpdate: true,
});

function setTemplateGeneration(set: DaemonSet, generation: number): void {
  const annotations = { ...set.metadata?.annotations, [generationAnnotation]: String(generation) };
  set.metadata = { ...set.metadata, annotations };
}

function countColumn(name: string, field: Count, description: string): Column<DaemonSet> {
  return integerColumn(name, description, (set) => set.status?.[field] ?? 0);
}

function setDefaults(set: DaemonSet): void {
  const spec = (set.spec ??= {} as DaemonSetSpec);
  spec.revisionHistoryLimit ??= 10;
  const strategy = (spec.updateStrategy ??= {});
  strategy.type ??= 'RollingUpdate';
  if (strategy.type === 'RollingUpdate') {
    const rolling = (strategy.rollingUpdate ??= {});
    rolling.maxUnavailable ??= 1;
    rolling.maxSurge ??= 0;
  }
  setTemplateDefaults((spec.template ??= {}));
}

function validateDaemonSet(set: DaemonSet): FieldError[] {
  const spec: Partial<DaemonSetSpec> = set.spec ?? {};
  return [
    ...validateSelector(spec),
    ...validateTemplate(spec.template, 'DaemonSet'),
    ...validateNonNegative(spec.minReadySeconds, 'spec.minReadySeconds'),
    ...validateStrategy(spec.updateStrategy ?? {}),
    ...validateNonNegative(spec.revisionHistoryLimit, 'spec.revisionHistoryLimit'),
  ];
}

/** One that is missing selects nothing, and is not asked for by name. */
function validateSelector({ selector, template }: Partial<DaemonSetSpec>): FieldError[] {
  const errors = validateLabelSelector(selector, 'spec.selector');
  if (errors.length > 0) return errors;
  if (selector !== undefined && isEmpty(selector)) return [emptySelector(selector, 'daemonset')];
  return validateTemplateLabels(template, labelSelectorMatches(selector, template?.metadata?.labels));
}

function validateStrategy(strategy: DaemonSetUpdateStrategy): FieldError[] {
  const at = 'spec.updateStrategy';
  const { type, rollingUpdate } = strategy;
  if (type === 'OnDelete') return [];
  if (type !== 'RollingUpdate') {
    return [
      notSupportedField(at, { Type: type, RollingUpdate: goRollingUpdate(rollingUpdate) }, [
        'RollingUpdate',
        'OnDelete',
      ]),
    ];
  }
  if (rollingUpdate === undefined) return [requiredField(`${at}.rollingUpdate`)];
  const { maxUnavailable = 1, maxSurge = 0 } = rollingUpdate;
  const [down, up] = [`${at}.rollingUpdate.maxUnavailable`, `${at}.rollingUpdate.maxSurge`];
  const errors = [
    ...validateIntOrPercent(maxUnavailable, down),
    ...validateIntOrPercent(maxSurge, up),
    ...validateMost100Percent(maxUnavailable, down),
    ...validateMost100Percent(maxSurge, up),
  ];
  const [hasDown, hasUp] = [amountOf(maxUnavailable) !== 0, amountOf(maxSurge) !== 0];
  if (hasDown && hasUp) errors.push(invalidField(up, maxSurge, 'may not be set when maxUnavailable is non-zero'));
  if (!hasDown && !hasUp) errors.push(requiredField(down, 'cannot be 0 when maxSurge is 0'));
  return errors;
}

const counts: readonly Count[] = [
  'currentNumberScheduled',
  'numberMisscheduled',
  'desiredNumberScheduled',
  'numberReady',
  'observedGeneration',
  'updatedNumberScheduled',
  'numberAvailable',
  'numberUnavailable',
  'collisionCount',
];

function validateStatus({ status }: DaemonSet): FieldError[] {
  return counts.flatMap((key) => validateNonNegative(status?.[key], `status.${key}`));
}
