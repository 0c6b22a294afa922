/**
 * `portolan.local/host`: this machine's own root as an image, so that any program installed here runs as a pod.
 *
 *   container's overlay:  upper (private; begins as a copy of the seed: whiteouts of what is secret) ── / (read only)
 *
 * The whiteouts are in the upper layer because overlayfs refuses a lower directory inside another ("overlapping lowerdir").
 * overlayfs shows one file system only: /proc, /sys, /dev and everything else that is mounted below / is not in it.
 */
import { execFile } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { normalizeReference } from './reference.ts';
import type { Image } from './types.ts';

const HOST_IMAGE = 'portolan.local/host';

/** Any tag, no digest. */
export function isHostImage(reference: string): boolean {
  const name = reference.replace(/:[^:/]*$/, '');
  return name === HOST_IMAGE;
}

const emptyDigest = `sha256:${'0'.repeat(64)}`;

export function hostImage(reference: string): Image {
  return {
    id: emptyDigest,
    digest: emptyDigest,
    references: [normalizeReference(reference)],
    size: 0,
    added: new Date(0).toISOString(),
    config: { Cmd: ['sh'] },
  };
}

/** What no pod may read through this image, whoever runs the agent. */
const alwaysHidden = [
  '/root/.kube',
  '/root/.ssh',
  '/root/.aws',
  '/root/.docker',
  '/root/.gnupg',
  '/root/.netrc',
  '/root/.npmrc',
  '/etc/shadow',
  '/etc/shadow-',
  '/etc/gshadow',
  '/etc/gshadow-',
  '/etc/ssh',
];

/**
 * Makes the seed of whiteouts in `dir`, anew. A whiteout hides for good: whatever a container unmounts, removes or makes in
 * its place, the path below does not come back.
 */
export async function hostSeed(dir: string, hidden: readonly string[]): Promise<void> {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  copyOwner('/', dir);
  const whiteouts: string[] = [];
  const wanted = [...new Set([...alwaysHidden, ...hidden].map(realPath))].sort();
  for (const path of wanted) {
    // A path that does not exist yet (a kubeconfig to be written) is hidden too, where its directory is there.
    if (path === '/' || !existsSync(dirname(path))) continue;
    if (whiteouts.some((covered) => join(dir, path).startsWith(`${covered}/`))) continue;
    copyParents(dir, dirname(path));
    whiteouts.push(join(dir, path));
  }
  // Node has no mknod.
  for (const path of whiteouts) await promisify(execFile)('mknod', ['-m', '000', path, 'c', '0', '0']);
}

/** Through symbolic links, as far as it exists. */
function realPath(path: string): string {
  if (path === '/' || existsSync(path)) return realpathSync(path);
  return join(realPath(dirname(path)), basename(path));
}

/** A merged directory shows the attributes of its uppermost layer. */
function copyParents(dir: string, path: string): void {
  if (path === '/' || existsSync(join(dir, path))) return;
  copyParents(dir, dirname(path));
  mkdirSync(join(dir, path));
  copyOwner(path, join(dir, path));
}

function copyOwner(from: string, to: string): void {
  const { uid, gid, mode } = statSync(from);
  chownSync(to, uid, gid);
  chmodSync(to, mode & 0o7777);
}

const programTypes = new Set(['ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'f2fs', 'zfs', 'erofs', 'squashfs']);

/** File systems of their own that hold programs (/usr, /opt, …): bound read-only into the container. */
export function hostSubmounts(mounts = readFileSync('/proc/self/mounts', 'utf8')): string[] {
  const places = mounts.split('\n').map((line) => line.split(' '));
  return places
    .filter(([, place = '', type = '']) => /^\/(usr|opt|nix|srv)(\/|$)/.test(place) && programTypes.has(type))
    .map(([, place = '']) => place.replaceAll('\\040', ' '));
}
