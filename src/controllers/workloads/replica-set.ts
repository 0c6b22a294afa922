/**
 * The ReplicaSet loop: a set or one of its pods changes ─> claim the pods, make or delete some, write the status.
 */
import type { Pod, ReplicaSet } from '../../api/gen/types.ts';
import { keyOf, keyText } from '../../api/object.ts';
import type { Live } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { labelSelectorMatches } from '../../api/selectors/index.ts';
import { parseKey, startLoop } from '../context.ts';
import type { ControllerContext } from '../context.ts';
import { controllerOf } from '../owners.ts';
import type { LivePod } from '../pods.ts';
import type { View } from '../view.ts';
import { applyWrite, applyWrites, isNamespaceTerminating, mergePatch, remove } from '../writes.ts';
import type { Writer } from '../writes.ts';
import { claim } from './claim.ts';
import { nextAvailability, planReplicas, planStatus, podFromTemplate } from './replica-set-plan.ts';
import type { Failure, LiveReplicaSet } from './replica-set-plan.ts';

export function runReplicaSets(context: ControllerContext): void {
  const sets = context.views.of(resources.replicaSets);
  const pods = context.views.of(resources.pods);
  const podsOf = pods.indexBy((pod) => controllerOf(pod)?.uid);
  const orphans = pods.indexBy((pod) => (controllerOf(pod) === undefined ? pod.metadata.namespace : undefined));
  const writer = context.writer('replicaset-controller');

  const work = async (key: string): Promise<number | void> => {
    const set = sets.get(parseKey(key));
    if (set === undefined) return;
    const owner = { object: set, apiVersion: 'apps/v1', kind: 'ReplicaSet', selector: set.spec?.selector };
    const candidates = [...podsOf(set.metadata.uid), ...orphans(set.metadata.namespace ?? '')];
    const claimed = claim(resources.pods, owner, candidates);
    await applyWrites(writer, claimed.writes);
    let failure: Failure | undefined;
    let cause: Error | undefined;
    if (set.metadata.deletionTimestamp === undefined) {
      try {
        await manage(writer, set, claimed.owned);
      } catch (error) {
        cause = error instanceof Error ? error : new Error(String(error));
        failure = failureOf(set, claimed.owned, error);
      }
    }
    const now = Date.now();
    const owned = ownedNow(set, [...podsOf(set.metadata.uid), ...orphans(set.metadata.namespace ?? '')]);
    const status = planStatus(sets.get(parseKey(key)) ?? set, owned, failure, now);
    if (status !== undefined) {
      // The generation is of the set that was acted upon, which the status must not outrun.
      const patch = { status: { ...status, observedGeneration: set.metadata.generation } };
      await applyWrites(writer, [mergePatch(resources.replicaSets, keyOf(set as ReplicaSet), patch, 'status')]);
    }
    if (cause !== undefined && !isNamespaceTerminating(cause)) throw cause;
    return nextAvailability(set, owned, now);
  };
  const queue = startLoop(context, 'replicaset', { views: [sets, pods], work, concurrency: 5 });

  sets.onChange((current, old) => queue.add(keyText(keyOf((current ?? old) as object))));
  pods.onChange((current, old) => {
    for (const pod of [current, old]) {
      const owner = pod === undefined ? undefined : controllerOf(pod);
      if (owner?.kind === 'ReplicaSet') queue.add(`${pod?.metadata.namespace}/${owner.name}`);
    }
    if (current !== undefined && controllerOf(current) === undefined) {
      for (const key of wouldAdopt(sets, current)) queue.add(key);
    }
  });
}

/** Slow start as upstream's: 1, 2, 4, … at a time, so that a refusal is met once and not five hundred times. */
async function manage(writer: Writer, set: LiveReplicaSet, pods: readonly LivePod[]): Promise<void> {
  const { missing, surplus } = planReplicas(set, pods);
  for (let made = 0, batch = 1; made < missing; batch *= 2) {
    const size = Math.min(batch, missing - made);
    await settled(Array.from({ length: size }, () => createPod(writer, set)));
    made += size;
  }
  await settled(surplus.map((pod) => deletePod(writer, set, pod)));
}

async function createPod(writer: Writer, set: LiveReplicaSet): Promise<void> {
  try {
    const object = podFromTemplate(set);
    const pod = await applyWrite(writer, { verb: 'create', resource: resources.pods, object });
    if (pod === undefined) return;
    writer.recorder.event(set, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
  } catch (error) {
    writer.recorder.event(set, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`);
    throw error;
  }
}

async function deletePod(writer: Writer, set: LiveReplicaSet, pod: LivePod): Promise<void> {
  try {
    await applyWrite(writer, remove<Pod>(resources.pods, pod));
    writer.recorder.event(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
  } catch (error) {
    writer.recorder.event(set, 'Warning', 'FailedDelete', `Error deleting: ${messageOf(error)}`);
    throw error;
  }
}

/** All of them end; then the first error, if there was one. */
async function settled(calls: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(calls);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason as Error;
}

function ownedNow(set: LiveReplicaSet, candidates: readonly LivePod[]): LivePod[] {
  return candidates.filter(
    (pod) =>
      controllerOf(pod)?.uid === set.metadata.uid && labelSelectorMatches(set.spec?.selector, pod.metadata.labels),
  );
}

function failureOf(set: LiveReplicaSet, pods: readonly LivePod[], error: unknown): Failure {
  const { missing } = planReplicas(set, pods);
  return { reason: missing > 0 ? 'FailedCreate' : 'FailedDelete', message: messageOf(error) };
}

function wouldAdopt(sets: View<ReplicaSet>, pod: Live<Pod>): string[] {
  if (pod.metadata.deletionTimestamp !== undefined || pod.metadata.labels === undefined) return [];
  const matching: string[] = [];
  for (const set of sets.list(pod.metadata.namespace)) {
    if (labelSelectorMatches(set.spec?.selector, pod.metadata.labels)) matching.push(keyText(keyOf(set)));
  }
  return matching;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
