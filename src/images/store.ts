/**
 * The image store: one directory, shared by all nodes of the machine without locks. Everything is written beside and renamed.
 *
 *   DIR/blobs/sha256/HEX       manifests, configurations, layers
 *   DIR/references/NAME.json   { reference, manifest, added }: one file per name
 *   DIR/roots/HEX/             unpacked, by the image's id: the lower directory of its containers
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openBlobs } from './blobs.ts';
import type { Blobs } from './blobs.ts';
import { isInUse } from './in-use.ts';
import { readConfig, readManifest } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import { formatReference, parseReference } from './reference.ts';
import type { Image, ImageStore } from './types.ts';
import { errnoOf } from '../util/errno.ts';

interface Entry {
  readonly reference: string;
  readonly manifest: string;
  readonly added: string;
}

export function openImages(dir: string): ImageStore {
  const references = join(dir, 'references');
  const roots = join(dir, 'roots');
  for (const place of [references, roots]) mkdirSync(place, { recursive: true, mode: 0o711 });
  const blobs = openBlobs(dir);
  const unpacking = new Map<string, Promise<void>>();

  const entries = async (): Promise<Entry[]> => {
    const files = (await readdir(references)).filter((file) => file.endsWith('.json'));
    // One that is removed meanwhile is not there.
    const texts = await Promise.all(
      files.map((file) => readFile(join(references, file), 'utf8').catch(() => undefined)),
    );
    return texts.filter((text) => text !== undefined).map((text) => JSON.parse(text) as Entry);
  };
  const enter = async (reference: string, manifest: string): Promise<void> => {
    const entry: Entry = { reference, manifest, added: new Date().toISOString() };
    const file = entryFile(references, reference);
    const draft = `${file}.${randomBytes(6).toString('hex')}`;
    await writeFile(draft, JSON.stringify(entry));
    await rename(draft, file);
  };
  const imageOf = async (manifest: string): Promise<Image> => {
    const named = (await entries()).filter((entry) => entry.manifest === manifest);
    return readImage(blobs, manifest, named);
  };

  return {
    async list() {
      const byManifest = Map.groupBy(await entries(), (entry) => entry.manifest);
      return Promise.all([...byManifest].map(([manifest, named]) => readImage(blobs, manifest, named)));
    },
    async get(reference) {
      const all = await entries();
      if (/^(sha256:)?[0-9a-f]{64}$/.test(reference)) {
        const id = reference.startsWith('sha256:') ? reference : `sha256:${reference}`;
        const images = await this.list();
        return images.find((image) => image.id === id || image.digest === id);
      }
      const wanted = parseReference(reference);
      const found = all.find((entry) => matches(entry, wanted));
      return found === undefined ? undefined : imageOf(found.manifest);
    },
    async load(path, name) {
      const { loadLayout } = await import('./layout.ts');
      const draft = await mkdtemp(join(dir, 'load-'));
      try {
        const source = (await stat(path)).isDirectory() ? path : await unpacked(path, draft);
        const loaded = await loadLayout(source, blobs, name);
        for (const { reference, manifest } of loaded) await enter(reference, manifest);
        const manifests = [...new Set(loaded.map((one) => one.manifest))];
        return await Promise.all(manifests.map(imageOf));
      } finally {
        await rm(draft, { recursive: true, force: true });
      }
    },
    async pull(reference, options = {}) {
      const { pullInto } = await import('./registry.ts');
      const wanted = parseReference(reference);
      const manifest = await pullInto(blobs, wanted, options);
      await enter(formatReference(wanted), manifest);
      return imageOf(manifest);
    },
    async remove(reference) {
      const image = await this.get(reference);
      if (image === undefined) return false;
      const byId = image.id === reference || image.digest === reference || image.id === `sha256:${reference}`;
      const names = byId ? image.references : [formatReference(parseReference(reference))];
      for (const name of names) await rm(entryFile(references, name), { force: true });
      await sweep(blobs, roots, image.digest, await entries());
      return true;
    },
    async layers(image) {
      const root = join(roots, image.id.replace('sha256:', ''));
      if (existsSync(root)) return [root];
      const running =
        unpacking.get(root) ?? unpackRoot(blobs, image, roots, root).finally(() => unpacking.delete(root));
      unpacking.set(root, running);
      await running;
      return [root];
    },
  };
}

function entryFile(dir: string, reference: string): string {
  return join(dir, `${encodeURIComponent(reference)}.json`);
}

function matches(entry: Entry, wanted: ReturnType<typeof parseReference>): boolean {
  const have = parseReference(entry.reference);
  if (have.host !== wanted.host || have.repository !== wanted.repository) return false;
  return wanted.digest === undefined
    ? have.tag === wanted.tag
    : entry.manifest === wanted.digest || have.digest === wanted.digest;
}

async function readImage(blobs: Blobs, digest: string, named: readonly Entry[]): Promise<Image> {
  const manifest = await manifestOf(blobs, digest);
  const { config } = readConfig(await blobs.json(manifest.config.digest));
  return {
    id: manifest.config.digest,
    digest,
    references: named.map((entry) => entry.reference).sort(),
    size: [manifest.config, ...manifest.layers].reduce((sum, part) => sum + part.size, 0),
    added: named.map((entry) => entry.added).sort()[0] ?? '',
    config,
  };
}

async function manifestOf(blobs: Blobs, digest: string): Promise<Manifest> {
  const manifest = readManifest(await blobs.json(digest));
  if (!('layers' in manifest)) throw new Error(`${digest} is an index, not a manifest`);
  return manifest;
}

async function unpacked(archive: string, draft: string): Promise<string> {
  const { unpackArchive } = await import('./unpack.ts');
  await unpackArchive(draft, archive);
  return draft;
}

/** Two agents may do it at the same time: the second one's work is thrown away. */
async function unpackRoot(blobs: Blobs, image: Image, roots: string, root: string): Promise<void> {
  const { applyLayer } = await import('./unpack.ts');
  const manifest = await manifestOf(blobs, image.digest);
  const { diffIds } = readConfig(await blobs.json(manifest.config.digest));
  const home = await mkdtemp(join(roots, 'draft-'));
  const draft = join(home, 'root');
  await mkdir(draft, { mode: 0o755 });
  try {
    for (const [index, layer] of manifest.layers.entries()) {
      const found = await applyLayer(draft, blobs.path(layer.digest));
      const wanted = diffIds[index];
      if (wanted !== found)
        throw new Error(`layer ${layer.digest} is not what the image says: ${found} instead of ${wanted ?? 'none'}`);
    }
    await rename(draft, root).catch((error: unknown) => {
      const code = errnoOf(error);
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** Takes away what only the removed image has used. A root that a container runs from stays until a later sweep. */
async function sweep(blobs: Blobs, roots: string, removed: string, left: readonly Entry[]): Promise<void> {
  if (left.some((entry) => entry.manifest === removed)) return;
  const parts = async (digest: string): Promise<string[]> => {
    const manifest = await manifestOf(blobs, digest);
    return [digest, manifest.config.digest, ...manifest.layers.map((layer) => layer.digest)];
  };
  const kept = new Set((await Promise.all([...new Set(left.map((entry) => entry.manifest))].map(parts))).flat());
  const keptRoots = new Set([...kept].map((digest) => digest.replace('sha256:', '')));
  for (const digest of await parts(removed)) if (!kept.has(digest)) await blobs.remove(digest);
  for (const name of await readdir(roots)) {
    const root = join(roots, name);
    if (name.startsWith('draft-') || keptRoots.has(name) || (await isInUse(root))) continue;
    await rm(root, { recursive: true, force: true });
  }
}
