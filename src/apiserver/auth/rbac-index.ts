/**
 * Who is bound to what, in memory: kept from the store's own history, so that a decision looks up the user and his groups and
 * lists nothing.
 *
 *   cluster role bindings ┐                 ┌ "User x"        ┐
 *   role bindings per ns  ┴─ by subject ────┤ "Group g"       ├──> role, read from the store when it is asked for
 *                                           └ "ServiceAccount"┘    (as the user it is)
 */
import type { ClusterRoleBinding, PolicyRule, RbacSubject, RoleBinding, RoleRef } from '../../api/gen/types.ts';
import type { Live } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { CompactedError } from '../../store/index.ts';
import type { Store, Stored, WatchCursor } from '../../store/index.ts';
import { bucketOf } from '../registry.ts';
import type { User } from './user.ts';

type Binding = Live<RoleBinding> | Live<ClusterRoleBinding>;

export interface Grant {
  readonly rule: PolicyRule;
  /** `ClusterRoleBinding "x" of ClusterRole "y" to Group "z"` */
  readonly source: () => string;
}

export interface RbacIndex {
  /** Every rule that applies in this namespace ('': cluster-wide ones only). `visit` returns false to stop. */
  visit(user: User, namespace: string, visit: (grant: Grant) => boolean): readonly string[];
  /** undefined: there is no such role. */
  rulesOf(ref: RoleRef, namespace: string): readonly PolicyRule[] | undefined;
  close(): void;
}

interface Entry {
  readonly binding: Binding;
  readonly subject: RbacSubject;
}

/** By namespace ('' for cluster role bindings), then by subject. */
type Entries = Map<string, Map<string, Entry[]>>;

export function createRbacIndex(store: Store): RbacIndex {
  const cluster = follow(store, bucketOf(resources.clusterRoleBindings));
  const local = follow(store, bucketOf(resources.roleBindings));
  const rulesOf = (ref: RoleRef, namespace: string): readonly PolicyRule[] | undefined => {
    const resource = ref.kind === 'Role' ? resources.roles : resources.clusterRoles;
    const slot = { resource: bucketOf(resource), namespace: ref.kind === 'Role' ? namespace : '', name: ref.name };
    const found = store.get(slot);
    return found === undefined ? undefined : ((found.value as { readonly rules?: PolicyRule[] }).rules ?? []);
  };
  return {
    visit(user, namespace, visit) {
      const missing: string[] = [];
      const seen = new Set<Binding>();
      const each = (entries: Map<string, Entry[]> | undefined): boolean =>
        keysOf(user).every((key) =>
          (entries?.get(key) ?? []).every((entry) => {
            if (seen.has(entry.binding)) return true;
            seen.add(entry.binding);
            const { roleRef } = entry.binding;
            const rules = rulesOf(roleRef, namespace);
            if (rules === undefined) {
              missing.push(
                `${roleRef.kind.toLowerCase()}.rbac.authorization.k8s.io ${JSON.stringify(roleRef.name)} not found`,
              );
            }
            return (rules ?? []).every((rule) => visit({ rule, source: () => sourceText(entry) }));
          }),
        );
      if (each(cluster.entries.get('')) && namespace !== '') each(local.entries.get(namespace));
      return missing;
    },
    rulesOf,
    close() {
      cluster.close();
      local.close();
    },
  };
}

function keysOf(user: User): readonly string[] {
  return [`User ${user.name}`, ...user.groups.map((group) => `Group ${group}`)];
}

function follow(store: Store, bucket: string): { readonly entries: Entries; close(): void } {
  const entries: Entries = new Map();
  let cursor: WatchCursor | undefined;
  const start = (): void => {
    cursor?.close();
    entries.clear();
    for (const item of store.list(bucket)) add(entries, item);
    cursor = store.watch(bucket, store.revision, pump);
  };
  const pump = (): void => {
    try {
      for (let events = cursor?.read(100) ?? []; events.length > 0; events = cursor?.read(100) ?? []) {
        for (const event of events) {
          if (event.previous !== undefined) remove(entries, event.previous);
          if (event.kind !== 'deleted') add(entries, event.object);
        }
      }
    } catch (error) {
      if (!(error instanceof CompactedError)) throw error;
      start();
    }
  };
  start();
  return { entries, close: () => cursor?.close() };
}

function add(entries: Entries, item: Stored): void {
  const binding = item.value as Binding;
  let here = entries.get(item.namespace);
  if (here === undefined) entries.set(item.namespace, (here = new Map<string, Entry[]>()));
  for (const subject of binding.subjects ?? []) {
    const key = keyOf(subject, item.namespace);
    const list = here.get(key);
    if (list === undefined) here.set(key, [{ binding, subject }]);
    else list.push({ binding, subject });
  }
}

function remove(entries: Entries, item: Stored): void {
  const here = entries.get(item.namespace);
  for (const subject of (item.value as Binding).subjects ?? []) {
    const key = keyOf(subject, item.namespace);
    const left = (here?.get(key) ?? []).filter((entry) => entry.binding.metadata.name !== item.name);
    if (left.length === 0) here?.delete(key);
    else here?.set(key, left);
  }
  if (here?.size === 0) entries.delete(item.namespace);
}

/** A ServiceAccount is the user that its tokens are for; one without a namespace is of the binding's. */
function keyOf(subject: RbacSubject, namespace: string): string {
  if (subject.kind !== 'ServiceAccount') return `${subject.kind} ${subject.name}`;
  return `User system:serviceaccount:${subject.namespace || namespace}:${subject.name}`;
}

/** Upstream: pkg/registry/rbac/validation/rule.go, where the name stands before the namespace. */
function sourceText({ binding, subject }: Entry): string {
  const { name, namespace } = binding.metadata;
  const kind = namespace === undefined ? 'ClusterRoleBinding' : 'RoleBinding';
  const whole = namespace === undefined ? name : `${name}/${namespace}`;
  const who =
    subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace ?? namespace ?? ''}` : subject.name;
  const { roleRef } = binding;
  return `${kind} ${JSON.stringify(whole)} of ${roleRef.kind} ${JSON.stringify(roleRef.name)} to ${subject.kind} ${JSON.stringify(who)}`;
}
