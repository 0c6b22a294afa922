/**
 * What a killed test left: its network namespaces, and what still runs in them. Tests name theirs `t-SUBJECT-PID-…` after their
 * own process, so that one whose process is gone is nobody's.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';

const NETNS = '/run/netns';

export function removeLeftovers(): void {
  const names = existsSync(NETNS) ? readdirSync(NETNS) : [];
  for (const name of names.filter(isOrphaned)) {
    try {
      for (const pid of processesIn(name)) process.kill(pid, 'SIGKILL');
      execFileSync('ip', ['netns', 'del', name], { stdio: 'ignore' });
    } catch {
      // Somebody else was quicker: another run of the tests beside this one.
    }
  }
}

export function isOrphaned(name: string): boolean {
  const pid = /^t-[a-z-]+-(\d+)(?:-|$)/.exec(name)?.[1];
  return pid !== undefined && !existsSync(`/proc/${pid}`);
}

function processesIn(name: string): number[] {
  const text = execFileSync('ip', ['netns', 'pids', name], { encoding: 'utf8' });
  return text.split('\n').filter(Boolean).map(Number);
}
