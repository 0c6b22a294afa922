/** The StatefulSet loop: a set or one of its pods changes ─> history, the next steps of stateful-set-plan.ts, status. */
import type { PersistentVolumeClaim, PodTemplateSpec } from '../../api/gen/types.ts';
import { isReason } from '../../api/errors.ts';
import { keyOf, keyText } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { parseKey, startLoop } from '../context.ts';
import type { ControllerContext } from '../context.ts';
import { semanticEqual } from '../equality.ts';
import { controllerOf } from '../owners.ts';
import { applyWrite, applyWrites, isNamespaceTerminating, mergePatch, remove } from '../writes.ts';
import type { Writer } from '../writes.ts';
import { claim } from './claim.ts';
import { createHistory, revisionHashLabel, templateOf } from './history.ts';
import type { HistoryOwner } from './history.ts';
import { messageOf } from './pod-control.ts';
import {
  claimName,
  nextStatefulCheck,
  ordinalOf,
  planStateful,
  statefulPod,
  statefulStatus,
} from './stateful-set-plan.ts';
import type { LiveStatefulSet, StatefulInput, Step } from './stateful-set-plan.ts';

export function runStatefulSets(context: ControllerContext): void {
  const sets = context.views.of(resources.statefulSets);
  const pods = context.views.of(resources.pods);
  const revisionsView = context.views.of(resources.controllerRevisions);
  const podsOf = pods.indexBy((pod) => controllerOf(pod)?.uid);
  const orphans = pods.indexBy((pod) => (controllerOf(pod) === undefined ? pod.metadata.namespace : undefined));
  const writer = context.writer('statefulset-controller');
  const history = createHistory(context, writer);

  const work = async (key: string): Promise<number | void> => {
    const set = sets.get(parseKey(key));
    if (set === undefined || set.metadata.deletionTimestamp !== undefined) return;
    const owner = { object: set, apiVersion: 'apps/v1', kind: 'StatefulSet' as const, selector: set.spec?.selector };
    // A pod with another's name is not ours, whatever its labels.
    const mayBeOurs = orphans(set.metadata.namespace ?? '').filter((pod) => ordinalOf(set, pod) !== undefined);
    const { writes } = claim(resources.pods, owner, [...podsOf(set.metadata.uid), ...mayBeOurs]);
    await applyWrites(writer, writes);
    const recorded: HistoryOwner = { ...owner, template: set.spec?.template };
    const revisions = await history.list(recorded);
    const update = await history.current(recorded, revisions);
    const known = revisions.find(({ metadata }) => metadata.name === set.status?.currentRevision) ?? update;
    const inputNow = (): StatefulInput => ({
      set,
      pods: podsOf(set.metadata.uid),
      current: known.metadata.name,
      update: update.metadata.name,
      now: Date.now(),
    });
    let cause: Error | undefined;
    try {
      const templates = { current: templateOf(known), update: templateOf(update) };
      for (const step of planStateful(inputNow())) await take(writer, inputNow(), step, templates);
    } catch (error) {
      cause = error instanceof Error ? error : new Error(String(error));
    }
    await writeStatus(inputNow());
    const used = new Set(inputNow().pods.map((pod) => pod.metadata.labels?.[revisionHashLabel] ?? ''));
    used.add(known.metadata.name).add(update.metadata.name);
    await history.truncate(revisions, used, set.spec?.revisionHistoryLimit ?? 10);
    if (cause !== undefined && !isNamespaceTerminating(cause)) throw cause;
    return nextStatefulCheck(inputNow());
  };

  const writeStatus = async (input: StatefulInput): Promise<void> => {
    const status = statefulStatus(input);
    const { conditions: _, ...known } = sets.get(keyOf(input.set))?.status ?? { replicas: 0 };
    const zeros = { readyReplicas: 0, currentReplicas: 0, updatedReplicas: 0, availableReplicas: 0, collisionCount: 0 };
    if (semanticEqual({ ...zeros, ...known }, status)) return;
    await applyWrites(writer, [mergePatch(resources.statefulSets, keyOf(input.set), { status }, 'status')]);
  };

  const queue = startLoop(context, 'statefulset', { views: [sets, pods, revisionsView], work, concurrency: 3 });
  sets.onChange((current, old) => queue.add(keyText(keyOf((current ?? old) as LiveStatefulSet))));
  pods.onChange((current, old) => {
    for (const pod of [current, old]) {
      const owner = pod === undefined ? undefined : controllerOf(pod);
      if (owner?.kind === 'StatefulSet') queue.add(`${pod?.metadata.namespace}/${owner.name}`);
    }
  });
}

type Templates = Readonly<Record<'current' | 'update', PodTemplateSpec>>;

async function take(writer: Writer, input: StatefulInput, step: Step, templates: Templates): Promise<void> {
  const { set } = input;
  const { recorder } = writer;
  const about = (name: string): string => `Pod ${name} in StatefulSet ${set.metadata.name}`;
  if (step.kind === 'create') {
    const pod = statefulPod(set, templates[step.revision], input[step.revision], step.ordinal);
    const name = pod.metadata?.name ?? '';
    try {
      await createClaims(writer, set, name);
      await applyWrite(writer, { verb: 'create', resource: resources.pods, object: pod });
      recorder.event(set, 'Normal', 'SuccessfulCreate', `create ${about(name)} successful`);
    } catch (error) {
      recorder.event(set, 'Warning', 'FailedCreate', `create ${about(name)} failed error: ${messageOf(error)}`);
      throw error;
    }
    return;
  }
  const { pod } = step;
  const { name, namespace } = pod.metadata;
  if (step.kind === 'recreate') {
    const ended = pod.status?.phase === 'Failed' ? 'Failed' : 'Terminated';
    const why = `StatefulSet ${namespace}/${set.metadata.name} is recreating ${ended.toLowerCase()} Pod ${name}`;
    recorder.event(set, 'Warning', `Recreating${ended}Pod`, why);
  }
  await applyWrite(writer, remove(resources.pods, pod));
  recorder.event(set, 'Normal', 'SuccessfulDelete', `delete ${about(name)} successful`);
}

async function createClaims(writer: Writer, set: LiveStatefulSet, pod: string): Promise<void> {
  for (const template of set.spec?.volumeClaimTemplates ?? []) {
    const name = claimName(template.metadata?.name ?? '', pod);
    const labels = { ...template.metadata?.labels, ...set.spec?.selector.matchLabels };
    const object: PersistentVolumeClaim = {
      metadata: { ...template.metadata, name, namespace: set.metadata.namespace ?? '', labels },
      ...(template.spec === undefined ? {} : { spec: template.spec }),
    };
    try {
      await writer.client.create(resources.persistentVolumeClaims, object);
    } catch (error) {
      if (isReason(error, 'AlreadyExists')) continue;
      throw error;
    }
    const what = `create Claim ${name} Pod ${pod} in StatefulSet ${set.metadata.name} success`;
    writer.recorder.event(set, 'Normal', 'SuccessfulCreate', what);
  }
}
