/** Whether any process of the machine has this directory as a layer of its root: each container's mounts are its own to see. */
import { readdir, readFile } from 'node:fs/promises';

export async function isInUse(dir: string): Promise<boolean> {
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    // A process that ended meanwhile uses nothing.
    const mounts = await readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => '');
    if (mounts.includes(dir)) return true;
  }
  return false;
}
