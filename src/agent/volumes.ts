/**
 * The volumes of a pod, made on disk before its first container starts, and kept up to date while it runs.
 *
 *   PodSpec.volumes ── materialize ──> name → directory or file of the node ── volumeMounts ──> OCI mounts
 */
import { chmodSync, chownSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ImageVolumeSource, Pod, Volume } from '../api/gen/types.ts';
import { writeAtomically } from './atomic-writer.ts';
import { ConfigError } from './environment.ts';
import { memorySize, mountImage, mountMemory } from './mounted-volumes.ts';
import { volumeFiles } from './volume-files.ts';
import type { VolumeSources } from './volume-files.ts';

export interface VolumePlaces {
  /** rootDir/pods/UID/volumes */
  readonly disk: string;
  /** runDir/pods/UID: for those that are mounted. */
  readonly mounted: string;
}

export interface ImageSources {
  /** Of an image that is pulled when it has to be, uppermost first. */
  imageLayers(source: ImageVolumeSource): Promise<readonly string[]>;
}

/** Makes all; a second call brings the ones that have content up to date. Rejects with what is missing. */
export async function materializeVolumes(
  pod: Pod,
  places: VolumePlaces,
  sources: VolumeSources & ImageSources,
): Promise<Map<string, string>> {
  const made = new Map<string, string>();
  await Promise.all(
    (pod.spec?.volumes ?? []).map(async (volume) => {
      made.set(volume.name, await materialize(pod, volume, places, sources));
    }),
  );
  return made;
}

async function materialize(
  pod: Pod,
  volume: Volume,
  places: VolumePlaces,
  sources: VolumeSources & ImageSources,
): Promise<string> {
  const dir = join(places.disk, volume.name);
  const fsGroup = pod.spec?.securityContext?.fsGroup;
  if (volume.hostPath !== undefined) return hostPath(volume.hostPath.path, volume.hostPath.type ?? '');
  const files = await volumeFiles(pod, volume, sources);
  if (files !== undefined) {
    writeAtomically(dir, files, fsGroup === undefined ? {} : { gid: fsGroup });
    return dir;
  }
  // emptyDir, and what defaults to it.
  if (volume.emptyDir !== undefined) {
    const { medium = '' } = volume.emptyDir;
    if (medium !== '' && medium !== 'Memory') throw new ConfigError(`unknown storage medium "${medium}"`);
    const place = medium === 'Memory' ? join(places.mounted, volume.name) : dir;
    const bytes = memorySize(pod, volume.emptyDir, sources.node.memoryBytes);
    const isNew = medium === 'Memory' ? await mountMemory(place, bytes) : !existsSync(place);
    if (!isNew) return place;
    mkdirSync(place, { recursive: true });
    if (fsGroup !== undefined) chownSync(place, 0, fsGroup);
    chmodSync(place, fsGroup === undefined ? 0o777 : 0o2777);
    return place;
  }
  const { image } = volume;
  if (image !== undefined) {
    const place = join(places.mounted, volume.name);
    await mountImage(place, () => sources.imageLayers(image));
    return place;
  }
  const kind = Object.keys(volume).find((key) => key !== 'name') ?? 'none';
  throw new ConfigError(`volume "${volume.name}": source ${kind} is not supported on this node`);
}

/** Upstream: pkg/volume/hostpath (HostPathType checks). */
function hostPath(path: string, type: string): string {
  const stat = existsSync(path) ? statSync(path) : undefined;
  switch (type) {
    case '':
      // As container runtimes do for a missing bind source.
      if (stat === undefined) mkdirSync(path, { recursive: true, mode: 0o755 });
      return path;
    case 'DirectoryOrCreate':
      if (stat === undefined) mkdirSync(path, { recursive: true, mode: 0o755 });
      else if (!stat.isDirectory()) break;
      return path;
    case 'FileOrCreate':
      if (stat === undefined) {
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, '', { mode: 0o644 });
      } else if (!stat.isFile()) break;
      return path;
    case 'Directory':
      if (stat?.isDirectory() === true) return path;
      break;
    case 'File':
      if (stat?.isFile() === true) return path;
      break;
    case 'Socket':
      if (stat?.isSocket() === true) return path;
      break;
    case 'CharDevice':
      if (stat?.isCharacterDevice() === true) return path;
      break;
    case 'BlockDevice':
      if (stat?.isBlockDevice() === true) return path;
      break;
    default:
      break;
  }
  throw new ConfigError(`hostPath type check failed: ${path} is not a ${hostPathNames[type] ?? type}`);
}

const hostPathNames: Readonly<Record<string, string>> = {
  Directory: 'directory',
  DirectoryOrCreate: 'directory',
  File: 'file',
  FileOrCreate: 'file',
  Socket: 'socket file',
  CharDevice: 'character device',
  BlockDevice: 'block device',
};
