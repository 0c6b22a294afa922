/** Volumes: baseline forbids those of the node, restricted all that are not the cluster's. Upstream: check_hostPathVolumes.go, check_restrictedVolumes.go. */
import type { Volume } from '../../gen/types.ts';
import { named, plural, quoted, sorted } from './check.ts';
import type { Check, PodLike, Violation } from './check.ts';

const hostPathId = 'hostPathVolumes';

export const hostPathVolumes: Check = {
  id: hostPathId,
  level: 'baseline',
  versions: [{ since: 0, check: noHostPaths }],
};

export const restrictedVolumes: Check = {
  id: 'restrictedVolumes',
  level: 'restricted',
  versions: [{ since: 0, check: onlyHarmless, overrides: hostPathId }],
};

const harmless = [
  ...(['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'image', 'persistentVolumeClaim'] as const),
  ...(['projected', 'secret'] as const),
];

/** In upstream's order: of a volume with several sources, the first is named. */
const restricted = [
  ...(['hostPath', 'gcePersistentDisk', 'awsElasticBlockStore', 'gitRepo', 'nfs', 'iscsi', 'glusterfs'] as const),
  ...(['rbd', 'flexVolume', 'cinder', 'cephfs', 'flocker', 'fc', 'azureFile', 'vsphereVolume', 'quobyte'] as const),
  ...(['azureDisk', 'photonPersistentDisk', 'portworxVolume', 'scaleIO', 'storageos'] as const),
];

function noHostPaths({ spec }: PodLike): Violation | undefined {
  const bad = (spec.volumes ?? []).filter(({ hostPath }) => hostPath !== undefined);
  return bad.length === 0 ? undefined : { reason: 'hostPath volumes', detail: named('volume', namesOf(bad)) };
}

function onlyHarmless({ spec }: PodLike): Violation | undefined {
  const bad = (spec.volumes ?? []).filter((volume) => harmless.every((source) => volume[source] === undefined));
  if (bad.length === 0) return undefined;
  const types = sorted(bad.map((volume) => restricted.find((source) => volume[source] !== undefined) ?? 'unknown'));
  const what = `${plural('restricted volume type', types)} ${quoted(types)}`;
  const detail = `${named('volume', namesOf(bad))} ${bad.length === 1 ? 'uses' : 'use'} ${what}`;
  return { reason: 'restricted volume types', detail };
}

function namesOf(volumes: readonly Volume[]): string[] {
  return volumes.map(({ name }) => name);
}
