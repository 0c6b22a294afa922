/** What Deployment and ReplicaSet share: template, selector, the wide columns. */
import type { LabelSelector, PodTemplateSpec } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import type { Column } from '../kind.ts';
import type { KubeObject } from '../object.ts';
import { forbiddenField, invalidField, notSupportedField, requiredField } from '../field-errors.ts';
import { formatLabelSelector, labelSelectorMatches } from '../selectors/index.ts';
import { validateLabelSelector } from '../validation/index.ts';
import { wideColumn } from './columns.ts';
import { setPodSpecDefaults, validatePodTemplate } from './pod/index.ts';

interface WorkloadSpec {
  readonly selector?: LabelSelector;
  readonly template?: PodTemplateSpec;
}
export type Workload = KubeObject & { readonly spec?: WorkloadSpec };

export function setTemplateDefaults(template: PodTemplateSpec | undefined): void {
  if (template === undefined) return;
  template.metadata ??= {};
  setPodSpecDefaults((template.spec ??= { containers: [] }));
}

export function validateSelector(selector: LabelSelector | undefined): FieldError[] {
  if (selector === undefined) return [requiredField('spec.selector')];
  const errors = validateLabelSelector(selector, 'spec.selector');
  if (isEmpty(selector)) {
    // ReplicaSets get the same words upstream.
    errors.push(invalidField('spec.selector', selector, 'empty selector is invalid for deployment'));
  }
  return errors;
}

export function validateTemplate(spec: WorkloadSpec): FieldError[] {
  const at = 'spec.template';
  const { selector, template } = spec;
  const errors: FieldError[] = [];
  const labels = template?.metadata?.labels;
  if (selector !== undefined && !isEmpty(selector) && !labelSelectorMatches(selector, labels)) {
    errors.push(invalidField(`${at}.metadata.labels`, labels ?? {}, '`selector` does not match template `labels`'));
  }
  errors.push(...validatePodTemplate(template, at));
  const policy = template?.spec?.restartPolicy ?? '';
  if (policy !== 'Always') errors.push(notSupportedField(`${at}.spec.restartPolicy`, policy, ['Always']));
  if (template?.spec?.activeDeadlineSeconds !== undefined) {
    const why = 'activeDeadlineSeconds in ReplicaSet is not Supported';
    errors.push(forbiddenField(`${at}.spec.activeDeadlineSeconds`, why));
  }
  return errors;
}

export function workloadColumns<T extends Workload>(): readonly Column<T>[] {
  const containers = (object: Workload): readonly { readonly name: string; readonly image?: string }[] =>
    object.spec?.template?.spec?.containers ?? [];
  return [
    wideColumn('Containers', 'Names of each container in the template.', (object) =>
      containers(object)
        .map((container) => container.name)
        .join(','),
    ),
    wideColumn('Images', 'Images referenced by each container in the template.', (object) =>
      containers(object)
        .map((container) => container.image ?? '')
        .join(','),
    ),
    wideColumn('Selector', 'Label selector for pods.', (object) => formatLabelSelector(object.spec?.selector)),
  ];
}

function isEmpty(selector: LabelSelector): boolean {
  return Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0;
}
