/**
 * RoleBinding and ClusterRoleBinding: a role given to users, groups and service accounts. Which role, is for ever.
 * Upstream: pkg/apis/rbac/validation, pkg/apis/rbac/v1/defaults.go.
 */
import type { ClusterRoleBinding, RbacSubject, RoleBinding } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { invalidField, notSupportedField, requiredField } from '../../field-errors.ts';
import { defineKind } from '../../kind.ts';
import type { KindDefinition } from '../../kind.ts';
import type { Live } from '../../object.ts';
import { resources } from '../../resources.ts';
import type { Resource } from '../../resources.ts';
import { dns1123SubdomainName, validateMetadata, validateMetadataUpdate } from '../../validation/index.ts';
import { ageColumn, column, nameColumn, wideColumn } from '../columns.ts';
import { rbacGroup, whyNotPathSegment } from './names.ts';

type Binding = RoleBinding | ClusterRoleBinding;

export const roleBindingKind = bindingKind<RoleBinding>(resources.roleBindings, ['Role', 'ClusterRole']);
export const clusterRoleBindingKind = bindingKind<ClusterRoleBinding>(resources.clusterRoleBindings, ['ClusterRole']);

function bindingKind<T extends Binding>(resource: Resource<T>, roleKinds: readonly string[]): KindDefinition {
  const validate = (binding: T): FieldError[] => validateBinding(binding, resource.namespaced, roleKinds);
  const where = resource.namespaced ? 'roleBinding' : 'clusterRoleBinding';
  const names =
    (kind: string) =>
    (binding: Live<T>): string =>
      subjectsOf(binding as unknown as Binding)
        .filter((subject) => subject.kind === kind)
        .map((subject) => (kind === 'ServiceAccount' ? `${subject.namespace ?? ''}/${subject.name}` : subject.name))
        .join(', ');
  return defineKind<T>({
    resource,
    applyDefaults: setDefaults,
    validate,
    validateUpdate: (binding, old) => [
      ...validate(binding),
      ...validateMetadataUpdate(binding, old),
      ...validateSameRole(binding, old),
    ],
    columns: [
      nameColumn(),
      column('Role', 'RoleRef can only reference a ClusterRole in the global namespace.', (binding) => {
        const { roleRef } = binding as unknown as Binding;
        return `${roleRef.kind}/${roleRef.name}`;
      }),
      ageColumn(),
      wideColumn('Users', `Users in the ${where}`, names('User')),
      wideColumn('Groups', `Groups in the ${where}`, names('Group')),
      wideColumn('ServiceAccounts', `ServiceAccounts in the ${where}`, names('ServiceAccount')),
    ],
    unconditionalUpdate: true,
    createOnUpdate: true,
  });
}

function subjectsOf(binding: Binding): readonly RbacSubject[] {
  return binding.subjects ?? [];
}

function setDefaults(binding: Binding): void {
  const roleRef = ((binding as { roleRef?: Binding['roleRef'] }).roleRef ??= { apiGroup: '', kind: '', name: '' });
  if ((roleRef.apiGroup ?? '') === '') roleRef.apiGroup = rbacGroup;
  for (const subject of binding.subjects ?? []) {
    if ((subject.kind === 'User' || subject.kind === 'Group') && (subject.apiGroup ?? '') === '') {
      subject.apiGroup = rbacGroup;
    }
  }
}

function validateBinding(binding: Binding, namespaced: boolean, roleKinds: readonly string[]): FieldError[] {
  const errors = validateMetadata(binding, namespaced, whyNotPathSegment);
  const { apiGroup = '', kind = '', name = '' } = binding.roleRef as Partial<Binding['roleRef']>;
  if (apiGroup !== rbacGroup) errors.push(notSupportedField('roleRef.apiGroup', apiGroup, [rbacGroup]));
  if (!roleKinds.includes(kind)) errors.push(notSupportedField('roleRef.kind', kind, roleKinds));
  if (name === '') errors.push(requiredField('roleRef.name'));
  else for (const why of whyNotPathSegment(name)) errors.push(invalidField('roleRef.name', name, why));
  return [
    ...errors,
    ...subjectsOf(binding).flatMap((subject, index) => validateSubject(subject, namespaced, `subjects[${index}]`)),
  ];
}

function validateSameRole(binding: Binding, old: Binding): FieldError[] {
  const now = binding.roleRef;
  const was = old.roleRef;
  if (now.apiGroup === was.apiGroup && now.kind === was.kind && now.name === was.name) return [];
  return [invalidField('roleRef', { APIGroup: now.apiGroup, Kind: now.kind, Name: now.name }, 'cannot change roleRef')];
}

function validateSubject(subject: RbacSubject, namespaced: boolean, field: string): FieldError[] {
  const { apiGroup = '', kind = '', name = '', namespace = '' } = subject;
  const errors = name === '' ? [requiredField(`${field}.name`)] : [];
  switch (kind) {
    case 'ServiceAccount':
      if (name !== '')
        for (const why of dns1123SubdomainName(name)) errors.push(invalidField(`${field}.name`, name, why));
      if (apiGroup !== '') errors.push(notSupportedField(`${field}.apiGroup`, apiGroup, ['']));
      if (!namespaced && namespace === '') errors.push(requiredField(`${field}.namespace`));
      return errors;
    case 'User':
    case 'Group':
      if (apiGroup !== rbacGroup) errors.push(notSupportedField(`${field}.apiGroup`, apiGroup, [rbacGroup]));
      return errors;
    default:
      return [...errors, notSupportedField(`${field}.kind`, kind, ['ServiceAccount', 'User', 'Group'])];
  }
}
