/**
 * The ReplicaSet loop, which is the ReplicationController loop too: a set or one of its pods changes ─> claim the pods, make or delete some, write the status.
 */
import type { Pod, ReplicaSet, ReplicationController } from '../../api/gen/types.ts';
import { keyOf, keyText } from '../../api/object.ts';
import type { KubeObject, Live } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import type { Resource } from '../../api/resources.ts';
import { labelSelectorMatches } from '../../api/selectors/index.ts';
import { parseKey, startLoop } from '../context.ts';
import type { ControllerContext } from '../context.ts';
import { controllerOf } from '../owners.ts';
import type { LivePod } from '../pods.ts';
import type { View } from '../view.ts';
import { applyWrites, isNamespaceTerminating, mergePatch } from '../writes.ts';
import type { Writer } from '../writes.ts';
import { claim } from './claim.ts';
import { createPod, deletePod, messageOf, settled, slowStart } from './pod-control.ts';
import { nextAvailability, planReplicas, planStatus, podFromTemplate } from './replica-set-plan.ts';
import type { Failure, LiveReplicaSet } from './replica-set-plan.ts';

/** ReplicaSets, and ReplicationControllers, which are ReplicaSets with a plainer selector. Upstream's adapter does the same. */
interface Form<T extends KubeObject> {
  readonly loop: string;
  readonly component: string;
  readonly resource: Resource<T>;
  readonly apiVersion: string;
  readonly kind: string;
  readonly asSet: (object: Live<T>) => LiveReplicaSet;
}

export function runReplicaSets(context: ControllerContext): void {
  run<ReplicaSet>(context, {
    loop: 'replicaset',
    component: 'replicaset-controller',
    resource: resources.replicaSets,
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    asSet: (set) => set,
  });
}

export function runReplicationControllers(context: ControllerContext): void {
  run<ReplicationController>(context, {
    loop: 'replicationcontroller',
    component: 'replication-controller',
    resource: resources.replicationControllers,
    apiVersion: 'v1',
    kind: 'ReplicationController',
    asSet: ({ spec, ...controller }) => {
      const { selector, template = {}, ...rest } = spec ?? {};
      const matchLabels = selector ?? {};
      return { ...controller, spec: { ...rest, template, selector: { matchLabels } } };
    },
  });
}

/** What the helpers below need of a loop. */
interface Loop {
  readonly writer: Writer;
  readonly owner: { readonly apiVersion: string; readonly kind: string };
}

function run<T extends KubeObject>(context: ControllerContext, form: Form<T>): void {
  const objects = context.views.of(form.resource);
  const pods = context.views.of(resources.pods);
  const podsOf = pods.indexBy((pod) => controllerOf(pod)?.uid);
  const orphans = pods.indexBy((pod) => (controllerOf(pod) === undefined ? pod.metadata.namespace : undefined));
  const writer = context.writer(form.component);
  const loop: Loop = { writer, owner: form };
  const find = (key: string): LiveReplicaSet | undefined => {
    const found = objects.get(parseKey(key));
    return found === undefined ? undefined : form.asSet(found);
  };

  const work = async (key: string): Promise<number | void> => {
    const set = find(key);
    if (set === undefined) return;
    const owner = { object: set, apiVersion: form.apiVersion, kind: form.kind, selector: set.spec?.selector };
    const candidates = [...podsOf(set.metadata.uid), ...orphans(set.metadata.namespace ?? '')];
    const claimed = claim(resources.pods, owner, candidates);
    await applyWrites(writer, claimed.writes);
    let failure: Failure | undefined;
    let cause: Error | undefined;
    if (set.metadata.deletionTimestamp === undefined) {
      try {
        await manage(loop, set, claimed.owned);
      } catch (error) {
        cause = error instanceof Error ? error : new Error(String(error));
        failure = failureOf(set, claimed.owned, error);
      }
    }
    const now = Date.now();
    const owned = ownedNow(set, [...podsOf(set.metadata.uid), ...orphans(set.metadata.namespace ?? '')]);
    const status = planStatus(find(key) ?? set, owned, failure, now);
    if (status !== undefined) {
      // The generation is of the set that was acted upon, which the status must not outrun.
      const patch = { status: { ...status, observedGeneration: set.metadata.generation } };
      await applyWrites(writer, [mergePatch(form.resource, keyOf(set as KubeObject), patch, 'status')]);
    }
    if (cause !== undefined && !isNamespaceTerminating(cause)) throw cause;
    return nextAvailability(set, owned, now);
  };
  const queue = startLoop(context, form.loop, { views: [objects, pods], work, concurrency: 5 });

  objects.onChange((current, old) => queue.add(keyText(keyOf((current ?? old) as KubeObject))));
  pods.onChange((current, old) => {
    for (const pod of [current, old]) {
      const owner = pod === undefined ? undefined : controllerOf(pod);
      if (owner?.kind === form.kind) queue.add(`${pod?.metadata.namespace}/${owner.name}`);
    }
    if (current !== undefined && controllerOf(current) === undefined) {
      for (const key of wouldAdopt(objects, form.asSet, current)) queue.add(key);
    }
  });
}

async function manage({ writer, owner }: Loop, set: LiveReplicaSet, pods: readonly LivePod[]): Promise<void> {
  const { missing, surplus } = planReplicas(set, pods);
  await slowStart(missing, () => createPod(writer, set, podFromTemplate(set, owner)));
  await settled(surplus.map((pod) => deletePod(writer, set, pod)));
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

function wouldAdopt<T extends KubeObject>(
  objects: View<T>,
  asSet: (object: Live<T>) => LiveReplicaSet,
  pod: Live<Pod>,
): string[] {
  if (pod.metadata.deletionTimestamp !== undefined || pod.metadata.labels === undefined) return [];
  const matching: string[] = [];
  for (const object of objects.list(pod.metadata.namespace)) {
    const set = asSet(object);
    if (labelSelectorMatches(set.spec?.selector, pod.metadata.labels)) matching.push(keyText(keyOf(set)));
  }
  return matching;
}
