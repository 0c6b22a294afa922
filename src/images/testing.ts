/** For tests: archives and layouts made in memory. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import type { Header } from 'tar-stream';

export type TarEntry = Partial<Header> & { readonly name: string; readonly content?: string };

export async function tarOf(entries: readonly TarEntry[]): Promise<Buffer> {
  const archive = pack();
  for (const { content, ...header } of entries) archive.entry(header, content ?? '');
  archive.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of archive) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

export interface TestImage {
  readonly manifest: Buffer;
  /** Digest to content: configuration and layers. */
  readonly blobs: ReadonlyMap<string, Buffer>;
}

export function imageOf(layers: readonly Buffer[], config: Record<string, unknown> = {}): TestImage {
  const blobs = new Map<string, Buffer>();
  const put = (mediaType: string, bytes: Buffer): Record<string, unknown> => {
    blobs.set(digestOf(bytes), bytes);
    return { mediaType, digest: digestOf(bytes), size: bytes.length };
  };
  const configFile = {
    architecture: 'amd64',
    os: 'linux',
    config,
    rootfs: { type: 'layers', diff_ids: layers.map(digestOf) },
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: put('application/vnd.oci.image.config.v1+json', Buffer.from(JSON.stringify(configFile))),
    layers: layers.map((layer) => put('application/vnd.oci.image.layer.v1.tar+gzip', gzipSync(layer))),
  };
  return { manifest: Buffer.from(JSON.stringify(manifest)), blobs };
}

export function writeLayout(dir: string, image: TestImage, name?: string): void {
  mkdirSync(join(dir, 'blobs/sha256'), { recursive: true });
  const all = new Map([...image.blobs, [digestOf(image.manifest), image.manifest]]);
  for (const [digest, bytes] of all) writeFileSync(join(dir, 'blobs/sha256', digest.slice(7)), bytes);
  const entry = {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: digestOf(image.manifest),
    size: image.manifest.length,
    ...(name === undefined ? {} : { annotations: { 'org.opencontainers.image.ref.name': name } }),
  };
  writeFileSync(join(dir, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [entry] }));
  writeFileSync(join(dir, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
}
