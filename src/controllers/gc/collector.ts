/**
 * The garbage collector: objects whose owners are gone go too. It watches the metadata of every kind that the server has, and looks
 * for kinds that came or went now and then.
 *
 *   every kind ─> graph ─> an object changed: the object; an owner went: its dependents ─> work(uid)
 */
import type { OwnerReference } from '../../api/gen/types.ts';
import { isReason } from '../../api/errors.ts';
import type { KubeObject } from '../../api/object.ts';
import { groupResourceOf, groupVersionOf, resources } from '../../api/resources.ts';
import type { Resource } from '../../api/resources.ts';
import { sleep } from '../../util/backoff.ts';
import { log } from '../../util/log.ts';
import { startLoop } from '../context.ts';
import type { ControllerContext } from '../context.ts';
import { discover } from '../discovery.ts';
import type { DiscoveredResource } from '../discovery.ts';
import type { View } from '../view.ts';
import { applyWrites, isNamespaceTerminating, mergePatch, strategicPatch } from '../writes.ts';
import { createGraph } from './graph.ts';
import type { GraphNode } from './graph.ts';
import { blocking, foreground, isWaiting, judge, orphan, stateOf } from './plan.ts';
import type { OwnerState } from './plan.ts';

const logger = log('controllers');
const startDelayMs = 1000;
/** Upstream resyncs its monitors so often. */
const discoveryMs = 30_000;
/** Many, short-lived, and never owned or owning. */
const ignored: ReadonlySet<string> = new Set(['events', 'events.events.k8s.io']);

/** Other loops watch these too, and the server always has them. */
const builtIn: ReadonlySet<string> = new Set(Object.values(resources).map(groupResourceOf));

interface Watched {
  readonly resource: Resource;
  readonly view: View<KubeObject>;
}

