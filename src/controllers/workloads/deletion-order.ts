/**
 * Which pods go first when there are too many. Upstream: ActivePodsWithRanks in pkg/controller/controller_utils.go.
 *
 *   not assigned < assigned · Pending < Unknown < Running · not ready < ready · lower deletion cost · more doubled up on
 *   its node · ready for a shorter time · more restarts · younger
 */
import { conditionOf, isReady, restartCount } from '../pods.ts';
import type { LivePod } from '../pods.ts';

const phases: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

export function podsToDelete(pods: readonly LivePod[], count: number): LivePod[] {
  const perNode = new Map<string, number>();
  for (const pod of pods) {
    const node = pod.spec?.nodeName ?? '';
    perNode.set(node, (perNode.get(node) ?? 0) + 1);
  }
  return [...pods].sort((a, b) => compare(a, b, perNode)).slice(0, count);
}

function compare(a: LivePod, b: LivePod, perNode: ReadonlyMap<string, number>): number {
  const nodeA = a.spec?.nodeName ?? '';
  const nodeB = b.spec?.nodeName ?? '';
  return (
    Number(nodeA !== '') - Number(nodeB !== '') ||
    (phases[a.status?.phase ?? ''] ?? 0) - (phases[b.status?.phase ?? ''] ?? 0) ||
    Number(isReady(a)) - Number(isReady(b)) ||
    cost(a) - cost(b) ||
    (perNode.get(nodeB) ?? 0) - (perNode.get(nodeA) ?? 0) ||
    later(readySince(a), readySince(b)) ||
    restartCount(b) - restartCount(a) ||
    later(a.metadata.creationTimestamp, b.metadata.creationTimestamp)
  );
}

/** Negative when a is the younger: it goes first. */
function later(a: string, b: string): number {
  return a > b ? -1 : a < b ? 1 : 0;
}

function readySince(pod: LivePod): string {
  return isReady(pod) ? (conditionOf(pod, 'Ready')?.lastTransitionTime ?? '') : '';
}

function cost(pod: LivePod): number {
  const text = pod.metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost'];
  const value = Number(text ?? 0);
  return Number.isInteger(value) ? value : 0;
}
