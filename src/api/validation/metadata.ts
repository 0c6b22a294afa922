/**
 * metadata and selectors: what every kind has. Upstream: apimachinery pkg/api/validation/objectmeta.go and
 * pkg/apis/meta/v1/validation.
 */
import type { LabelSelector, ObjectMeta, OwnerReference } from '../gen/types.ts';
import type { KubeObject } from '../object.ts';
import type { FieldError } from '../field-errors.ts';
import { forbiddenField, invalidField, notSupportedField, requiredField, tooLongField } from '../field-errors.ts';
import {
  byteLength,
  whyNotDns1123Label,
  whyNotDns1123Subdomain,
  whyNotLabelValue,
  whyNotPathSegment,
  whyNotQualifiedName,
} from './names.ts';

/** Reasons why a name is not good for this kind. */
export type NameRule = (name: string) => string[];

const standardFinalizers: ReadonlySet<string> = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);

const annotationBytes = 256 * 1024;

/** Of the kinds that the core's own validation is for; those of other servers' use `validateObjectMeta`. */
export function validateMetadata(object: KubeObject, namespaced: boolean, rule: NameRule): FieldError[] {
  return [
    ...validateObjectMeta(object, namespaced, rule),
    ...validateKubeFinalizers(object.metadata?.finalizers ?? []),
  ];
}

/** Upstream: apimachinery's ValidateObjectMeta, which custom kinds and their definitions are checked with. */
export function validateObjectMeta(object: KubeObject, namespaced: boolean, rule: NameRule): FieldError[] {
  const meta = object.metadata ?? {};
  const errors: FieldError[] = [];
  const generateName = meta.generateName ?? '';
  if (generateName !== '') {
    // A prefix may end in '-': the random suffix follows.
    const sample = generateName.endsWith('-') ? `${generateName.slice(0, -1)}a` : generateName;
    for (const why of rule(sample)) errors.push(invalidField('metadata.generateName', generateName, why));
  }
  const name = meta.name ?? '';
  if (name === '') errors.push(requiredField('metadata.name', 'name or generateName is required'));
  else for (const why of rule(name)) errors.push(invalidField('metadata.name', name, why));
  errors.push(...validateNamespace(meta.namespace ?? '', namespaced));
  if ((meta.generation ?? 0) < 0) {
    errors.push(invalidField('metadata.generation', meta.generation, 'must be greater than or equal to 0'));
  }
  errors.push(...validateLabels(meta.labels, 'metadata.labels'));
  errors.push(...validateAnnotations(meta.annotations, 'metadata.annotations'));
  errors.push(...validateOwners(meta.ownerReferences ?? [], 'metadata.ownerReferences'));
  for (const finalizer of meta.finalizers ?? []) {
    for (const why of whyNotQualifiedName(finalizer)) {
      errors.push(invalidField('metadata.finalizers', finalizer, why));
    }
  }
  return errors;
}

/** Upstream: pkg/apis/core/validation validateKubeFinalizerName. */
function validateKubeFinalizers(finalizers: readonly string[]): FieldError[] {
  const why = 'name is neither a standard finalizer name nor is it fully qualified';
  return finalizers.flatMap((finalizer, index) =>
    finalizer.includes('/') || standardFinalizers.has(finalizer)
      ? []
      : [invalidField(`metadata.finalizers[${index}]`, finalizer, why)],
  );
}

/** Of the core's kinds, as `validateMetadata` is; upstream's ValidateObjectMetaUpdate of pkg/apis/core/validation. */
export function validateMetadataUpdate(object: KubeObject, old: KubeObject): FieldError[] {
  return [...validateObjectMetaUpdate(object, old), ...validateKubeFinalizers(object.metadata?.finalizers ?? [])];
}

/** What an update may not touch. Fields the client left out count as unchanged (the server fills them in). */
function validateObjectMetaUpdate(object: KubeObject, old: KubeObject): FieldError[] {
  const now = object.metadata ?? {};
  const before = old.metadata ?? {};
  const errors = validateFinalizersUpdate(now, before);
  if (now.generation !== undefined && now.generation < (before.generation ?? 0)) {
    errors.push(invalidField('metadata.generation', now.generation, 'must not be decremented'));
  }
  for (const key of ['name', 'namespace', 'uid', 'creationTimestamp', 'deletionTimestamp'] as const) {
    const value = now[key] ?? '';
    if (value !== '' && value !== (before[key] ?? '')) {
      errors.push(invalidField(`metadata.${key}`, value, 'field is immutable'));
    }
  }
  errors.push(...validateLabels(now.labels, 'metadata.labels'));
  errors.push(...validateAnnotations(now.annotations, 'metadata.annotations'));
  errors.push(...validateOwners(now.ownerReferences ?? [], 'metadata.ownerReferences'));
  return errors;
}

