/**
 * Content by its SHA-256, as in an OCI layout: `blobs/sha256/HEX`. Written beside and renamed, so that agents that share the
 * store never see half a blob, and the same blob written twice is no harm.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, mkdirSync } from 'node:fs';
import type { ReadStream } from 'node:fs';
import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export interface Blobs {
  has(digest: string): boolean;
  path(digest: string): string;
  open(digest: string): ReadStream;
  json(digest: string): Promise<unknown>;
  /** Rejects, and keeps nothing, when the content is not what the digest says. */
  put(source: Readable, digest: string): Promise<void>;
  putBytes(bytes: Buffer): Promise<string>;
  remove(digest: string): Promise<void>;
}

const digestPattern = /^sha256:[0-9a-f]{64}$/;

export function openBlobs(dir: string): Blobs {
  const home = join(dir, 'blobs', 'sha256');
  mkdirSync(home, { recursive: true, mode: 0o755 });
  const path = (digest: string): string => {
    // A digest comes from a manifest, and becomes a file name.
    if (!digestPattern.test(digest)) throw new Error(`unsupported digest "${digest}"`);
    return join(home, digest.slice('sha256:'.length));
  };
  const blobs: Blobs = {
    path,
    has: (digest) => existsSync(path(digest)),
    open: (digest) => createReadStream(path(digest)),
    async json(digest) {
      return JSON.parse(await readFile(path(digest), 'utf8')) as unknown;
    },
    async put(source, digest) {
      const target = path(digest);
      const draft = `${target}.${randomBytes(6).toString('hex')}`;
      const hash = createHash('sha256');
      try {
        await pipeline(
          source,
          async function* (chunks: AsyncIterable<Buffer>) {
            for await (const chunk of chunks) {
              hash.update(chunk);
              yield chunk;
            }
          },
          createWriteStream(draft),
        );
        const found = `sha256:${hash.digest('hex')}`;
        if (found !== digest) throw new Error(`content does not match its digest: ${found} instead of ${digest}`);
        await rename(draft, target);
      } finally {
        await rm(draft, { force: true });
      }
    },
    async putBytes(bytes) {
      const digest = sha256(bytes);
      const { Readable } = await import('node:stream');
      if (!blobs.has(digest)) await blobs.put(Readable.from([bytes]), digest);
      return digest;
    },
    remove: (digest) => rm(path(digest), { force: true }),
  };
  return blobs;
}

export function sha256(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
