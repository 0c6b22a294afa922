/**
 * Who has a policy look at parameters must be allowed to look at them himself.
 * Upstream: pkg/registry/admissionregistration/{validating,mutating}admissionpolicy{,binding}/authz.go.
 */
import { forbiddenField } from '../../api/field-errors.ts';
import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  ParamKind,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../../api/gen/types.ts';
import { goText } from '../../api/go-text.ts';
import { sameValue } from '../../api/kinds/equal.ts';
import { groupVersionOf, resources } from '../../api/resources.ts';
import type { Attributes } from '../auth/attributes.ts';
import { resourceAttributes } from '../auth/attributes.ts';
import { mastersGroup } from '../auth/authorize.ts';
import type { User } from '../auth/user.ts';
import { invalid } from '../errors.ts';
import { bodyOf } from './request.ts';
import type { AdmissionPlugin, AdmissionRequest, AdmissionView, Requester } from './request.ts';

type Policy = ValidatingAdmissionPolicy | MutatingAdmissionPolicy;
type Binding = ValidatingAdmissionPolicyBinding | MutatingAdmissionPolicyBinding;

export const policyParams: AdmissionPlugin = (request, view) => {
  const { by, resource } = request;
  if (by === undefined || resource.group !== resources.mutatingAdmissionPolicies.group) return;
  if (by.user.groups.includes(mastersGroup)) return;
  for (const [policies, bindings] of sorts) {
    const policy = bodyOf<Policy>(request, policies, ['create', 'update']);
    if (policy !== undefined) checkPolicy(request, by, policy);
    const binding = bodyOf<Binding>(request, bindings, ['create', 'update']);
    if (binding === undefined) continue;
    const named = view.get(policies, { namespace: '', name: binding.spec?.policyName ?? '' });
    checkBinding(request, by, binding, named);
  }
};

const sorts = [
  [resources.validatingAdmissionPolicies, resources.validatingAdmissionPolicyBindings],
  [resources.mutatingAdmissionPolicies, resources.mutatingAdmissionPolicyBindings],
] as const;

function checkPolicy({ resource, name, old }: AdmissionRequest, by: Requester, policy: Policy): void {
  const { paramKind } = policy.spec ?? {};
  if (paramKind === undefined || sameValue(paramKind, (old as Policy | undefined)?.spec?.paramKind)) return;
  const { group, plural } = resourceOf(by, paramKind);
  const asked = resourceAttributes('get', { group, resource: plural, namespace: '*', name: '*' });
  if (may(by, asked)) return;
  const { kind = '', apiVersion = '' } = paramKind;
  const why = `user ${userText(by.user)} must have "get" permission on all objects of the referenced paramKind (kind=${kind}, apiVersion=${apiVersion})`;
  throw invalid(resource, name, [forbiddenField('spec.paramKind', why)]);
}

function checkBinding(
  { resource, name }: AdmissionRequest,
  by: Requester,
  { spec = {} }: Binding,
  policy: ReturnType<AdmissionView['get']>,
): void {
  const { paramRef, policyName = '' } = spec;
  if (paramRef === undefined) return;
  const verb = (paramRef.name ?? '') === '' ? 'list' : 'get';
  const paramKind = (policy as Policy | undefined)?.spec?.paramKind;
  const of = paramKind === undefined ? everything : resourceOf(by, paramKind);
  const [namespace, called] = [paramRef.namespace ?? '', paramRef.name ?? ''];
  const asked = resourceAttributes(verb, { group: of.group, resource: of.plural, namespace, name: called });
  if (may(by, asked)) return;
  const who = userText(by.user);
  const missing = `user ${who} does not have "${verb}" permission for all groups, versions and resources`;
  // Upstream has them in this order.
  const words: readonly [string, string] =
    resource.plural === resources.mutatingAdmissionPolicyBindings.plural ? [verb, who] : [who, verb];
  const why =
    policy === undefined
      ? `unable to get policy ${policyName} to determine minimum required permissions and ${missing}`
      : paramKind !== undefined && of.plural === '*'
        ? `unable to resolve paramKind &ParamKind{APIVersion:${paramKind.apiVersion ?? ''},Kind:${paramKind.kind ?? ''},} to determine minimum required permissions and ${missing}`
        : `user ${words[0]} does not have "${words[1]}" permission on the object referenced by paramRef`;
  throw invalid(resource, name, [forbiddenField('spec.paramRef', why)]);
}

interface Asked {
  readonly group: string;
  readonly plural: string;
}

const everything: Asked = { group: '*', plural: '*' };

/** All resources of the group where there is no such kind. */
function resourceOf({ server }: Requester, { apiVersion = '', kind = '' }: ParamKind): Asked {
  const found = server.registry.kinds.find(
    ({ resource }) => resource.kind === kind && groupVersionOf(resource) === apiVersion,
  );
  return found?.resource ?? { group: apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '', plural: '*' };
}

function may({ user, server }: Requester, asked: Attributes): boolean {
  return server.authorizer.decide(user, asked).allowed;
}

/** %v of a user.DefaultInfo. */
function userText({ name, uid, groups, extra }: User): string {
  return `&{${name} ${uid ?? ''} ${goText(groups)} ${goText(extra ?? {})}}`;
}