/** What an update of any kind is checked for besides its own rules, which mostly say the same again. Upstream: registry/rest/update.go. */
export function validateAnyUpdate(object: KubeObject, old: KubeObject, namespaced: boolean): FieldError[] {
  return [...validateObjectMeta(object, namespaced, whyNotPathSegment), ...validateObjectMetaUpdate(object, old)];
}

export function validateLabels(labels: Record<string, string> | undefined, field: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(labels ?? {})) {
    for (const why of whyNotQualifiedName(key)) errors.push(invalidField(field, key, why));
    for (const why of whyNotLabelValue(value)) errors.push(invalidField(field, value, why));
  }
  return errors;
}

export function validateAnnotations(annotations: Record<string, string> | undefined, field: string): FieldError[] {
  const errors: FieldError[] = [];
  let total = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    for (const why of whyNotQualifiedName(key.toLowerCase())) errors.push(invalidField(field, key, why));
    total += byteLength(key) + byteLength(value);
  }
  if (total > annotationBytes) errors.push(tooLongField(field, annotationBytes));
  return errors;
}

export function validateLabelSelector(selector: LabelSelector | undefined, field: string): FieldError[] {
  if (selector === undefined) return [];
  const errors = validateLabels(selector.matchLabels, `${field}.matchLabels`);
  for (const [index, expression] of (selector.matchExpressions ?? []).entries()) {
    const at = `${field}.matchExpressions[${index}]`;
    const values = expression.values ?? [];
    if (expression.operator === 'In' || expression.operator === 'NotIn') {
      if (values.length === 0) {
        errors.push(requiredField(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
      }
    } else if (expression.operator === 'Exists' || expression.operator === 'DoesNotExist') {
      if (values.length > 0) {
        errors.push(
          forbiddenField(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
        );
      }
    } else {
      errors.push(invalidField(`${at}.operator`, expression.operator, 'not a valid selector operator'));
    }
    for (const why of whyNotQualifiedName(expression.key)) errors.push(invalidField(`${at}.key`, expression.key, why));
    for (const [position, value] of values.entries()) {
      for (const why of whyNotLabelValue(value)) errors.push(invalidField(`${at}.values[${position}]`, value, why));
    }
  }
  return errors;
}

export function validateEnum(value: string | undefined, field: string, supported: readonly string[]): FieldError[] {
  if (value === undefined || value === '') return [requiredField(field)];
  return supported.includes(value) ? [] : [notSupportedField(field, value, supported)];
}

export function validateNonNegative(value: number | undefined, field: string): FieldError[] {
  return (value ?? 0) < 0 ? [invalidField(field, value, 'must be greater than or equal to 0')] : [];
}

export const dns1123SubdomainName: NameRule = whyNotDns1123Subdomain;
export const dns1123LabelName: NameRule = whyNotDns1123Label;

function validateNamespace(namespace: string, namespaced: boolean): FieldError[] {
  if (!namespaced) {
    return namespace === '' ? [] : [forbiddenField('metadata.namespace', 'not allowed on this type')];
  }
  if (namespace === '') return [requiredField('metadata.namespace')];
  return whyNotDns1123Label(namespace).map((why) => invalidField('metadata.namespace', namespace, why));
}

function validateOwners(owners: readonly OwnerReference[], field: string): FieldError[] {
  const errors: FieldError[] = [];
  let controller: OwnerReference | undefined;
  for (const owner of owners) {
    if ((owner.apiVersion ?? '') === '') {
      errors.push(invalidField(`${field}.apiVersion`, owner.apiVersion ?? '', 'version must not be empty'));
    }
    for (const key of ['kind', 'name', 'uid'] as const) {
      if ((owner[key] ?? '') === '')
        errors.push(invalidField(`${field}.${key}`, owner[key] ?? '', 'must not be empty'));
    }
    if (owner.controller !== true) continue;
    if (controller === undefined) controller = owner;
    else {
      const found = `Found "true" in references for ${controller.kind}/${controller.name} and ${owner.kind}/${owner.name}`;
      errors.push(invalidField(field, owners, `Only one reference can have Controller set to true. ${found}`));
    }
  }
  return errors;
}

/** While an object is being deleted, finalizers may only go away. */
function validateFinalizersUpdate(now: ObjectMeta, before: ObjectMeta): FieldError[] {
  if (before.deletionTimestamp === undefined) return [];
  const known = new Set(before.finalizers ?? []);
  const added = (now.finalizers ?? []).filter((finalizer) => !known.has(finalizer));
  if (added.length === 0) return [];
  const why = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added
    .map((finalizer) => JSON.stringify(finalizer))
    .join(', ')}}`;
  return [forbiddenField('metadata.finalizers', why)];
}
