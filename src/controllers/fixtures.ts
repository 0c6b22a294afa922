/** For tests: live objects with what a test does not care about filled in. */
import type {
  Deployment,
  DeploymentSpec,
  EndpointSlice,
  Node,
  ObjectMeta,
  Pod,
  ReplicaSet,
  Service,
  ServiceSpec,
} from '../api/gen/types.ts';
import type { KubeObject, Live } from '../api/object.ts';

export const epoch = '2026-01-01T00:00:00Z';
export const now = Date.parse('2026-01-01T01:00:00Z');

export function live<T extends KubeObject>(object: T): Live<T> {
  const metadata = {
    uid: `uid-${object.metadata?.name}`,
    resourceVersion: '1',
    creationTimestamp: epoch,
    ...object.metadata,
  };
  return { ...object, metadata } as unknown as Live<T>;
}

export interface PodOptions {
  readonly ip?: string | readonly string[];
  readonly node?: string;
  readonly ready?: boolean;
  readonly readySince?: string;
  readonly phase?: string;
  readonly terminating?: boolean;
  readonly labels?: Record<string, string>;
  readonly spec?: Partial<NonNullable<Pod['spec']>>;
  readonly metadata?: Partial<ObjectMeta>;
}

export function pod(name: string, options: PodOptions = {}): Live<Pod> {
  const {
    ip,
    node = 'node-1',
    ready = true,
    phase = 'Running',
    terminating = false,
    labels = { app: 'web' },
  } = options;
  const ips = ip === undefined ? [] : typeof ip === 'string' ? [ip] : ip;
  return live<Pod>({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'default',
      labels,
      ...(terminating ? { deletionTimestamp: epoch } : {}),
      ...options.metadata,
    },
    spec: { containers: [{ name: 'c' }], ...(node === '' ? {} : { nodeName: node }), ...options.spec },
    status: {
      phase,
      conditions: [
        { type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: options.readySince ?? epoch },
      ],
      ...(ips.length === 0 ? {} : { podIP: ips[0], podIPs: ips.map((one) => ({ ip: one })) }),
    },
  });
}

export function service(spec: Partial<ServiceSpec> = {}, metadata: Partial<ObjectMeta> = {}): Live<Service> {
  return live<Service>({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'default', ...metadata },
    spec: {
      clusterIP: '10.96.0.7',
      ipFamilies: ['IPv4'],
      selector: { app: 'web' },
      ports: [{ port: 80, targetPort: 8080, protocol: 'TCP' }],
      ...spec,
    },
  });
}

export function node(name: string, options: Partial<Node> = {}): Live<Node> {
  return live<Node>({
    apiVersion: 'v1',
    kind: 'Node',
    spec: {},
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
    ...options,
    metadata: { name, labels: { 'kubernetes.io/hostname': name }, ...options.metadata },
  });
}

export function nodes(...list: readonly Live<Node>[]): { get(name: string): Live<Node> | undefined } {
  return { get: (name) => list.find(({ metadata }) => metadata.name === name) };
}

export function deployment(spec: Partial<DeploymentSpec> = {}, more: Partial<Deployment> = {}): Live<Deployment> {
  const labels = { app: 'web' };
  return live<Deployment>({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    ...more,
    metadata: { name: 'web', namespace: 'default', generation: 1, ...more.metadata },
    spec: {
      replicas: 3,
      progressDeadlineSeconds: 600,
      revisionHistoryLimit: 10,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'web:1' }] } },
      ...spec,
    },
  });
}

export interface SetOptions {
  readonly image?: string;
  readonly replicas?: number;
  readonly status?: Partial<NonNullable<ReplicaSet['status']>>;
  readonly revision?: number;
  readonly desired?: number;
  readonly max?: number;
  readonly created?: string;
}

/** A ReplicaSet of `deployment()`; all its pods are available unless the status says otherwise. */
export function replicaSet(name: string, options: SetOptions = {}): Live<ReplicaSet> {
  const { image = 'web:1', replicas = 3, revision = 1, desired = 3, max = 4, created = epoch } = options;
  const labels = { app: 'web', 'pod-template-hash': name };
  return live<ReplicaSet>({
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name,
      namespace: 'default',
      labels,
      generation: 1,
      creationTimestamp: created,
      annotations: {
        'deployment.kubernetes.io/revision': String(revision),
        'deployment.kubernetes.io/desired-replicas': String(desired),
        'deployment.kubernetes.io/max-replicas': String(max),
      },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'uid-web', controller: true }],
    },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image }] } },
    },
    status: {
      replicas,
      readyReplicas: replicas,
      availableReplicas: replicas,
      observedGeneration: 1,
      ...options.status,
    },
  });
}

/** A slice as the server would return the written one. */
export function stored(slice: EndpointSlice, name: string): Live<EndpointSlice> {
  return live<EndpointSlice>({ ...slice, metadata: { ...slice.metadata, name, uid: `uid-${name}` } });
}
