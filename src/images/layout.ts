/**
 * Images from files: an OCI layout (a directory, or a tar of one) or what `docker save` writes.
 *
 *   source ── docker: manifest.json (names, configuration, layers) ──┐
 *          └─ OCI: index.json -> manifest -> blobs/sha256/… ─────────┴─> blobs of the store, [reference, manifest digest]
 */
import { createReadStream, lstatSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Blobs } from './blobs.ts';
import { inside } from './inside.ts';
import { choosePlatform, isObject, readManifest } from './manifest.ts';
import type { Descriptor, Manifest } from './manifest.ts';
import { normalizeReference } from './reference.ts';

export interface Loaded {
  /** Normalized. */
  readonly reference: string;
  readonly manifest: string;
}

/** `dir` holds the files; `name` is for images that bring none. */
export async function loadLayout(dir: string, blobs: Blobs, name: string | undefined): Promise<Loaded[]> {
  if (isFile(dir, 'manifest.json')) return loadDocker(dir, blobs, name);
  if (isFile(dir, 'index.json')) return loadOci(dir, blobs, name);
  throw new Error('neither an OCI layout (index.json) nor a docker archive (manifest.json)');
}

async function loadOci(dir: string, blobs: Blobs, name: string | undefined): Promise<Loaded[]> {
  const index = readManifest(JSON.parse(await text(dir, 'index.json')));
  if (!isList(index) || index.length === 0) throw new Error('index.json names no manifest');
  if (name !== undefined && index.length > 1)
    throw new Error(`index.json has ${String(index.length)} images: one name does not fit all`);
  const loaded: Loaded[] = [];
  for (const entry of index) {
    const reference = name ?? nameOf(entry);
    if (reference === undefined) throw new Error('the layout carries no name for its image: give one (--as NAME)');
    const manifest = await takeManifest(dir, blobs, entry);
    loaded.push({ reference: normalizeReference(reference), manifest });
  }
  return loaded;
}

function isList(value: Manifest | readonly Descriptor[]): value is readonly Descriptor[] {
  return Array.isArray(value);
}

function nameOf({ annotations = {} }: Descriptor): string | undefined {
  const full = annotations['io.containerd.image.name'];
  const short = annotations['org.opencontainers.image.ref.name'];
  // A bare tag (`latest`) is no name.
  return full ?? (short !== undefined && /[/:]/.test(short) ? short : undefined);
}

async function takeManifest(dir: string, blobs: Blobs, entry: Descriptor, depth = 0): Promise<string> {
  if (depth > 4) throw new Error('indexes are nested too deep');
  const manifest = readManifest(JSON.parse(await text(dir, blobPath(entry.digest))));
  if (isList(manifest)) return takeManifest(dir, blobs, choosePlatform(manifest), depth + 1);
  for (const { digest } of [entry, manifest.config, ...manifest.layers]) {
    if (!blobs.has(digest)) await blobs.put(createReadStream(regular(dir, blobPath(digest))), digest);
  }
  return entry.digest;
}

function blobPath(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}

async function loadDocker(dir: string, blobs: Blobs, name: string | undefined): Promise<Loaded[]> {
  const list: unknown = JSON.parse(await text(dir, 'manifest.json'));
  if (!Array.isArray(list)) throw new Error('manifest.json is not a list');
  const loaded: Loaded[] = [];
  for (const entry of list as unknown[]) {
    if (!isObject(entry) || typeof entry['Config'] !== 'string' || !Array.isArray(entry['Layers'])) {
      throw new Error('manifest.json has an entry without Config and Layers');
    }
    const tags = name === undefined ? (Array.isArray(entry['RepoTags']) ? entry['RepoTags'].map(String) : []) : [name];
    if (tags.length === 0) throw new Error('the archive carries no name for its image: give one (--as NAME)');
    const manifest = await takeDocker(dir, blobs, entry['Config'], entry['Layers'].map(String));
    for (const tag of tags) loaded.push({ reference: normalizeReference(tag), manifest });
  }
  return loaded;
}

/** A docker archive has no manifest of its own: one is made. */
async function takeDocker(dir: string, blobs: Blobs, config: string, layers: readonly string[]): Promise<string> {
  const configBytes = await readFile(regular(dir, config));
  const descriptors: unknown[] = [];
  for (const layer of layers) {
    const path = regular(dir, layer);
    const digest = await digestOf(path);
    if (!blobs.has(digest)) await blobs.put(createReadStream(path), digest);
    descriptors.push({ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest, size: lstatSync(path).size });
  }
  const manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: {
      mediaType: 'application/vnd.oci.image.config.v1+json',
      digest: await blobs.putBytes(configBytes),
      size: configBytes.length,
    },
    layers: descriptors,
  };
  return blobs.putBytes(Buffer.from(JSON.stringify(manifest)));
}

async function digestOf(path: string): Promise<string> {
  const { createHash } = await import('node:crypto');
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return `sha256:${hash.digest('hex')}`;
}

/** A link in an archive must not make us read a file of the host. */
function regular(dir: string, path: string): string {
  const found = inside(dir, path, { followLast: true });
  if (lstatSync(found, { throwIfNoEntry: false })?.isFile() !== true)
    throw new Error(`${path} is missing in the archive`);
  return found;
}

function isFile(dir: string, path: string): boolean {
  return lstatSync(inside(dir, path, { followLast: true }), { throwIfNoEntry: false })?.isFile() === true;
}

function text(dir: string, path: string): Promise<string> {
  return readFile(regular(dir, path), 'utf8');
}
