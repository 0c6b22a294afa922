/** Manifests and indexes of the OCI image specification and of docker's schema 2, as untrusted input. */
import { arch } from 'node:os';
import type { ImageConfig } from './types.ts';

export interface Descriptor {
  readonly mediaType?: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly os?: string; readonly architecture?: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Manifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

export interface ConfigFile {
  readonly config: ImageConfig;
  readonly diffIds: readonly string[];
}

export const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];

/** A manifest, or the list of manifests to choose from. */
export function readManifest(value: unknown): Manifest | readonly Descriptor[] {
  if (!isObject(value)) throw new Error('manifest is not a JSON object');
  if (Array.isArray(value['manifests'])) return value['manifests'].map(descriptor);
  if (value['schemaVersion'] === 1)
    throw new Error('manifest schema 1 is not supported: push the image again with a current tool');
  if (!Array.isArray(value['layers'])) throw new Error('manifest has neither layers nor manifests');
  return { config: descriptor(value['config']), layers: value['layers'].map(descriptor) };
}

export function readConfig(value: unknown): ConfigFile {
  if (!isObject(value)) throw new Error('image configuration is not a JSON object');
  const rootfs = isObject(value['rootfs']) ? value['rootfs'] : {};
  const diffIds = Array.isArray(rootfs['diff_ids']) ? rootfs['diff_ids'].map(String) : [];
  return { config: isObject(value['config']) ? value['config'] : {}, diffIds };
}

const goArch: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

/** The one for this machine. */
export function choosePlatform(list: readonly Descriptor[]): Descriptor {
  const wanted = goArch[arch()] ?? arch();
  const fits = list.find(({ platform }) => platform?.architecture === wanted && (platform.os ?? 'linux') === 'linux');
  const chosen = fits ?? (list.length === 1 && list[0]?.platform === undefined ? list[0] : undefined);
  if (chosen === undefined) throw new Error(`no match for platform in manifest: not found linux/${wanted}`);
  return chosen;
}

function descriptor(value: unknown): Descriptor {
  if (!isObject(value) || typeof value['digest'] !== 'string') throw new Error('descriptor without a digest');
  return { ...(value as object), digest: value['digest'], size: Number(value['size'] ?? 0) };
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
