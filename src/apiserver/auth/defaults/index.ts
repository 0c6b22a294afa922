/**
 * The default policy, made at start in the bootstrap transaction. What is there is reconciled: rules and subjects that are missing
 * are added, unless its annotation `rbac.authorization.kubernetes.io/autoupdate` is "false"; what people added stays.
 * Upstream: pkg/registry/rbac/reconciliation, pkg/registry/rbac/rest (PostStartHook).
 */
import type { ClusterRole, PolicyRule, RbacSubject, RoleBinding } from '../../../api/gen/types.ts';
import { aggregatedRules } from '../../../api/kinds/rbac/index.ts';
import type { KubeObject, Live } from '../../../api/object.ts';
import { resources } from '../../../api/resources.ts';
import type { Resource } from '../../../api/resources.ts';
import { missingRights } from '../rules.ts';
import { componentBindings, componentRoles } from './components.ts';
import { controllerBindings, controllerRoles } from './controllers.ts';
import { localBindings, localRoles } from './local.ts';
import { partsBindings, partsLocalBindings, partsLocalRoles, partsRoles } from './own-parts.ts';
import { peoplesBindings, peoplesRoles } from './people.ts';
import { clone } from '../../../api/clone.ts';

/** Makes the object, or changes the one that is there into what `change` gives (undefined: stays). */
export type Ensure = <T extends KubeObject>(
  resource: Resource<T>,
  wanted: T,
  change: (current: Live<T>) => T | undefined,
) => void;

export function ensureDefaultPolicy(ensure: Ensure): void {
  for (const wanted of withAggregates([...peoplesRoles, ...componentRoles, ...controllerRoles, ...partsRoles])) {
    ensure(resources.clusterRoles, wanted, (current) => addRules(current as ClusterRole, wanted));
  }
  for (const wanted of [...peoplesBindings, ...componentBindings, ...controllerBindings, ...partsBindings]) {
    ensure(resources.clusterRoleBindings, clone(wanted), (current) => addSubjects(current, wanted));
  }
  for (const wanted of [...localRoles, ...partsLocalRoles]) {
    ensure(resources.roles, clone(wanted), (current) => addRules(current, wanted));
  }
  for (const wanted of [...localBindings, ...partsLocalBindings]) {
    ensure(resources.roleBindings, clone(wanted), (current) => addSubjects(current, wanted));
  }
}

/** `admin`, `edit` and `view` are whole from the first moment on; later pieces are the controller's to add. */
function withAggregates(roles: readonly ClusterRole[]): readonly ClusterRole[] {
  const filled = roles.map((role) => clone(role));
  // view before edit before admin: each is a piece of the next.
  for (const role of filled.toReversed()) {
    const rules = aggregatedRules(role, filled);
    if (rules !== undefined) role.rules = rules;
  }
  return filled;
}

interface RoleLike {
  readonly metadata?: ClusterRole['metadata'];
  readonly rules?: PolicyRule[];
}

function addRules<T extends RoleLike>(current: T, wanted: T): T | undefined {
  if (isLocked(current)) return undefined;
  // Of an aggregated role the controller writes the rules.
  if ('aggregationRule' in wanted) return undefined;
  const have = current.rules ?? [];
  // The usual case at every start, told without taking the rules apart.
  if (JSON.stringify(have) === JSON.stringify(wanted.rules)) return undefined;
  const missing = (wanted.rules ?? []).filter((rule) => missingRights(have, [rule]).length > 0);
  return missing.length === 0 ? undefined : { ...current, rules: [...have, ...missing] };
}

interface BindingLike {
  readonly metadata?: RoleBinding['metadata'];
  readonly subjects?: RbacSubject[];
}

function addSubjects<T extends BindingLike>(current: T, wanted: BindingLike): T | undefined {
  if (isLocked(current)) return undefined;
  const have = current.subjects ?? [];
  const missing = (wanted.subjects ?? []).filter(
    ({ kind, name, namespace }) =>
      !have.some((one) => one.kind === kind && one.name === name && (one.namespace ?? '') === (namespace ?? '')),
  );
  return missing.length === 0 ? undefined : { ...current, subjects: [...have, ...missing] };
}

function isLocked({ metadata }: RoleLike | BindingLike): boolean {
  return metadata?.annotations?.['rbac.authorization.kubernetes.io/autoupdate'] === 'false';
}
