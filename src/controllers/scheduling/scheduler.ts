/**
 * The scheduler: pods without a node get one. Choosing is synchronous, one pod after the other, so that each choice sees the ones
 * before it; the bindings themselves are written side by side.
 *
 *   pending ──pick──> assumed (counted on its node) ──binding──> seen in the watch
 *      ^                 └── refused: not counted any more, tried again
 *      └── unschedulable <── no node; tried again when a node or a placed pod changes
 */
import type { Binding, Node } from '../../api/gen/types.ts';
import { ApiError, isReason } from '../../api/errors.ts';
import { keyOf, keyText } from '../../api/object.ts';
import type { KubeObject, Live } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import type { Resource } from '../../api/resources.ts';
import { log } from '../../util/log.ts';
import { parseKey, startLoop } from '../context.ts';
import type { ControllerContext } from '../context.ts';
import { semanticEqual } from '../equality.ts';
import { conditionOf, isTerminal } from '../pods.ts';
import type { LivePod } from '../pods.ts';
import { applyWrites, strategicPatch } from '../writes.ts';
import { createSnapshot } from './node-info.ts';
import { pickNode } from './pick.ts';

const logger = log('controllers');
const component = 'default-scheduler';

export function runScheduler(context: ControllerContext): void {
  const { client, signal, views } = context;
  const pods = views.of(resources.pods);
  const nodes = views.of(resources.nodes);
  const namespaces = views.of(resources.namespaces);
  const writer = context.writer(component);
  const snapshot = createSnapshot();
  const pending = new Map<string, LivePod>();
  const unschedulable = new Map<string, LivePod>();
  /** Chosen, not yet seen in the watch: uid → node. */
  const assumed = new Map<string, string>();
  let complete = false;
  let planned = false;
  let start = 0;

  const wake = (): void => {
    if (planned || !complete || signal.aborted) return;
    planned = true;
    setImmediate(schedule);
  };
  const retryAll = (): void => {
    for (const [uid, pod] of unschedulable) pending.set(uid, pod);
    unschedulable.clear();
    if (pending.size > 0) wake();
  };

  const schedule = (): void => {
    planned = false;
    const batch = [...pending.values()].sort(byPriority);
    pending.clear();
    for (const pod of batch) {
      start += 1;
      const labelsOf = (name: string): Live<KubeObject>['metadata'] | undefined =>
        namespaces.get({ namespace: '', name })?.metadata;
      const choice = pickNode(pod, snapshot, start, labelsOf);
      const { uid } = pod.metadata;
      if (choice.kind === 'none') {
        unschedulable.set(uid, pod);
        messages.set(keyText(keyOf(pod)), choice.message);
        reports.add(keyText(keyOf(pod)));
        continue;
      }
      assumed.set(uid, choice.name);
      snapshot.place(pod, choice.name);
      bindings.add(keyText(keyOf(pod)));
    }
  };

  const bind = async (key: string): Promise<void> => {
    const pod = pods.get(parseKey(key));
    const nodeName = pod === undefined ? undefined : assumed.get(pod.metadata.uid);
    if (pod === undefined || nodeName === undefined || (pod.spec?.nodeName ?? '') !== '') return;
    const { name, namespace, uid } = pod.metadata;
    const binding: Binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name, namespace, uid },
      target: { apiVersion: 'v1', kind: 'Node', name: nodeName },
    };
    try {
      await client.create(resources.pods as unknown as Resource<Binding>, binding, { subresource: 'binding' });
      writer.recorder.event(pod, 'Normal', 'Scheduled', `Successfully assigned ${namespace}/${name} to ${nodeName}`);
    } catch (error) {
      unassume(pod);
      if (isReason(error, 'NotFound') || isReason(error, 'Conflict')) return;
      logger.warn({ loop: 'scheduler', key, err: error instanceof ApiError ? error.message : error }, 'binding failed');
      // Another node may do; the queue would only try this one again.
      setTimeout(() => enqueue(pods.get(parseKey(key))), 100).unref();
    }
  };
  const unassume = (pod: LivePod): void => {
    if (!assumed.delete(pod.metadata.uid)) return;
    snapshot.place(pod, undefined);
  };

  const messages = new Map<string, string>();
  const report = async (key: string): Promise<void> => {
    const message = messages.get(key);
    const pod = pods.get(parseKey(key));
    messages.delete(key);
    if (message === undefined || pod === undefined || !unschedulable.has(pod.metadata.uid)) return;
    writer.recorder.event(pod, 'Warning', 'FailedScheduling', message);
    const known = conditionOf(pod, 'PodScheduled');
    if (known?.status === 'False' && known.reason === 'Unschedulable' && known.message === message) return;
    const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    const lastTransitionTime = known?.status === 'False' ? known.lastTransitionTime : now;
    const { generation } = pod.metadata;
    const observed = generation === undefined ? {} : { observedGeneration: generation };
    const reason = 'Unschedulable';
    const condition = { type: 'PodScheduled', status: 'False', reason, message, lastTransitionTime, ...observed };
    await applyWrites(writer, [
      strategicPatch(resources.pods, parseKey(key), { status: { conditions: [condition] } }, 'status'),
    ]);
  };

  const enqueue = (pod: LivePod | undefined): void => {
    if (pod === undefined || !isMine(pod) || assumed.has(pod.metadata.uid)) return;
    unschedulable.delete(pod.metadata.uid);
    pending.set(pod.metadata.uid, pod);
    wake();
  };

  const bindings = startLoop(context, 'scheduler', { views: [pods, nodes], work: bind, concurrency: 16 });
  const reports = startLoop(context, 'scheduler', { views: [pods, nodes], work: report, concurrency: 2 });

  pods.onChange((current, old) => {
    const pod = (current ?? old) as LivePod;
    const { uid } = pod.metadata;
    const nodeName = current?.spec?.nodeName;
    if (current === undefined || (nodeName ?? '') !== '') {
      const wasHere = snapshot.nodeOf(uid) !== undefined;
      assumed.delete(uid);
      pending.delete(uid);
      unschedulable.delete(uid);
      snapshot.place(pod, current === undefined ? undefined : nodeName);
      // Room was made, or a pod that others want to be near has come or changed.
      const matters = current === undefined || isTerminal(current) || !wasHere || labelsChanged(current, old);
      if (matters && unschedulable.size > 0) retryAll();
      return;
    }
    const known = pending.has(uid) || unschedulable.has(uid);
    if (!known || old === undefined || schedulingChanged(current, old)) enqueue(current);
    else if (unschedulable.has(uid)) unschedulable.set(uid, current);
    else pending.set(uid, current);
    if (!isMine(current)) {
      pending.delete(uid);
      unschedulable.delete(uid);
    }
  });
  nodes.onChange((current, old) => {
    if (current === undefined) snapshot.removeNode(old?.metadata.name ?? '');
    else {
      snapshot.setNode(current);
      if (old === undefined || nodeChanged(current, old)) retryAll();
    }
  });
  void Promise.all([pods.synced, nodes.synced, namespaces.synced]).then(() => {
    complete = true;
    retryAll();
  });
}

