/** What the kinds with a pod template share: template, selector, the wide columns. */
import type { LabelSelector, PodTemplateSpec } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import type { Column } from '../kind.ts';
import type { KubeObject } from '../object.ts';
import { forbiddenField, invalidField, notSupportedField, requiredField } from '../field-errors.ts';
import { formatLabelSelector, labelSelectorMatches } from '../selectors/index.ts';
import { validateLabelSelector, whyNotDns1123Label } from '../validation/index.ts';
import { wideColumn } from './columns.ts';
import { podTemplateWarnings, setPodSpecDefaults, validatePodTemplate } from './pod/index.ts';

interface WorkloadSpec {
  readonly selector?: LabelSelector;
  readonly template?: PodTemplateSpec;
}
export type Workload = KubeObject & { readonly spec?: WorkloadSpec };

export function setTemplateDefaults(template: PodTemplateSpec): void {
  template.metadata ??= {};
  setPodSpecDefaults((template.spec ??= { containers: [] }));
}

/** How the kinds differ in their texts; a ReplicaSet is called a Deployment, and the other way round, upstream too. */
export interface WorkloadNames {
  /** `empty selector is invalid for …` */
  readonly selector: string;
  /** `activeDeadlineSeconds in … is not Supported` */
  readonly template: string;
  /** Of a selector that means nothing. */
  readonly badSelector: string;
}

const replicaSetNames: WorkloadNames = {
  selector: 'deployment',
  template: 'ReplicaSet',
  badSelector: 'invalid label selector',
};

/** Of Deployments, ReplicaSets and StatefulSets. A template is looked at only when its selector means something. */
export function validateSelectorAndTemplate(spec: WorkloadSpec, names = replicaSetNames): FieldError[] {
  const { selector, template } = spec;
  const errors = validateLabelSelector(selector, 'spec.selector');
  if (errors.length > 0) return [...errors, invalidField('spec.selector', selector, names.badSelector)];
  if (selector === undefined) errors.push(requiredField('spec.selector'));
  else if (isEmpty(selector)) errors.push(emptySelector(selector, names.selector));
  return [
    ...errors,
    ...validateTemplateLabels(template, labelSelectorMatches(selector, template?.metadata?.labels)),
    ...validateTemplate(template, names.template),
  ];
}

export function emptySelector(selector: LabelSelector, kind: string): FieldError {
  return invalidField('spec.selector', selector, `empty selector is invalid for ${kind}`);
}

export function validateTemplateLabels(template: PodTemplateSpec | undefined, matches: boolean): FieldError[] {
  if (matches) return [];
  const labels = template?.metadata?.labels;
  return [invalidField('spec.template.metadata.labels', labels, '`selector` does not match template `labels`')];
}

/** `kind`: as its texts name it. */
export function validateTemplate(template: PodTemplateSpec | undefined, kind: string): FieldError[] {
  const at = 'spec.template';
  const errors = validatePodTemplate(template, at);
  const policy = template?.spec?.restartPolicy ?? '';
  if (policy !== 'Always') errors.push(notSupportedField(`${at}.spec.restartPolicy`, policy, ['Always']));
  if (template?.spec?.activeDeadlineSeconds !== undefined) {
    const why = `activeDeadlineSeconds in ${kind} is not Supported`;
    errors.push(forbiddenField(`${at}.spec.activeDeadlineSeconds`, why));
  }
  return errors;
}

/** Of the kinds whose names may be longer than a host's. */
export function podNameWarnings({ metadata }: KubeObject, old: unknown): readonly string[] {
  const why = old === undefined ? whyNotDns1123Label(metadata?.name ?? '') : [];
  if (why.length === 0) return [];
  return [
    `metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [${why.join(' ')}]`,
  ];
}

/** Of a template at `field`, when it is new or may have changed. */
export function templateWarnings(
  object: KubeObject,
  old: KubeObject | undefined,
  template: PodTemplateSpec | undefined,
  field = 'spec.template',
): readonly string[] {
  const same = old !== undefined && old.metadata?.generation === object.metadata?.generation;
  return same ? [] : podTemplateWarnings(template, field);
}

export function workloadWarnings(object: Workload, old: Workload | undefined): readonly string[] {
  return [...podNameWarnings(object, old), ...templateWarnings(object, old, object.spec?.template)];
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

export function isEmpty(selector: LabelSelector): boolean {
  return Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0;
}
