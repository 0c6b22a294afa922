/**
 * NoExecute taints: pods that do not tolerate one are deleted, those that tolerate it for a while when that has passed.
 * Upstream: pkg/controller/tainteviction.
 */
import type { Node, Taint, Toleration } from '../../api/gen/types.ts';
import { keyOf, keyText } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { parseKey, startLoop } from '../context.ts';
import type { ControllerContext } from '../context.ts';
import { isTerminal } from '../pods.ts';
import type { LivePod } from '../pods.ts';
import { semanticEqual } from '../equality.ts';
import { tolerates } from '../scheduling/taints.ts';
import { applyWrites, event, remove, strategicPatch } from '../writes.ts';

/** Milliseconds until the pod must leave, 0: now, undefined: it may stay. */
export function evictionDelay(pod: LivePod, node: Node, now: number): number | undefined {
  let soonest: number | undefined;
  for (const taint of node.spec?.taints ?? []) {
    if (taint.effect !== 'NoExecute') continue;
    const matching = (pod.spec?.tolerations ?? []).filter((toleration) => tolerates(toleration, taint));
    if (matching.length === 0) return 0;
    const seconds = shortest(matching);
    if (seconds === undefined) continue;
    const left = Math.max(0, since(taint, now) + seconds * 1000 - now);
    soonest = Math.min(soonest ?? left, left);
  }
  return soonest;
}

export function runTaintEviction(context: ControllerContext): void {
  const nodes = context.views.of(resources.nodes);
  const pods = context.views.of(resources.pods);
  const podsOn = pods.indexBy((pod) => pod.spec?.nodeName);
  const writer = context.writer('taint-eviction-controller');

  const work = async (key: string): Promise<number | void> => {
    const pod = pods.get(parseKey(key));
    const node = nodes.get({ namespace: '', name: pod?.spec?.nodeName ?? '' });
    if (pod === undefined || node === undefined || isTerminal(pod)) return;
    if (pod.metadata.deletionTimestamp !== undefined) return;
    const delay = evictionDelay(pod, node, Date.now());
    if (delay === undefined) return;
    if (delay > 0) return delay + 1;
    const disruption = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'DeletionByTaintManager',
      message: 'Taint manager: deleting due to NoExecute taint',
      lastTransitionTime: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    };
    await applyWrites(writer, [
      event(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${key}`),
      strategicPatch(resources.pods, parseKey(key), { status: { conditions: [disruption] } }, 'status'),
      remove(resources.pods, pod),
    ]);
  };
  const queue = startLoop(context, 'taint-eviction', { views: [nodes, pods], work, concurrency: 4 });

  nodes.onChange((current, old) => {
    if (current === undefined || semanticEqual(current.spec?.taints, old?.spec?.taints)) return;
    for (const pod of podsOn(current.metadata.name)) queue.add(keyText(keyOf(pod)));
  });
  pods.onChange((current, old) => {
    if (current?.spec?.nodeName === undefined) return;
    const placed = old?.spec?.nodeName !== current.spec.nodeName;
    const changed = !semanticEqual(old?.spec?.tolerations, current.spec.tolerations);
    if (placed || changed) queue.add(keyText(keyOf(current)));
  });
}

/** undefined: for ever. A negative time is none. */
function shortest(tolerations: readonly Toleration[]): number | undefined {
  const limits = tolerations.flatMap(({ tolerationSeconds }) =>
    tolerationSeconds === undefined ? [] : [Math.max(0, tolerationSeconds)],
  );
  return limits.length === 0 ? undefined : Math.min(...limits);
}

function since(taint: Taint, now: number): number {
  const time = Date.parse(taint.timeAdded ?? '');
  return Number.isNaN(time) ? now : time;
}
