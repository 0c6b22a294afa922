/**
 * Volumes that are file systems of their own, below runDir/pods/UID. They are mounted before the pod's containers get their mount
 * namespaces, which take them over, and go with the pod.
 *
 *   emptyDir, medium Memory ─ tmpfs, no larger than sizeLimit, the pod's memory limit or the node allow
 *   image                   ─ overlay of the image's layers, which nobody can write nor execute
 *
 * Upstream: pkg/volume/emptydir, pkg/volume/image.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { EmptyDirVolumeSource, Pod } from '../api/gen/types.ts';
import { run, tryRun } from './command.ts';
import { parseQuantity } from './quantity.ts';

/** Mounted once; what is in it outlives the agent. */
export async function mountMemory(place: string, bytes: number): Promise<boolean> {
  if (isMounted(place)) return false;
  mkdirSync(place, { recursive: true });
  await run('mount', ['-t', 'tmpfs', '-o', `size=${String(bytes)},mode=0777`, 'tmpfs', place]);
  return true;
}

export async function mountImage(place: string, layers: () => Promise<readonly string[]>): Promise<void> {
  if (isMounted(place)) return;
  // Without an upper directory overlayfs wants two lower ones.
  const none = `${place}.none`;
  const lower = [...(await layers()), none].map((dir) => dir.replaceAll(/[\\:,]/g, '\\$&'));
  for (const dir of [place, none]) mkdirSync(dir, { recursive: true });
  await run('mount', ['-t', 'overlay', '-o', `ro,noexec,lowerdir=${lower.join(':')}`, 'overlay', place]);
}

/** All of one pod. */
export async function unmountVolumes(dir: string): Promise<void> {
  for (const name of existsSync(dir) ? readdirSync(dir) : []) {
    const place = join(dir, name);
    // Lazily: a container that is just ending may still have a file open.
    if (isMounted(place)) await tryRun('umount', ['--lazy', place]);
  }
  rmSync(dir, { recursive: true, force: true });
}

/** Bytes. Upstream: calculateEmptyDirMemorySize. */
export function memorySize(pod: Pod, { sizeLimit }: EmptyDirVolumeSource, nodeBytes: number): number {
  const wishes = [podLimit(pod), parseQuantity(sizeLimit)];
  return Math.min(nodeBytes, ...wishes.filter((bytes) => bytes !== undefined && bytes > 0).map(Number));
}

/** undefined: one of its containers may have as much as there is. */
function podLimit({ spec }: Pod): number | undefined {
  const limits = (spec?.containers ?? []).map(({ resources }) => parseQuantity(resources?.limits?.['memory']));
  return limits.reduce<number | undefined>(
    (sum, limit) => (sum === undefined || limit === undefined ? undefined : sum + limit),
    0,
  );
}

function isMounted(place: string): boolean {
  return existsSync(place) && statSync(place).dev !== statSync(dirname(place)).dev;
}
