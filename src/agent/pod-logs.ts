/** Names of log files, as the kubelet has them: NS_NAME_UID/CONTAINER/RESTARTS.log. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { PodRecord } from './pod-record.ts';

type Named = Pick<PodRecord, 'namespace' | 'name' | 'uid'>;

export function podLogDir(logsDir: string, pod: Named): string {
  return join(logsDir, `${pod.namespace}_${pod.name}_${pod.uid}`);
}

export function logFileOf(logsDir: string, pod: Named, container: string, restartCount: number): string {
  return join(podLogDir(logsDir, pod), container, `${String(restartCount)}.log`);
}

/** This run and the one before it are kept: `kubectl logs --previous`. */
export function dropOldLogs(logsDir: string, pod: Named, container: string, restartCount: number): void {
  const dir = join(podLogDir(logsDir, pod), container);
  for (const name of readdirSync(dir)) {
    if (Number.parseInt(name, 10) < restartCount - 1) rmSync(join(dir, name), { force: true });
  }
}
