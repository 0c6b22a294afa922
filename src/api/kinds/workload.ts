/** What the kinds with a pod template share: template, selector, the wide columns. */
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

/** Each kind is named in its own texts; ReplicaSets get those of Deployments upstream. */
export interface WorkloadNames {
  /** `empty selector is invalid for …` */
  readonly selector: string;
  /** `activeDeadlineSeconds in … is not Supported` */
  readonly template: string;
}

const replicaSetNames: WorkloadNames = { selector: 'deployment', template: 'ReplicaSet' };

export function validateSelector(selector: LabelSelector | undefined, names = replicaSetNames): FieldError[] {
  if (selector === undefined) return [requiredField('spec.selector')];
  const errors = validateLabelSelector(selector, 'spec.selector');
  if (isEmpty(selector)) {
    errors.push(invalidField('spec.selector', selector, `empty selector is invalid for ${names.selector}`));
  }
  return errors;
}

export function validateTemplate(spec: WorkloadSpec, names = replicaSetNames): FieldError[] {
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
    const why = `activeDeadlineSeconds in ${names.template} is not Supported`;
    errors.push(forbiddenField(`${at}.spec.activeDeadlineSeconds`, why));
  }
  return errors;
}

export function workloadColumns<T extends Workload>(): readonly Column<T>[] {
  return [
    wideColumn('Containers', 'Names of each container in the template.', (object) =>
      containerNames(object.spec?.template),
    ),
    wideColumn('Images', 'Images referenced by each container in the template.', (object) =>
      containerImages(object.spec?.template),
    ),
    wideColumn('Selector', 'Label selector for pods.', (object) => formatLabelSelector(object.spec?.selector)),
  ];
}

export function containerNames(template: PodTemplateSpec | undefined): string {
  return (template?.spec?.containers ?? []).map(({ name }) => name).join(',');
}

export function containerImages(template: PodTemplateSpec | undefined): string {
  return (template?.spec?.containers ?? []).map(({ image }) => image ?? '').join(',');
}

function isEmpty(selector: LabelSelector): boolean {
  return Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0;
}
