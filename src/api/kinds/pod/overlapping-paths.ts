/** Warnings of files of one volume that lie on or in each other. Upstream: warningsForOverlappingVirtualPaths. */
import type { Volume, VolumeProjection } from '../../gen/types.ts';

interface Place {
  readonly path: string;
  /** `ConfigMap "x"`; nothing where the volume has one source. */
  readonly source: string;
}

export function overlappingPaths(volumes: readonly Volume[]): string[] {
  return volumes.flatMap(({ name, configMap, secret, downwardAPI, projected }) => {
    const warn = (what: string, places: readonly Place[]): string[] =>
      overlaps(places).map((pair) => `volume ${quote(name)} (${what}): overlapping paths: ${pair}`);
    const sources = projected?.sources ?? [];
    return [
      ...warn(`ConfigMap ${quote(configMap?.name)}`, places(configMap?.items, '')),
      ...warn(`Secret ${quote(secret?.secretName)}`, places(secret?.items, '')),
      ...warn('DownwardAPI', places(downwardAPI?.items, '')),
      ...sources.flatMap((source) =>
        Object.keys(source).length === 0 ? [`volume ${quote(name)} (Projected) has no sources provided`] : [],
      ),
      ...warn('Projected', sources.flatMap(projectedPlaces)),
    ];
  });
}

/** Of more than one kind in a source, which is refused anyway, the first counts. */
function projectedPlaces(source: VolumeProjection): Place[] {
  const { configMap, secret, downwardAPI, serviceAccountToken, clusterTrustBundle: bundle, podCertificate } = source;
  if (configMap?.items !== undefined) return places(configMap.items, `ConfigMap ${quote(configMap.name)}`);
  if (secret?.items !== undefined) return places(secret.items, `Secret ${quote(secret.name)}`);
  if (downwardAPI?.items !== undefined) return places(downwardAPI.items, 'DownwardAPI');
  if (serviceAccountToken !== undefined) return places([serviceAccountToken], 'ServiceAccountToken');
  if (bundle !== undefined) return places([bundle], `ClusterTrustBundle ${quote(bundle.name ?? bundle.signerName)}`);
  const { certificateChainPath, keyPath, credentialBundlePath } = podCertificate ?? {};
  return [
    ...places([{ path: certificateChainPath }], 'PodCertificate chain'),
    ...places([{ path: keyPath }], 'PodCertificate key'),
    ...places([{ path: credentialBundlePath }], 'PodCertificate credential bundle'),
  ];
}

function places(items: readonly { readonly path?: string | undefined }[] = [], source: string): Place[] {
  return items.flatMap(({ path = '' }) => (path === '' ? [] : [{ path: path.replace(/\/+$/, ''), source }]));
}

function overlaps(all: readonly Place[]): string[] {
  return all.flatMap((place, index) =>
    all
      .slice(0, index)
      .filter(({ path }) => within(path, place.path) || within(place.path, path))
      .map((other) => `${show(place)} with ${show(other)}`),
  );
}

function within(path: string, folder: string): boolean {
  return path !== '' && folder !== '' && `${path}/`.startsWith(`${folder}/`);
}

function show({ path, source }: Place): string {
  return source === '' ? quote(path) : `${quote(path)} (${source})`;
}

function quote(text = ''): string {
  return JSON.stringify(text);
}
