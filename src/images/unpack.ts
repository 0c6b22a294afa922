/**
 * One layer of an image, applied to a root directory: files added, whiteouts taken away.
 *
 *   tar entry ── inside(root, path): no way out by `..`, absolute names, links, hard links ──> the directory
 *   `.wh.NAME` removes NAME, `.wh..wh..opq` everything below that the layers before have put there
 *
 * OCI image-spec layer.md. Nobody else works on the directory while it is made, so a check stays true until the use.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import type { Stats } from 'node:fs';
import { chmod, lchown, link, lstat, lutimes, mkdir, open, readdir, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { extract } from 'tar-stream';
import type { Header } from 'tar-stream';
import { inside } from './inside.ts';
import { errnoOf } from '../util/errno.ts';

type Source = ReturnType<typeof extract> extends AsyncIterable<infer Entry> ? Entry : never;

const whiteout = '.wh.';
const opaque = '.wh..wh..opq';

/** Applies the layer; resolves with the digest of the uncompressed archive (its DiffID). */
export async function applyLayer(root: string, archive: string): Promise<string> {
  const hash = createHash('sha256');
  const entries = extract();
  /** What this very layer has put there: an opaque marker does not take it away. */
  const own = new Set<string>();
  const times: [string, Date][] = [];
  const reading = pipeline(
    await decompressed(archive),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        yield chunk;
      }
    },
    entries,
  );
  const applying = (async () => {
    for await (const entry of entries) await applyEntry(root, entry.header, entry, own, times);
  })();
  await Promise.all([reading, applying]);
  // A directory's time changes with every file that is put into it.
  // What a later entry took away has none.
  for (const [path, time] of times.reverse()) await lutimes(path, time, time).catch(() => undefined);
  return `sha256:${hash.digest('hex')}`;
}

async function applyEntry(
  root: string,
  header: Header,
  content: Source,
  own: Set<string>,
  times: [string, Date][],
): Promise<void> {
  const path = inside(root, header.name, { makeParents: true });
  const name = basename(header.name);
  if (name === opaque) await clear(dirname(path), own);
  else if (name.startsWith(whiteout)) {
    const hidden = name.slice(whiteout.length);
    if (hidden === '' || hidden === '.' || hidden === '..') throw new Error(`invalid whiteout "${header.name}"`);
    await rm(join(dirname(path), hidden), { recursive: true, force: true });
  } else if (path !== root) {
    if (await make(root, path, header, content)) {
      own.add(path);
      for (let parent = dirname(path); parent.length > root.length; parent = dirname(parent)) own.add(parent);
      times.push([path, header.mtime]);
    }
  } else await chmod(root, header.mode & 0o7777);
  content.resume();
}

/** False: a kind that containers have no use for (devices, pipes: /dev is their own). */
async function make(root: string, path: string, header: Header, content: Source): Promise<boolean> {
  const before = await stat(path);
  const isDirectory = header.type === 'directory';
  if (before !== undefined && !(isDirectory && before.isDirectory())) await rm(path, { recursive: true, force: true });
  switch (header.type) {
    case 'directory':
      if (before?.isDirectory() !== true) await mkdir(path);
      break;
    case 'file':
    case 'contiguous-file':
      await pipeline(content, createWriteStream(path, { flags: 'wx', mode: 0o600 }));
      break;
    case 'symlink':
      // Whatever it says: it is followed inside the container only, and by inside().
      await symlink(header.linkname, path);
      break;
    case 'link': {
      const target = inside(root, header.linkname);
      if (target === root || (await stat(target)) === undefined) {
        throw new Error(`hard link "${header.name}": its target "${header.linkname}" is not in the image`);
      }
      await link(target, path);
      return true;
    }
    default:
      return false;
  }
  await lchown(path, header.uid, header.gid);
  if (header.type !== 'symlink') await chmod(path, header.mode & 0o7777);
  return true;
}

/** None where there is no such directory: a layer may empty what no layer before it has made. */
async function namesIn(dir: string): Promise<readonly string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}

/** Takes away what earlier layers have put into the directory. */
async function clear(dir: string, own: ReadonlySet<string>): Promise<void> {
  for (const name of await namesIn(dir)) {
    const path = join(dir, name);
    if (!own.has(path)) await rm(path, { recursive: true, force: true });
    else if ((await stat(path))?.isDirectory() === true) await clear(path, own);
  }
}

async function stat(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch {
    return undefined;
  }
}

/** By the content's first bytes: media types are not always true. */
async function decompressed(archive: string): Promise<Readable> {
  const handle = await open(archive, 'r');
  const magic = Buffer.alloc(4);
  await handle.read(magic, 0, 4, 0);
  await handle.close();
  const file = createReadStream(archive);
  const decoder =
    magic.readUInt16BE(0) === 0x1f8b
      ? createGunzip()
      : magic.readUInt32LE(0) === 0xfd2fb528
        ? createZstdDecompress()
        : undefined;
  if (decoder === undefined) return file;
  file.on('error', (error) => decoder.destroy(error));
  return file.pipe(decoder);
}

/** All entries of a tar file into a directory, as the image's own paths: for archives that hold a layout. */
export async function unpackArchive(root: string, archive: string): Promise<void> {
  const entries = extract();
  const reading = pipeline(await decompressed(archive), entries);
  const applying = (async () => {
    for await (const entry of entries) {
      const path = inside(root, entry.header.name, { makeParents: true });
      if (relative(root, path) !== '') await make(root, path, { ...entry.header, uid: 0, gid: 0 }, entry);
      entry.resume();
    }
  })();
  try {
    await Promise.all([reading, applying]);
  } catch (error) {
    // tar-stream's words, for a text file too.
    if (!(error instanceof Error) || !/^(Unexpected end of data|Invalid tar header)/.test(error.message)) throw error;
    throw new Error(`no whole tar archive (${error.message}): want an OCI layout or a docker archive`, {
      cause: error,
    });
  }
}
