/**
 * A machine of one's own for a test that compares the machine before and after: a network and a mount namespace, with empty
 * /run and /var/lib/portolan. Processes, files and kernel are the real machine's.
 *
 *   const sandbox = await openSandbox();
 *   await sandbox.run(['portolan', 'up']);   sandbox.path('/run/netns');   sandbox.close();
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { runCommand } from './run.ts';
import type { Outcome, RunOptions } from './run.ts';

export interface Sandbox {
  run(command: readonly string[], options?: RunOptions): Promise<Outcome>;
  /** Where a path of the sandbox is for us. */
  path(inside: string): string;
  /** Names in a folder of the sandbox; none if it is not there. */
  list(inside: string): readonly string[];
  /** Mount points, as the sandbox sees them. */
  mounts(): readonly string[];
  close(): void;
}

const script = [
  // Mounts of other clusters and of other tests' pods would be listed, and go when these do.
  `awk '$5 ~ "^/(run/netns|run/portolan|var/lib/portolan|tmp|dev/shm)(/|$)" { print $5 }' /proc/self/mountinfo | tac |
    while read -r point; do [ "$point" = /tmp ] || [ "$point" = /dev/shm ] || umount --lazy "$point" 2>/dev/null || true; done`,
  'mount -t tmpfs tmpfs /run',
  'mkdir -p /var/lib/portolan',
  'mount -t tmpfs tmpfs /var/lib/portolan',
  'ip link set lo up',
  'echo ready',
  'exec sleep infinity',
].join('\n');

export async function openSandbox(): Promise<Sandbox> {
  const holder = spawn('unshare', ['--net', '--mount', '--propagation', 'private', 'sh', '-euc', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = (await Promise.race([once(holder.stdout, 'data'), once(holder, 'exit')])) as [unknown];
  if (String(said) !== 'ready\n') throw new Error('no sandbox: unshare --net --mount failed');
  const pid = String(holder.pid);
  const path = (inside: string): string => `/proc/${pid}/root${inside}`;
  return {
    run: (command, options) => runCommand(['nsenter', '--target', pid, '--net', '--mount', '--', ...command], options),
    path,
    list: (inside) => (existsSync(path(inside)) ? readdirSync(path(inside)) : []),
    mounts: () =>
      readFileSync(`/proc/${pid}/mountinfo`, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => line.split(' ')[4] ?? ''),
    close: () => void holder.kill('SIGKILL'),
  };
}
