/** The files of configMap, secret, downwardAPI and projected volumes. Upstream: pkg/volume/{configmap,secret,projected,downwardapi}. */
import type { DownwardAPIVolumeFile, KeyToPath, Pod, Volume, VolumeProjection } from '../api/gen/types.ts';
import type { VolumeFile } from './atomic-writer.ts';
import { fieldValue, resourceValue } from './downward.ts';
import type { NodeFacts } from './downward.ts';
import { ConfigError, readData } from './environment.ts';
import type { ConfigReader } from './environment.ts';
import type { TokenSource } from './tokens.ts';

export interface VolumeSources {
  readonly config: ConfigReader;
  readonly tokens: TokenSource;
  readonly node: NodeFacts;
  readonly podIps: () => readonly string[];
}

const defaultMode = 0o644;

/** undefined: not a volume made of files. */
export async function volumeFiles(pod: Pod, volume: Volume, sources: VolumeSources): Promise<VolumeFile[] | undefined> {
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap !== undefined) {
    const mode = configMap.defaultMode ?? defaultMode;
    return dataFiles(pod, 'configmap', configMap.name ?? '', configMap, mode, sources);
  }
  if (secret !== undefined) {
    const mode = secret.defaultMode ?? defaultMode;
    return dataFiles(pod, 'secret', secret.secretName ?? '', secret, mode, sources);
  }
  if (downwardAPI !== undefined) {
    return downwardFiles(pod, downwardAPI.items ?? [], downwardAPI.defaultMode ?? defaultMode, sources);
  }
  if (projected === undefined) return undefined;
  const mode = projected.defaultMode ?? defaultMode;
  const parts = await Promise.all((projected.sources ?? []).map((source) => projection(pod, source, mode, sources)));
  return parts.flat();
}

async function projection(
  pod: Pod,
  source: VolumeProjection,
  mode: number,
  sources: VolumeSources,
): Promise<VolumeFile[]> {
  if (source.configMap !== undefined) {
    return dataFiles(pod, 'configmap', source.configMap.name ?? '', source.configMap, mode, sources);
  }
  if (source.secret !== undefined)
    return dataFiles(pod, 'secret', source.secret.name ?? '', source.secret, mode, sources);
  if (source.downwardAPI !== undefined) return downwardFiles(pod, source.downwardAPI.items ?? [], mode, sources);
  const token = source.serviceAccountToken;
  if (token === undefined) throw new ConfigError('a projected volume source is not supported on this node');
  const text = await sources.tokens.get({
    namespace: pod.metadata?.namespace ?? '',
    serviceAccount: pod.spec?.serviceAccountName ?? 'default',
    pod: { name: pod.metadata?.name ?? '', uid: pod.metadata?.uid ?? '' },
    audience: token.audience === '' ? undefined : token.audience,
    expirationSeconds: token.expirationSeconds ?? 3600,
  });
  return [{ path: token.path, data: Buffer.from(text), ...tokenAccess(pod, mode) }];
}

/** A token is for the one user of the pod alone, or for its group. Upstream: projected.go, FsUserFrom in pkg/volume/util. */
function tokenAccess(pod: Pod, mode: number): { readonly mode: number; readonly uid?: number } {
  const uid = onlyUser(pod);
  const owner = uid === undefined ? {} : { uid };
  if (pod.spec?.securityContext?.fsGroup !== undefined) return { mode: 0o640, ...owner };
  return uid === undefined ? { mode } : { mode: 0o600, ...owner };
}

/** undefined: containers run as several users, or as whom their images say. */
function onlyUser({ spec }: Pod): number | undefined {
  const containers = [
    ...(spec?.initContainers ?? []),
    ...(spec?.containers ?? []),
    ...(spec?.ephemeralContainers ?? []),
  ];
  const users = new Set(containers.map((one) => one.securityContext?.runAsUser ?? spec?.securityContext?.runAsUser));
  const [user] = users;
  return users.size === 1 ? user : undefined;
}

async function dataFiles(
  pod: Pod,
  kind: 'configmap' | 'secret',
  name: string,
  wish: { readonly items?: readonly KeyToPath[]; readonly optional?: boolean },
  mode: number,
  sources: VolumeSources,
): Promise<VolumeFile[]> {
  const data = await readData(sources.config, kind, name);
  if (data === undefined) {
    if (wish.optional === true) return [];
    throw new ConfigError(`${kind} "${name}" not found`);
  }
  if (wish.items === undefined || wish.items.length === 0) {
    return [...data].map(([path, bytes]) => ({ path, data: bytes, mode }));
  }
  const files: VolumeFile[] = [];
  for (const item of wish.items) {
    const bytes = data.get(item.key);
    if (bytes !== undefined) files.push({ path: item.path, data: bytes, mode: item.mode ?? mode });
    else if (wish.optional !== true) {
      const namespace = pod.metadata?.namespace ?? '';
      throw new ConfigError(
        `references non-existent ${kind === 'secret' ? 'secret' : 'config'} key: ${item.key} (${namespace}/${name})`,
      );
    }
  }
  return files;
}

function downwardFiles(
  pod: Pod,
  items: readonly DownwardAPIVolumeFile[],
  mode: number,
  sources: VolumeSources,
): VolumeFile[] {
  return items.map((item) => {
    const own = pod.spec?.containers[0] ?? { name: '' };
    const text =
      item.fieldRef !== undefined
        ? fieldValue(pod, item.fieldRef, sources.podIps(), sources.node)
        : item.resourceFieldRef === undefined
          ? ''
          : resourceValue(pod, own, item.resourceFieldRef, sources.node);
    return { path: item.path, data: Buffer.from(text), mode: item.mode ?? mode };
  });
}
