/**
 * The garbage collector: objects whose owners are gone go too. Upstream: pkg/controller/garbagecollector.
 *
 *   every kind (monitors.ts) ─> graph ─> an object changed: the object; an owner went: its dependents ─> work(uid)
 */
import type { OwnerReference } from '../../api/gen/types.ts';
import { isReason } from '../../api/errors.ts';
import { startLoop } from '../context.ts';
import type { ControllerContext } from '../context.ts';
import { applyWrites } from '../writes.ts';
import { createGraph } from './graph.ts';
import type { GraphNode } from './graph.ts';
import { startMonitors } from './monitors.ts';
import type { OnObject } from './monitors.ts';
import { dropFinalizer, forgetOwners, unblockOwners } from './owner-writes.ts';
import { blocking, foreground, isWaiting, judge, orphan, stateOf } from './plan.ts';
import type { OwnerState } from './plan.ts';

export function runGarbageCollector(context: ControllerContext): void {
  const { client } = context;
  const writer = context.writer('garbage-collector-controller');
  const graph = createGraph();

  const work = async (uid: string): Promise<void> => {
    const node = graph.get(uid);
    if (node === undefined) return;
    if (node.deleting) await finishDeletion(node);
    else if (node.owners.length > 0) await collect(node);
  };

  const collect = async (node: GraphNode): Promise<void> => {
    const states = new Map<string, OwnerState>();
    for (const owner of node.owners) states.set(owner.uid, stateOf(owner, graph) ?? (await askServer(node, owner)));
    const verdict = judge(node, states, graph.dependents(node.uid));
    if (verdict.kind === 'forget') await forgetOwners(writer, node, verdict.owners);
    if (verdict.kind !== 'delete') return;
    if (verdict.unblock) await unblockOwners(writer, node);
    const options = { propagationPolicy: verdict.policy, preconditions: { uid: node.uid } };
    await applyWrites(writer, [{ verb: 'delete', resource: node.resource, key: node.key, options }]);
  };

  const finishDeletion = async (node: GraphNode): Promise<void> => {
    if (node.finalizers.includes(orphan)) {
      for (const dependent of graph.dependents(node.uid)) await forgetOwners(writer, dependent, [node.uid]);
      await dropFinalizer(writer, node, orphan);
      return;
    }
    if (!node.finalizers.includes(foreground)) return;
    const waitingFor = blocking(node.uid, graph);
    if (waitingFor.length === 0) await dropFinalizer(writer, node, foreground);
    // Those that wait themselves go when their own dependents do: to ask them again at once would never end in a circle.
    for (const dependent of waitingFor) if (!isWaiting(dependent)) queue.add(dependent.uid);
  };

  /** Not held: the kind is not watched, or the owner has just been made. Absence is the server's to say. */
  const askServer = async (node: GraphNode, owner: OwnerReference): Promise<OwnerState> => {
    const resource = await monitors.resourceOf(owner);
    // A kind that the server does not know may come back: nothing is deleted for it.
    if (resource === undefined) throw new Error(`owner kind ${owner.apiVersion} ${owner.kind} is unknown`);
    const key = { namespace: resource.namespaced ? node.key.namespace : '', name: owner.name };
    try {
      const live = await client.get(resource, key);
      if (live.metadata.uid !== owner.uid) return 'dangling';
      const { deletionTimestamp, finalizers = [] } = live.metadata;
      return deletionTimestamp !== undefined && finalizers.includes(foreground) ? 'waiting' : 'solid';
    } catch (error) {
      if (isReason(error, 'NotFound')) return 'dangling';
      throw error;
    }
  };

  const onObject: OnObject = (resource, current, old) => {
    if (current !== undefined) {
      const before = graph.get(current.metadata.uid);
      const node = graph.set(resource, current);
      // An owner that it blocked may be free now.
      for (const { uid } of before?.owners ?? []) if (graph.get(uid)?.deleting === true) queue.add(uid);
      if (node.owners.length > 0 || (node.deleting && node.finalizers.length > 0)) queue.add(node.uid);
      return;
    }
    const uid = old?.metadata.uid ?? '';
    const gone = graph.get(uid);
    graph.delete(uid);
    for (const dependent of graph.dependents(uid)) queue.add(dependent.uid);
    // The last dependent to go frees its owner.
    for (const owner of gone?.owners ?? []) if (graph.get(owner.uid)?.deleting === true) queue.add(owner.uid);
  };

  const monitors = startMonitors(context, onObject);
  const queue = startLoop(context, 'garbage-collector', { views: [monitors], work, concurrency: 8 });
}