export function runGarbageCollector(context: ControllerContext): void {
  const { client, signal, views } = context;
  const writer = context.writer('garbage-collector-controller');
  const graph = createGraph();
  const kinds = new Map<string, Watched>();
  let complete: () => void;
  const synced = new Promise<void>((resolve) => {
    complete = resolve;
  });

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
    if (verdict.kind === 'forget') await forgetOwners(node, verdict.owners);
    if (verdict.kind !== 'delete') return;
    if (verdict.unblock) await unblockOwners(node);
    const options = { propagationPolicy: verdict.policy, preconditions: { uid: node.uid } };
    await applyWrites(writer, [{ verb: 'delete', resource: node.resource, key: node.key, options }]);
  };

  const finishDeletion = async (node: GraphNode): Promise<void> => {
    if (node.finalizers.includes(orphan)) {
      for (const dependent of graph.dependents(node.uid)) await forgetOwners(dependent, [node.uid]);
      await dropFinalizer(node, orphan);
      return;
    }
    if (!node.finalizers.includes(foreground)) return;
    const waitingFor = blocking(node.uid, graph);
    if (waitingFor.length === 0) await dropFinalizer(node, foreground);
    // Those that wait themselves go when their own dependents do: to ask them again at once would never end in a circle.
    for (const dependent of waitingFor) if (!isWaiting(dependent)) queue.add(dependent.uid);
  };

  /** Not held: the kind is not watched, or the owner has just been made. Absence is the server's to say. */
  const askServer = async (node: GraphNode, owner: OwnerReference): Promise<OwnerState> => {
    const { resource } = kinds.get(`${owner.apiVersion} ${owner.kind}`) ?? (await refresh(owner)) ?? {};
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

  const refresh = async (owner: OwnerReference): Promise<Watched | undefined> => {
    await watchAll();
    return kinds.get(`${owner.apiVersion} ${owner.kind}`);
  };

  const forgetOwners = async (node: GraphNode, uids: readonly string[]): Promise<void> => {
    const ownerReferences = node.owners.filter((owner) => !uids.includes(owner.uid));
    const metadata = { uid: node.uid, ownerReferences: uids.map((uid) => ({ $patch: 'delete', uid })) };
    // Custom resources know no strategic merge: their groups are full domain names.
    const builtIn = !node.resource.group.includes('.') || node.resource.group.endsWith('.k8s.io');
    const write = builtIn
      ? strategicPatch(node.resource, node.key, { metadata })
      : mergePatch(node.resource, node.key, { metadata: { uid: node.uid, ownerReferences } });
    await ignoreGone(applyWrites(writer, [write]));
  };

  const unblockOwners = async (node: GraphNode): Promise<void> => {
    const ownerReferences = node.owners.map((owner) => ({ ...owner, blockOwnerDeletion: false }));
    const write = mergePatch(node.resource, node.key, { metadata: { uid: node.uid, ownerReferences } });
    await ignoreGone(applyWrites(writer, [write]));
  };

  const dropFinalizer = async (node: GraphNode, finalizer: string): Promise<void> => {
    const live = await client.get(node.resource, node.key).catch((error: unknown) => {
      if (isReason(error, 'NotFound')) return undefined;
      throw error;
    });
    if (live?.metadata.uid !== node.uid) return;
    const finalizers = (live.metadata.finalizers ?? []).filter((name) => name !== finalizer);
    const metadata = { uid: node.uid, resourceVersion: live.metadata.resourceVersion, finalizers };
    await ignoreGone(applyWrites(writer, [mergePatch(node.resource, node.key, { metadata })]));
  };

  const queue = startLoop(context, 'garbage-collector', { views: [{ synced }], work, concurrency: 8 });

  const watchKind = (resource: DiscoveredResource): View<KubeObject> => {
    const view = views.of<KubeObject>(resource);
    view.onChange((current, old) => {
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
    });
    return view;
  };

  const nameOf = (resource: Resource): string => `${groupVersionOf(resource)} ${resource.kind}`;

  const look = async (): Promise<void> => {
    const { found, failed } = await discover(client);
    const served = new Set(found.map(nameOf));
    for (const [name, { resource }] of kinds) {
      if (served.has(name) || failed.includes(groupVersionOf(resource)) || builtIn.has(groupResourceOf(resource)))
        continue;
      kinds.delete(name);
      views.drop(resource);
    }
    for (const resource of found) {
      const watchable = ['list', 'watch', 'delete'].every((verb) => resource.verbs.includes(verb));
      if (kinds.has(nameOf(resource)) || !watchable || ignored.has(groupResourceOf(resource))) continue;
      kinds.set(nameOf(resource), { resource, view: watchKind(resource) });
    }
  };

  // One after the other: an answer that comes late would undo what a later one said, and drop a kind that has come back.
  let looking = Promise.resolve();
  // Who asked for the earlier one is told of its error; the next one is not.
  const watchAll = (): Promise<void> => (looking = looking.catch(() => undefined).then(look));

  // A kind that is installed now may have owned objects a moment later; one that is gone is not to be asked for again.
  const lookAgain = debounced(() => watchAll());
  views.of(resources.customResourceDefinitions).onChange((current) => {
    const isEstablished = current?.status?.conditions?.some(
      ({ type, status }) => type === 'Established' && status === 'True',
    );
    if (current === undefined || isEstablished === true) lookAgain();
  });

  const keepWatching = async (): Promise<void> => {
    // To watch every kind there is costs a start more than all other loops together, and nothing waits for it.
    await views.synced();
    await sleep(startDelayMs, signal);
    while (!signal.aborted) {
      try {
        await watchAll();
        // Not awaited: a kind that goes before it was listed never is.
        void Promise.all([...kinds.values()].map(({ view }) => view.synced)).then(complete);
        await sleep(discoveryMs, signal);
      } catch (error) {
        logger.debug({ loop: 'garbage-collector', err: String(error) }, 'discovery failed');
        await sleep(500, signal);
      }
    }
  };
  void keepWatching();
}

/** One run at a time; what is asked for meanwhile is one more. */
function debounced(run: () => Promise<void>): () => void {
  let state: 'idle' | 'running' | 'again' = 'idle';
  const loop = async (): Promise<void> => {
    do {
      state = 'running';
      await run().catch((error: unknown) =>
        logger.debug({ loop: 'garbage-collector', err: String(error) }, 'discovery failed'),
      );
    } while (wanted());
    state = 'idle';
  };
  const wanted = (): boolean => state === 'again';
  return () => {
    if (state === 'idle') void loop();
    else state = 'again';
  };
}

async function ignoreGone(call: Promise<void>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isReason(error, 'NotFound') && !isNamespaceTerminating(error)) throw error;
  }
}
