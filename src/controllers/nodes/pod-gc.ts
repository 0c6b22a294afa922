/**
 * Pods that nobody will ever finish: on a node that is gone, or terminating without ever having had one. Upstream:
 * pkg/controller/podgc.
 */
import type { Pod, PodCondition } from '../../api/gen/types.ts';
import { keyOf, keyText } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { parseKey, startLoop } from '../context.ts';
import type { ControllerContext } from '../context.ts';
import { isTerminal } from '../pods.ts';
import { isReason } from '../../api/errors.ts';
import { applyWrites, remove, strategicPatch } from '../writes.ts';
import type { Write } from '../writes.ts';

/** Upstream's quarantine: a node that is made again under its name keeps its pods. */
const quarantineMs = 40_000;

export function runPodGc(context: ControllerContext): void {
  const nodes = context.views.of(resources.nodes);
  const pods = context.views.of(resources.pods);
  const podsOn = pods.indexBy((pod) => pod.spec?.nodeName);
  const writer = context.writer('pod-garbage-collector');

  const work = async (key: string): Promise<void> => {
    const pod = pods.get(parseKey(key));
    if (pod === undefined) return;
    const name = pod.spec?.nodeName ?? '';
    const orphaned = name !== '' && nodes.get({ namespace: '', name }) === undefined;
    const unplaced = name === '' && pod.metadata.deletionTimestamp !== undefined;
    if (!orphaned && !unplaced) return;
    if (orphaned && !(await isGone(context, name))) return;
    const writes: Write[] = [];
    if (!isTerminal(pod)) {
      // Whoever counts it (a job) has to learn that it ended.
      const patch = { status: { phase: 'Failed', ...(orphaned ? { conditions: [disrupted()] } : {}) } };
      writes.push(strategicPatch(resources.pods, keyOf(pod as Pod), patch, 'status'));
    }
    writes.push(remove(resources.pods, pod, { gracePeriodSeconds: 0 }));
    await applyWrites(writer, writes);
  };
  const queue = startLoop(context, 'pod-gc', { views: [nodes, pods], work, concurrency: 4 });

  nodes.onChange((current, old) => {
    if (current !== undefined) return;
    for (const pod of podsOn(old?.metadata.name ?? '')) queue.addAfter(keyText(keyOf(pod)), quarantineMs);
  });
  pods.onChange((current) => {
    if (current === undefined) return;
    const name = current.spec?.nodeName ?? '';
    if (name === '' && current.metadata.deletionTimestamp !== undefined) queue.add(keyText(keyOf(current)));
    else if (name !== '' && nodes.get({ namespace: '', name }) === undefined) {
      queue.addAfter(keyText(keyOf(current)), quarantineMs);
    }
  });
}

function disrupted(): PodCondition {
  return {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'DeletionByPodGC',
    message: 'PodGC: node no longer exists',
    lastTransitionTime: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
  };
}

/** Asked of the server itself: to delete is for good. */
async function isGone({ client }: ControllerContext, name: string): Promise<boolean> {
  try {
    await client.get(resources.nodes, { namespace: '', name });
    return false;
  } catch (error) {
    if (isReason(error, 'NotFound')) return true;
    throw error;
  }
}
