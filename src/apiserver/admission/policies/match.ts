/** Which requests a policy or a binding is for. Upstream: apiserver/pkg/admission/plugin/policy/matching/matching.go, generic/plugin.go. */
import type { MatchResources, Namespace } from '../../../api/gen/types.ts';
import { resources } from '../../../api/resources.ts';
import type { Resource } from '../../../api/resources.ts';
import type { Store } from '../../../store/index.ts';
import type { Server } from '../../context.ts';
import { bucketOf } from '../../registry.ts';
import type { AdmissionRequest } from '../request.ts';
import { matchedAs } from '../webhooks/match.ts';

const policyKinds = new Set<string>([
  resources.validatingAdmissionPolicies.plural,
  resources.validatingAdmissionPolicyBindings.plural,
  resources.mutatingAdmissionPolicies.plural,
  resources.mutatingAdmissionPolicyBindings.plural,
]);

/** One that refused its own removal could never be removed. */
export function isAboutPolicies({ resource }: AdmissionRequest): boolean {
  return resource.group === 'admissionregistration.k8s.io' && policyKinds.has(resource.plural);
}

/** undefined: it is not for this request. */
export function matchesResources(
  { store, registry }: Server,
  match: MatchResources | undefined,
  request: AdmissionRequest,
): Resource | undefined {
  if (match === undefined) return undefined;
  const { excludeResourceRules = [], resourceRules = [] } = match;
  const selectors = {
    namespaceSelector: match.namespaceSelector,
    objectSelector: match.objectSelector,
    matchPolicy: match.matchPolicy,
  };
  if (matchedAs(store, registry, { ...selectors, rules: excludeResourceRules }, request) !== undefined)
    return undefined;
  // A binding without rules narrows nothing but by its selectors.
  const rules = resourceRules.length === 0 ? [everything] : resourceRules;
  return matchedAs(store, registry, { ...selectors, rules }, request);
}

const everything = { operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*', '*/*'], scope: '*' };

export function namespaceOf(store: Store, { resource, namespace }: AdmissionRequest): Namespace | undefined {
  if (namespace === '' || resource.kind === 'Namespace') return undefined;
  const slot = { resource: bucketOf(resources.namespaces), namespace: '', name: namespace };
  return store.get(slot)?.value;
}