/** Waiting for a node, from this scheduler, now. */
function isMine({ metadata, spec, status }: LivePod): boolean {
  return (
    (spec?.nodeName ?? '') === '' &&
    metadata.deletionTimestamp === undefined &&
    (spec?.schedulerName ?? component) === component &&
    (spec?.schedulingGates ?? []).length === 0 &&
    status?.phase !== 'Failed' &&
    status?.phase !== 'Succeeded'
  );
}

function byPriority(a: LivePod, b: LivePod): number {
  const difference = (b.spec?.priority ?? 0) - (a.spec?.priority ?? 0);
  if (difference !== 0) return difference;
  return a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1;
}

function labelsChanged(a: LivePod, b: LivePod | undefined): boolean {
  return !semanticEqual(a.metadata.labels, b?.metadata.labels);
}

function schedulingChanged(a: LivePod, b: LivePod): boolean {
  return labelsChanged(a, b) || !semanticEqual(a.spec, b.spec);
}

/** Not its heartbeats. */
function nodeChanged(a: Live<Node>, b: Live<Node>): boolean {
  const ready = ({ status }: Live<Node>): string | undefined =>
    status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  return (
    ready(a) !== ready(b) ||
    !semanticEqual(a.spec, b.spec) ||
    !semanticEqual(a.metadata.labels, b.metadata.labels) ||
    !semanticEqual(a.status?.allocatable, b.status?.allocatable)
  );
}
