/**
 * The first `ip netns add` after boot makes a mount of /run/netns. If a cluster of ours was that first one, the last `down`
 * takes it away again, so that nothing is left behind.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mountsBelow } from './leftovers.ts';
import { runRoot } from './paths.ts';
import { run } from './run.ts';

const folder = '/run/netns';
const mark = join(runRoot, 'made-netns-mount');

export function rememberNetnsMount(): void {
  if (mountsBelow([folder]).includes(folder)) return;
  mkdirSync(runRoot, { recursive: true });
  writeFileSync(mark, '');
}

export async function forgetNetnsMount(): Promise<void> {
  if (!existsSync(mark) || (existsSync(folder) && readdirSync(folder).length > 0)) return;
  // `ip` mounts it once for each time it found it not shared, so there may be more than one.
  while (mountsBelow([folder]).includes(folder)) await run('umount', [folder]);
  if (existsSync(folder)) rmdirSync(folder);
  rmSync(mark, { force: true });
}
