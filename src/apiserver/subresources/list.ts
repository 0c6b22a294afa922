/** Which subresources a kind has, for discovery and routing. */
import type { KindDefinition } from '../../api/kind.ts';
import { groupResourceOf } from '../../api/resources.ts';

export interface SubresourceInfo {
  readonly name: string;
  readonly verbs: readonly string[];
  /** Where it is not the resource's own. */
  readonly kind?: string;
  readonly group?: string;
  readonly version?: string;
}

const readWrite = ['get', 'patch', 'update'];

const everyVerb = ['create', 'delete', 'get', 'patch', 'update'];

const ofResource: Readonly<Record<string, readonly SubresourceInfo[]>> = {
  namespaces: [{ name: 'finalize', verbs: ['update'] }],
  pods: [
    { name: 'attach', verbs: ['create', 'get'], kind: 'PodAttachOptions' },
    { name: 'binding', verbs: ['create'], kind: 'Binding' },
    { name: 'ephemeralcontainers', verbs: readWrite, kind: 'Pod' },
    { name: 'eviction', verbs: ['create'], kind: 'Eviction', group: 'policy', version: 'v1' },
    { name: 'exec', verbs: ['create', 'get'], kind: 'PodExecOptions' },
    { name: 'log', verbs: ['get'] },
    { name: 'portforward', verbs: ['create', 'get'], kind: 'PodPortForwardOptions' },
    { name: 'proxy', verbs: everyVerb, kind: 'PodProxyOptions' },
    { name: 'resize', verbs: readWrite, kind: 'Pod' },
  ],
  services: [{ name: 'proxy', verbs: everyVerb, kind: 'ServiceProxyOptions' }],
  nodes: [{ name: 'proxy', verbs: everyVerb, kind: 'NodeProxyOptions' }],
  serviceaccounts: [
    { name: 'token', verbs: ['create'], kind: 'TokenRequest', group: 'authentication.k8s.io', version: 'v1' },
  ],
};

export function subresourcesOf(kind: KindDefinition): readonly SubresourceInfo[] {
  const scale: SubresourceInfo = {
    name: 'scale',
    verbs: readWrite,
    kind: 'Scale',
    group: 'autoscaling',
    version: 'v1',
  };
  return [
    ...(ofResource[groupResourceOf(kind.resource)] ?? []),
    ...(kind.scale === undefined ? [] : [scale]),
    ...(kind.approval === undefined ? [] : [{ name: 'approval', verbs: readWrite }]),
    ...(kind.status === undefined ? [] : [{ name: 'status', verbs: readWrite }]),
  ];
}
