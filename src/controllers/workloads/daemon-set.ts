/** The DaemonSet loop: a set, one of its pods or a node changes ─> the plan of daemon-set-plan.ts, history, status. */
import type { DaemonSet, Node } from '../../api/gen/types.ts';
import { keyOf, keyText } from '../../api/object.ts';
import type { Live } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { parseKey, startLoop } from '../context.ts';
import type { ControllerContext } from '../context.ts';
import { semanticEqual } from '../equality.ts';
import { controllerOf } from '../owners.ts';
import { applyWrite, applyWrites, isNamespaceTerminating, mergePatch, remove } from '../writes.ts';
import { claim } from './claim.ts';
import { daemonPod, daemonStatus, nextDaemonCheck, planDaemons } from './daemon-set-plan.ts';
import type { DaemonInput, LiveDaemonSet } from './daemon-set-plan.ts';
import { createHistory, hashOf, revisionHashLabel } from './history.ts';
import type { HistoryOwner } from './history.ts';
import { createPod, deletePod, settled, slowStart } from './pod-control.ts';

export function runDaemonSets(context: ControllerContext): void {
  const sets = context.views.of(resources.daemonSets);
  const pods = context.views.of(resources.pods);
  const nodes = context.views.of(resources.nodes);
  const revisionsView = context.views.of(resources.controllerRevisions);
  const podsOf = pods.indexBy((pod) => controllerOf(pod)?.uid);
  const orphans = pods.indexBy((pod) => (controllerOf(pod) === undefined ? pod.metadata.namespace : undefined));
  const writer = context.writer('daemonset-controller');
  const history = createHistory(context, writer);

  const work = async (key: string): Promise<number | void> => {
    const set = sets.get(parseKey(key));
    if (set === undefined || set.metadata.deletionTimestamp !== undefined) return;
    const owner = { object: set, apiVersion: 'apps/v1', kind: 'DaemonSet' as const, selector: set.spec?.selector };
    const candidates = [...podsOf(set.metadata.uid), ...orphans(set.metadata.namespace ?? '')];
    const claimed = claim(resources.pods, owner, candidates);
    await applyWrites(writer, claimed.writes);
    const recorded: HistoryOwner = { ...owner, template: set.spec?.template };
    const revisions = await history.list(recorded);
    const current = await history.current(recorded, revisions);
    const hash = hashOf(current);
    const inputNow = (): DaemonInput => {
      const owned = podsOf(set.metadata.uid);
      return { set, pods: owned, nodes: [...nodes.list()], hash, now: Date.now() };
    };
    let cause: Error | undefined;
    try {
      await act(inputNow());
    } catch (error) {
      cause = error instanceof Error ? error : new Error(String(error));
    }
    await writeStatus(inputNow());
    const used = new Set(podsOf(set.metadata.uid).map((pod) => pod.metadata.labels?.[revisionHashLabel] ?? ''));
    const usedNames = new Set(revisions.filter((one) => used.has(hashOf(one))).map(({ metadata }) => metadata.name));
    await history.truncate(revisions, usedNames.add(current.metadata.name), set.spec?.revisionHistoryLimit ?? 10);
    if (cause !== undefined && !isNamespaceTerminating(cause)) throw cause;
    return nextDaemonCheck(inputNow());
  };

  const act = async (input: DaemonInput): Promise<void> => {
    const { set, hash } = input;
    const plan = planDaemons(input);
    for (const pod of plan.ended) {
      const failed = pod.status?.phase === 'Failed';
      const where = `daemon pod ${pod.metadata.namespace}/${pod.metadata.name} on node ${pod.spec?.nodeName ?? ''}`;
      if (failed)
        writer.recorder.event(set, 'Warning', 'FailedDaemonPod', `Found failed ${where}, will try to kill it`);
      else
        writer.recorder.event(set, 'Normal', 'SucceededDaemonPod', `Found succeeded ${where}, will try to delete it`);
      await applyWrite(writer, remove(resources.pods, pod));
    }
    await slowStart(plan.create.length, (index) =>
      createPod(writer, set, daemonPod(set, set.spec?.template ?? {}, hash, plan.create[index] ?? '')),
    );
    await settled(plan.remove.map((pod) => deletePod(writer, set, pod)));
  };

  const writeStatus = async (input: DaemonInput): Promise<void> => {
    const { set } = input;
    const status = daemonStatus(input);
    const { conditions: _conditions, collisionCount: _collisions, ...known } = sets.get(keyOf(set))?.status ?? {};
    const zeros = { observedGeneration: 0, updatedNumberScheduled: 0, numberAvailable: 0, numberUnavailable: 0 };
    if (semanticEqual({ ...zeros, ...known }, status)) return;
    await applyWrites(writer, [mergePatch(resources.daemonSets, keyOf(set), { status }, 'status')]);
  };

  const queue = startLoop(context, 'daemonset', {
    views: [sets, pods, nodes, revisionsView],
    work,
    concurrency: 2,
  });
  const add = (set: Live<DaemonSet>): void => queue.add(keyText(keyOf(set)));
  sets.onChange((current, old) => add((current ?? old) as LiveDaemonSet));
  pods.onChange((current, old) => {
    for (const pod of [current, old]) {
      const owner = pod === undefined ? undefined : controllerOf(pod);
      if (owner?.kind === 'DaemonSet') queue.add(`${pod?.metadata.namespace}/${owner.name}`);
    }
  });
  nodes.onChange((current, old) => {
    if (current !== undefined && old !== undefined && !nodeChanged(current, old)) return;
    for (const set of sets.list()) add(set);
  });
}

/** Not its heartbeats. */
function nodeChanged(a: Live<Node>, b: Live<Node>): boolean {
  const ready = ({ status }: Live<Node>): string | undefined =>
    status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  return (
    ready(a) !== ready(b) ||
    !semanticEqual(a.spec?.taints, b.spec?.taints) ||
    a.spec?.unschedulable !== b.spec?.unschedulable ||
    !semanticEqual(a.metadata.labels, b.metadata.labels)
  );
}
