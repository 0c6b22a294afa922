/**
 * Local storage that a pod may use: the writable layers of its containers with their logs, and its emptyDirs.
 * Upstream: pkg/kubelet/eviction/eviction_manager.go (localStorageEviction; its words).
 */
import { join } from 'node:path';
import type { Pod } from '../api/gen/types.ts';
import { tryRun } from './command.ts';
import type { NodeContext } from './node-context.ts';
import { podLogDir } from './pod-logs.ts';
import type { PodRecord } from './pod-record.ts';
import { parseQuantity } from './quantity.ts';

const resource = 'ephemeral-storage';

export function hasStorageLimits(pod: Pod): boolean {
  const { containers = [], volumes = [] } = pod.spec ?? {};
  return (
    containers.some(({ resources }) => resources?.limits?.[resource] !== undefined) ||
    volumes.some(({ emptyDir }) => emptyDir?.sizeLimit !== undefined)
  );
}

/** Why the pod must go; undefined: it may stay. */
export async function storageExcess(context: NodeContext, pod: Pod, record: PodRecord): Promise<string | undefined> {
  for (const { name, emptyDir } of pod.spec?.volumes ?? []) {
    const limit = parseQuantity(emptyDir?.sizeLimit);
    if (limit === undefined || emptyDir?.medium === 'Memory') continue;
    const used = await usedBytes([join(context.records.dir(record.uid), 'volumes', name)]);
    if (used > limit)
      return `Usage of EmptyDir volume ${JSON.stringify(name)} exceeds the limit "${String(emptyDir?.sizeLimit)}". `;
  }
  for (const { name, resources } of pod.spec?.containers ?? []) {
    const limit = parseQuantity(resources?.limits?.[resource]);
    const id = record.containers[name]?.id;
    if (limit === undefined || id === undefined) continue;
    const layer = join(context.paths.containers, id, 'upper');
    const logs = join(podLogDir(context.paths.logs, record), name);
    if ((await usedBytes([layer, logs])) > limit)
      return `Container ${name} exceeded its local ephemeral storage limit "${String(resources?.limits?.[resource])}". `;
  }
  return undefined;
}

async function usedBytes(dirs: readonly string[]): Promise<number> {
  const { stdout } = await tryRun('du', ['-skxc', ...dirs], { timeoutMs: 30_000 });
  return Number(/^(\d+)\ttotal$/m.exec(stdout)?.[1] ?? 0) * 1024;
}
