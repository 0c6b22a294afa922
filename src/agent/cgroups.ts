/** Whether crun may manage cgroups here: only where the machine has the unified hierarchy alone. */
import { readFileSync } from 'node:fs';

export interface CgroupMode {
  readonly manager: 'cgroupfs' | 'disabled';
  /** Where a hybrid machine has its cgroup2: crun refuses one that has controllers, so monitors unmount it for themselves. */
  readonly unified: string;
}

export function detectCgroups(mounts = readFileSync('/proc/self/mounts', 'utf8')): CgroupMode {
  let unified = '';
  for (const line of mounts.split('\n')) {
    const [, place = '', type] = line.split(' ');
    if (type !== 'cgroup2') continue;
    if (place === '/sys/fs/cgroup') return { manager: 'cgroupfs', unified: '' };
    unified = place;
  }
  return { manager: 'disabled', unified };
}
