/**
 * Role and ClusterRole: rules. A rule is about resources (verbs × groups × resources × names) or about paths, never both.
 * Upstream: pkg/apis/rbac/validation.
 */
import type { ClusterRole, LabelSelector, PolicyRule, Role } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import type { KubeObject } from '../../object.ts';
import { invalidField, requiredField } from '../../field-errors.ts';
import { defineKind } from '../../kind.ts';
import type { Column } from '../../kind.ts';
import { resources } from '../../resources.ts';
import { validateLabelSelector, validateMetadata, validateMetadataUpdate } from '../../validation/index.ts';
import { nameColumn } from '../columns.ts';
import { whyNotPathSegment } from './names.ts';

export const roleKind = defineKind<Role>({
  resource: resources.roles,
  validate: validateRole,
  validateUpdate: (role, old) => [...validateRole(role), ...validateMetadataUpdate(role, old)],
  columns: [nameColumn(), createdColumn()],
  unconditionalUpdate: true,
  createOnUpdate: true,
});

export const clusterRoleKind = defineKind<ClusterRole>({
  resource: resources.clusterRoles,
  validate: validateClusterRole,
  validateUpdate: (role, old) => [...validateClusterRole(role), ...validateMetadataUpdate(role, old)],
  columns: [nameColumn(), createdColumn()],
  unconditionalUpdate: true,
  createOnUpdate: true,
});

function createdColumn<T extends KubeObject>(): Column<T> {
  return {
    name: 'Created At',
    type: 'date',
    description:
      'CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.',
    priority: 0,
    cell: (object) => object.metadata.creationTimestamp,
  };
}

function validateRole(role: Role): FieldError[] {
  return [
    ...validateMetadata(role, true, whyNotPathSegment),
    ...(role.rules ?? []).flatMap((rule, index) => validateRule(rule, true, `rules[${index}]`)),
  ];
}

function validateClusterRole(role: ClusterRole): FieldError[] {
  const errors = [
    ...validateMetadata(role, false, whyNotPathSegment),
    ...(role.rules ?? []).flatMap((rule, index) => validateRule(rule, false, `rules[${index}]`)),
  ];
  if (role.aggregationRule === undefined) return errors;
  return [...errors, ...validateSelectors(role.aggregationRule.clusterRoleSelectors ?? [])];
}

function validateSelectors(selectors: readonly LabelSelector[]): FieldError[] {
  const field = 'aggregationRule.clusterRoleSelectors';
  if (selectors.length === 0) {
    return [requiredField(field, 'at least one clusterRoleSelector required if aggregationRule is non-nil')];
  }
  return selectors.flatMap((selector, index) => {
    const errors = validateLabelSelector(selector, `${field}[${index}]`);
    return errors.length === 0
      ? []
      : [...errors, invalidField(`${field}[${index}]`, undefined, 'invalid label selector.')];
  });
}

function validateRule(rule: PolicyRule, namespaced: boolean, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const { apiGroups = [], resources: named = [], resourceNames = [], nonResourceURLs = [] } = rule;
  if ((rule.verbs ?? []).length === 0) {
    errors.push(requiredField(`${field}.verbs`, 'verbs must contain at least one value'));
  }
  if (nonResourceURLs.length > 0) {
    const refuse = (why: string): void => {
      errors.push(invalidField(`${field}.nonResourceURLs`, nonResourceURLs, why));
    };
    if (namespaced) refuse('namespaced rules cannot apply to non-resource URLs');
    if (apiGroups.length > 0 || named.length > 0 || resourceNames.length > 0) {
      refuse('rules cannot apply to both regular resources and non-resource URLs');
    }
    return errors;
  }
  if (apiGroups.length === 0) {
    errors.push(requiredField(`${field}.apiGroups`, 'resource rules must supply at least one api group'));
  }
  if (named.length === 0) {
    errors.push(requiredField(`${field}.resources`, 'resource rules must supply at least one resource'));
  }
  return errors;
}
