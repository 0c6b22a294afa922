/**
 * Nobody gives away what he has not got: a role's rules, or the rules of the role that a binding names, must all be held by who
 * writes it, unless he may `escalate` the role or `bind` it. Upstream: pkg/registry/rbac (policybased storages, escalation_check.go).
 */
import type { ClusterRole, PolicyRule, Role, RoleBinding } from '../../api/gen/types.ts';
import { forbiddenError } from '../../api/errors.ts';
import { sameValue } from '../../api/kinds/equal.ts';
import type { KubeObject } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import type { Resource } from '../../api/resources.ts';
import { resourceAttributes } from '../auth/attributes.ts';
import { mastersGroup } from '../auth/authorize.ts';
import { compactRules, missingRights, quotedList, ruleText } from '../auth/rules.ts';
import { notFound } from '../errors.ts';
import type { AdmissionPlugin, AdmissionRequest, AdmissionView, Requester } from './request.ts';

const group = resources.roles.group;
const fullAuthority: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

export const confirmNoEscalation: AdmissionPlugin = (request, view) => {
  const { by, resource, object, verb } = request;
  if (resource.group !== group || by === undefined || object === undefined || verb === 'delete') return;
  if (by.user.groups.includes(mastersGroup) || onlyForGarbageCollection(object, request.old)) return;
  if (resource.plural.endsWith('bindings')) checkBinding(request, by, object as RoleBinding, view);
  else checkRole(request, by, object);
};

function checkRole(request: AdmissionRequest, by: Requester, role: Role | ClusterRole): void {
  const { resource, namespace, name } = request;
  if (may(by, 'escalate', resource, namespace, name)) return;
  refuseMissing(request, by, role.rules ?? []);
  if (![role, request.old as ClusterRole | undefined].some(isAggregated)) return;
  if (missingRights(heldRules(by, namespace), fullAuthority).length === 0) return;
  throw forbiddenError(resource, name, 'must have cluster-admin privileges to use the aggregationRule');
}

function isAggregated(role: ClusterRole | undefined): boolean {
  return (role?.aggregationRule?.clusterRoleSelectors ?? []).length > 0;
}

function checkBinding(request: AdmissionRequest, by: Requester, binding: RoleBinding, view: AdmissionView): void {
  const { namespace } = request;
  const { kind, name = '' } = binding.roleRef as Partial<RoleBinding['roleRef']>;
  // Without a role that can be named, validation has the word.
  if (name === '' || (kind !== 'Role' && kind !== 'ClusterRole')) return;
  const local = kind === 'Role' && namespace !== '';
  const resource: Resource<Role | ClusterRole> = local ? resources.roles : resources.clusterRoles;
  if (may(by, 'bind', resource, namespace, name)) return;
  const role = view.get(resource, { namespace: local ? namespace : '', name });
  if (role === undefined) throw notFound(resource, name);
  refuseMissing(request, by, role.rules ?? []);
}

function may({ user, server }: Requester, verb: string, of: Resource, namespace: string, name: string): boolean {
  const asked = resourceAttributes(verb, { group: of.group, resource: of.plural, namespace, name });
  return server.authorizer.decide(user, asked).allowed;
}

function heldRules({ user, server }: Requester, namespace: string): readonly PolicyRule[] {
  const held: PolicyRule[] = [];
  server.authorizer.rbac.visit(user, namespace, ({ rule }) => {
    held.push(rule);
    return true;
  });
  return held;
}

function refuseMissing(request: AdmissionRequest, by: Requester, wanted: readonly PolicyRule[]): void {
  const missing = missingRights(heldRules(by, request.namespace), wanted);
  if (missing.length === 0) return;
  const lines = [...new Set(compactRules(missing).map(ruleText))].sort();
  const { name, groups } = by.user;
  const who = `user ${JSON.stringify(name)} (groups=${quotedList(groups)})`;
  const why = `${who} is attempting to grant RBAC permissions not currently held:\n${lines.join('\n')}`;
  throw forbiddenError(request.resource, request.name, why);
}

/** Finalizers and owners may be changed by who could not write the rest. Upstream: IsOnlyMutatingGCFields. */
function onlyForGarbageCollection(object: KubeObject, old: KubeObject | undefined): boolean {
  if (old === undefined) return false;
  const bare = ({ kind: _kind, apiVersion: _version, ...rest }: KubeObject): object => ({
    ...rest,
    metadata: {
      ...rest.metadata,
      finalizers: [],
      ownerReferences: [],
      managedFields: [],
      resourceVersion: '',
    },
  });
  return sameValue(bare(object), bare(old));
}
