/** What a pod refers to by name. Upstream: pkg/api/pod VisitPodSecretNames, VisitPodConfigmapNames. */
import type { Container, Pod, PodSpec, Volume } from '../../api/gen/types.ts';

export type ReferredKind = 'pod' | 'secret' | 'configMap' | 'claim' | 'serviceAccount';

export function refersTo(pod: Pod, kind: ReferredKind, name: string): boolean {
  const spec: PodSpec = pod.spec ?? { containers: [] };
  switch (kind) {
    case 'pod':
      return pod.metadata?.name === name;
    case 'serviceAccount':
      return spec.serviceAccountName === name;
    case 'claim':
      return (spec.volumes ?? []).some(
        (volume) =>
          volume.persistentVolumeClaim?.claimName === name ||
          (volume.ephemeral !== undefined && `${pod.metadata?.name ?? ''}-${volume.name}` === name),
      );
    case 'secret':
      return (
        (spec.imagePullSecrets ?? []).some((reference) => reference.name === name) ||
        containersOf(spec).some((container) => environmentSecret(container, name)) ||
        (spec.volumes ?? []).some((volume) => volumeSecret(volume, name))
      );
    case 'configMap':
      return (
        containersOf(spec).some((container) => environmentConfigMap(container, name)) ||
        (spec.volumes ?? []).some((volume) => volumeConfigMap(volume, name))
      );
  }
}

function containersOf(spec: PodSpec): readonly Container[] {
  return [
    ...(spec.initContainers ?? []),
    ...spec.containers,
    ...((spec.ephemeralContainers ?? []) as readonly Container[]),
  ];
}

function environmentSecret({ env = [], envFrom = [] }: Container, name: string): boolean {
  return (
    env.some((item) => item.valueFrom?.secretKeyRef?.name === name) ||
    envFrom.some((source) => source.secretRef?.name === name)
  );
}

function environmentConfigMap({ env = [], envFrom = [] }: Container, name: string): boolean {
  return (
    env.some((item) => item.valueFrom?.configMapKeyRef?.name === name) ||
    envFrom.some((source) => source.configMapRef?.name === name)
  );
}

function volumeSecret(volume: Volume, name: string): boolean {
  if (volume.secret?.secretName === name) return true;
  if ((volume.projected?.sources ?? []).some((source) => source.secret?.name === name)) return true;
  const drivers = [volume.csi?.nodePublishSecretRef, volume.cephfs?.secretRef, volume.flexVolume?.secretRef];
  return drivers.some((reference) => reference?.name === name);
}

function volumeConfigMap(volume: Volume, name: string): boolean {
  return (
    volume.configMap?.name === name ||
    (volume.projected?.sources ?? []).some((source) => source.configMap?.name === name)
  );
}
