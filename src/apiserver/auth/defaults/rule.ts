/** The default policy in few words: `on('', 'pods services').may('get list watch')`. */
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  RbacSubject,
  Role,
  RoleBinding,
} from '../../../api/gen/types.ts';

export const read = 'get list watch';
export const write = 'create delete deletecollection patch update';
export const readWrite = `${read} ${write}`;

const words = (text: string): string[] => text.split(' ');

/** `groups`: `''` is the core group; several are separated by commas. */
export function on(groups: string, resources: string, names = ''): { may(verbs: string): PolicyRule } {
  return {
    may: (verbs) => ({
      apiGroups: groups.split(','),
      ...(names === '' ? {} : { resourceNames: words(names) }),
      resources: words(resources),
      verbs: words(verbs),
    }),
  };
}

export function paths(urls: string, verbs = 'get'): PolicyRule {
  return { nonResourceURLs: words(urls), verbs: words(verbs) };
}

export const events = on(',events.k8s.io', 'events').may('create patch update');

const label = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
const annotation = { 'rbac.authorization.kubernetes.io/autoupdate': 'true' };
const aggregateTo = (role: string): Record<string, string> => ({
  [`rbac.authorization.k8s.io/aggregate-to-${role}`]: 'true',
});

function defaultMetadata(
  name: string,
  labels: Record<string, string> = {},
): { name: string; labels: Record<string, string>; annotations: Record<string, string> } {
  return { name, labels: { ...label, ...labels }, annotations: { ...annotation } };
}

export function role(name: string, ...rules: readonly PolicyRule[]): ClusterRole {
  return { metadata: defaultMetadata(name), rules: [...rules] };
}

/** A piece of `admin`, `edit` or `view`. */
export function pieceOf(whole: string, ...rules: readonly PolicyRule[]): ClusterRole {
  return { metadata: defaultMetadata(`system:aggregate-to-${whole}`, aggregateTo(whole)), rules: [...rules] };
}

/** `admin`, made of its pieces; itself a piece of `within`. */
export function aggregated(name: string, within?: string): ClusterRole {
  return {
    metadata: defaultMetadata(name, within === undefined ? {} : aggregateTo(within)),
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: aggregateTo(name) }] },
    rules: [],
  };
}

export function binding(name: string, subjects: readonly RbacSubject[], roleName = name): ClusterRoleBinding {
  return {
    metadata: defaultMetadata(name),
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: roleName },
    ...(subjects.length === 0 ? {} : { subjects: [...subjects] }),
  };
}

export function localRole(namespace: string, name: string, ...rules: readonly PolicyRule[]): Role {
  return { metadata: { ...defaultMetadata(name), namespace }, rules: [...rules] };
}

export function localBinding(
  namespace: string,
  name: string,
  subjects: readonly RbacSubject[],
  roleName = name,
): RoleBinding {
  return {
    metadata: { ...defaultMetadata(name), namespace },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: roleName },
    subjects: [...subjects],
  };
}

export function users(...names: readonly string[]): RbacSubject[] {
  return names.map((name) => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name }));
}

export function groups(...names: readonly string[]): RbacSubject[] {
  return names.map((name) => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name }));
}

export function account(namespace: string, name: string): RbacSubject {
  return { kind: 'ServiceAccount', name, namespace };
}
