/** What one object takes of the resources that a quota can limit. Upstream: pkg/quota/v1/evaluator/core. In nano units. */
import type { PersistentVolumeClaim, Pod, ResourceQuotaSpec, Service } from '../../api/gen/types.ts';
import type { KubeObject } from '../../api/object.ts';
import { parseQuantity } from '../../api/quantity.ts';
import type { Quantity } from '../../api/quantity.ts';
import { groupResourceOf, resources } from '../../api/resources.ts';
import type { Resource } from '../../api/resources.ts';

export type Usage = ReadonlyMap<string, Quantity>;

const one = 1_000_000_000n;
const classSuffix = '.storageclass.storage.k8s.io/';
const counted: ReadonlySet<string> = new Set([
  'configmaps',
  'persistentvolumeclaims',
  'pods',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'services',
]);

type Names = Pick<Resource, 'group' | 'plural'>;

/** Which kind a name of `spec.hard` is about; it may be one that is not installed, of which there are none. */
export function resourceBehind(name: string): Names {
  if (name.startsWith('count/')) return namesOf(name.slice('count/'.length));
  if (counted.has(name)) return namesOf(name);
  if (name.startsWith('services.')) return resources.services;
  const ofClaims = name === 'requests.storage' || name.includes(classSuffix);
  return ofClaims ? resources.persistentVolumeClaims : resources.pods;
}

function namesOf(text: string): Names {
  const dot = text.indexOf('.');
  return dot < 0 ? { group: '', plural: text } : { group: text.slice(dot + 1), plural: text.slice(0, dot) };
}

export function usageOf(resource: Names, object: KubeObject): Usage {
  const usage = new Map<string, Quantity>();
  const add = (name: string, nano: bigint, format: Quantity['format'] = 'decimal'): void => {
    const known = usage.get(name);
    usage.set(name, { nano: (known?.nano ?? 0n) + nano, format: known?.format ?? format });
  };
  const name = groupResourceOf(resource);
  add(`count/${name}`, one);
  if (name === 'pods') addPod(object, add);
  else if (counted.has(name)) add(name, one);
  if (name === 'services') addService(object, add);
  if (name === 'persistentvolumeclaims') {
    const { spec, metadata } = object as PersistentVolumeClaim;
    const quantity = parseQuantity(spec?.resources?.requests?.['storage'] ?? '0');
    const storage = metadata?.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName ?? '';
    add('requests.storage', quantity?.nano ?? 0n, quantity?.format);
    if (storage !== '') {
      add(`${storage}${classSuffix}persistentvolumeclaims`, one);
      add(`${storage}${classSuffix}requests.storage`, quantity?.nano ?? 0n, quantity?.format);
    }
  }
  return usage;
}

type Add = (name: string, nano: bigint, format?: Quantity['format']) => void;

function addService({ spec }: Service, add: Add): void {
  const ports = spec?.ports ?? [];
  if (spec?.type === 'NodePort') add('services.nodeports', one * BigInt(ports.length));
  if (spec?.type !== 'LoadBalancer') return;
  add('services.loadbalancers', one);
  const given =
    spec.allocateLoadBalancerNodePorts === false ? ports.filter(({ nodePort = 0 }) => nodePort !== 0) : ports;
  add('services.nodeports', one * BigInt(given.length));
}

/** One that ran to its end takes nothing but its place in `count/pods`. */
function addPod(pod: Pod, add: Add): void {
  if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return;
  add('pods', one);
  for (const { resources: wanted } of pod.spec?.containers ?? []) {
    for (const [name, text] of Object.entries(wanted?.requests ?? {})) {
      const quantity = parseQuantity(text);
      add(`requests.${name}`, quantity?.nano ?? 0n, quantity?.format);
      if (['cpu', 'memory', 'ephemeral-storage'].includes(name)) add(name, quantity?.nano ?? 0n, quantity?.format);
    }
    for (const [name, text] of Object.entries(wanted?.limits ?? {})) {
      const quantity = parseQuantity(text);
      add(`limits.${name}`, quantity?.nano ?? 0n, quantity?.format);
    }
  }
}

/** Each compute resource of the quota must be stated by each container. Upstream: podEvaluator.Constraints. */
export function missingRequests(pod: Pod, names: readonly string[]): string[] {
  const compute = names.filter((name) => /^((requests|limits)\.)?(cpu|memory)$/.test(name));
  return compute.sort().flatMap((name) => {
    const key = name.startsWith('limits.') ? 'limits' : 'requests';
    const plain = name.replace(/^(requests|limits)\./, '');
    const without = (pod.spec?.containers ?? []).filter(
      ({ resources: wanted }) => wanted?.[key]?.[plain] === undefined,
    );
    return without.length === 0 ? [] : [`${name} for: ${without.map((container) => container.name).join(',')}`];
  });
}

export function inScope(
  { scopes = [], scopeSelector }: ResourceQuotaSpec,
  resource: Names,
  object: KubeObject,
): boolean {
  const wanted = [
    ...scopes.map((scopeName) => ({ scopeName, operator: 'Exists', values: [] as string[] })),
    ...(scopeSelector?.matchExpressions ?? []),
  ];
  if (wanted.length === 0) return true;
  if (groupResourceOf(resource) !== 'pods') return false;
  const pod = object as Pod;
  return wanted.every(({ scopeName, operator, values = [] }) => holds(pod, scopeName, operator, values));
}

function holds(pod: Pod, scope: string, operator: string, values: readonly string[]): boolean {
  switch (scope) {
    case 'Terminating':
      return pod.spec?.activeDeadlineSeconds !== undefined;
    case 'NotTerminating':
      return pod.spec?.activeDeadlineSeconds === undefined;
    case 'BestEffort':
      return isBestEffort(pod);
    case 'NotBestEffort':
      return !isBestEffort(pod);
    case 'CrossNamespacePodAffinity':
      return looksBeyond(pod);
    case 'PriorityClass': {
      const name = pod.spec?.priorityClassName ?? '';
      if (operator === 'In') return values.includes(name);
      if (operator === 'NotIn') return !values.includes(name);
      return (name !== '') === (operator === 'Exists');
    }
    default:
      return false;
  }
}

/** Affinity to pods of other namespaces. Upstream: usesCrossNamespacePodAffinity. */
function looksBeyond({ spec }: Pod): boolean {
  const { podAffinity, podAntiAffinity } = spec?.affinity ?? {};
  const terms = [podAffinity, podAntiAffinity].flatMap((affinity) => [
    ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
  ]);
  return terms.some(
    ({ namespaces = [], namespaceSelector }) => namespaces.length > 0 || namespaceSelector !== undefined,
  );
}

function isBestEffort(pod: Pod): boolean {
  return (pod.spec?.containers ?? []).every(({ resources: wanted }) => {
    const names = [...Object.keys(wanted?.requests ?? {}), ...Object.keys(wanted?.limits ?? {})];
    return !names.some((name) => name === 'cpu' || name === 'memory');
  });
}
