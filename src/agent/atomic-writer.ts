/**
 * Writes the files of a volume so that a reader never sees half an update.
 * Upstream: pkg/volume/util/atomic_writer.go, whose layout programs rely on:
 *
 *   volume/..2026_11_23_08_00_00.123/key      the files of this version
 *   volume/..data -> ..2026_…                 switched by rename
 *   volume/key -> ..data/key
 */
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
} from 'node:fs';
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

export interface VolumeFile {
  readonly path: string;
  readonly data: Buffer;
  readonly mode: number;
  /** Where it is not the volume's. */
  readonly uid?: number;
}

export interface FileOwner {
  readonly uid?: number;
  readonly gid?: number;
}

/** False: it was like that already. */
export function writeAtomically(dir: string, files: readonly VolumeFile[], owner: FileOwner = {}): boolean {
  mkdirSync(dir, { recursive: true, mode: 0o755 });
  for (const file of files) checkPath(file.path);
  const current = readLink(join(dir, '..data'));
  if (current !== undefined && isSame(join(dir, current), files)) return false;
  const version = `..${new Date().toISOString().replaceAll(/[-:T]/g, '_').replace('Z', '')}.${String(process.hrtime.bigint() % 1_000_000n)}`;
  mkdirSync(join(dir, version), { mode: 0o755 });
  for (const file of files) writeFile(join(dir, version), file, owner);
  symlinkSync(version, join(dir, '..data_tmp'));
  renameSync(join(dir, '..data_tmp'), join(dir, '..data'));
  linkTopLevel(dir, files);
  if (current !== undefined) rmSync(join(dir, current), { recursive: true, force: true });
  return true;
}

function writeFile(base: string, file: VolumeFile, owner: FileOwner): void {
  const path = join(base, file.path);
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  writeFileSync(path, file.data);
  chmodSync(path, file.mode);
  const uid = file.uid ?? owner.uid;
  if (uid !== undefined || owner.gid !== undefined) chownSync(path, uid ?? 0, owner.gid ?? 0);
}

function linkTopLevel(dir: string, files: readonly VolumeFile[]): void {
  const names = new Set(files.map((file) => normalize(file.path).split('/')[0] ?? ''));
  for (const name of readdirSync(dir))
    if (!name.startsWith('..') && !names.has(name)) rmSync(join(dir, name), { force: true });
  for (const name of names) {
    if (readLink(join(dir, name)) === undefined) symlinkSync(join('..data', name), join(dir, name));
  }
}

/** Object keys and `items[].path` come from users. */
function checkPath(path: string): void {
  const parts = normalize(path).split('/');
  if (path === '' || path.startsWith('/') || parts.includes('..') || (parts[0] ?? '').startsWith('..')) {
    throw new Error(`invalid path in volume: "${path}"`);
  }
}

function isSame(version: string, files: readonly VolumeFile[]): boolean {
  try {
    if (countFiles(version) !== new Set(files.map((file) => normalize(file.path))).size) return false;
    return files.every((file) => readFileSync(join(version, file.path)).equals(file.data));
  } catch {
    return false;
  }
}

function countFiles(dir: string): number {
  return readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length;
}

function readLink(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch {
    return undefined;
  }
}
