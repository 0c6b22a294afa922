/**
 * The Deployment loop: a Deployment, one of its ReplicaSets or their pods change ─> the next step (deployment-plan.ts).
 */
import { isReason } from '../../api/errors.ts';
import type { Deployment, ReplicaSet } from '../../api/gen/types.ts';
import { keyOf, keyText } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { labelSelectorMatches } from '../../api/selectors/index.ts';
import { parseKey, startLoop } from '../context.ts';
import type { ControllerContext } from '../context.ts';
import { controllerOf } from '../owners.ts';
import type { View } from '../view.ts';
import { applyWrite, applyWrites, mergePatch } from '../writes.ts';
import type { Write, Writer } from '../writes.ts';
import { claim } from './claim.ts';
import { planDeployment } from './deployment-plan.ts';
import { deadlineIn } from './deployment-status.ts';
import type { LiveDeployment, LiveReplicaSet } from './rollout.ts';
import { sameTemplate } from './template-hash.ts';

export function runDeployments(context: ControllerContext): void {
  const deployments = context.views.of(resources.deployments);
  const sets = context.views.of(resources.replicaSets);
  const pods = context.views.of(resources.pods);
  const setsOf = sets.indexBy((set) => controllerOf(set)?.uid);
  const orphans = sets.indexBy((set) => (controllerOf(set) === undefined ? set.metadata.namespace : undefined));
  const podsOf = pods.indexBy((pod) => controllerOf(pod)?.uid);
  const writer = context.writer('deployment-controller');

  const work = async (key: string): Promise<number | void> => {
    const deployment = deployments.get(parseKey(key));
    if (deployment === undefined) return;
    if (isSelectAll(deployment)) {
      const message = 'This deployment is selecting all pods. A non-empty selector is required.';
      writer.recorder.event(deployment, 'Warning', 'SelectingAll', message);
      return;
    }
    const owner = {
      object: deployment,
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      selector: deployment.spec?.selector,
    };
    const candidates = [...setsOf(deployment.metadata.uid), ...orphans(deployment.metadata.namespace ?? '')];
    const { owned, writes } = claim(resources.replicaSets, owner, candidates);
    await applyWrites(writer, writes);
    const now = Date.now();
    const input = { deployment, sets: owned, podsOf: (set: LiveReplicaSet) => podsOf(set.metadata.uid), now };
    for (const write of planDeployment(input)) await applyStep(writer, sets, deployment, write);
    return deadlineIn(deployments.get(parseKey(key)) ?? deployment, now);
  };
  const queue = startLoop(context, 'deployment', { views: [deployments, sets, pods], work, concurrency: 5 });

  deployments.onChange((current, old) => queue.add(keyText(keyOf((current ?? old) as object))));
  sets.onChange((current, old) => {
    for (const set of [current, old]) {
      const owner = set === undefined ? undefined : controllerOf(set);
      if (owner?.kind === 'Deployment') queue.add(`${set?.metadata.namespace}/${owner.name}`);
    }
    if (current !== undefined && controllerOf(current) === undefined) {
      for (const key of wouldAdopt(deployments, current)) queue.add(key);
    }
  });
  // Recreate waits for the last old pod to be gone.
  pods.onChange((current, old) => {
    if (current !== undefined || old === undefined) return;
    const set = controllerOf(old);
    if (set?.kind !== 'ReplicaSet') return;
    const key = { namespace: old.metadata.namespace ?? '', name: set.name };
    const owner = controllerOf(sets.get(key));
    if (owner?.kind === 'Deployment') queue.add(`${key.namespace}/${owner.name}`);
  });
}

async function applyStep(
  writer: Writer,
  sets: View<ReplicaSet>,
  deployment: LiveDeployment,
  write: Write,
): Promise<void> {
  try {
    await applyWrite(writer, write);
  } catch (error) {
    const collided = write.verb === 'create' && isReason(error, 'AlreadyExists');
    if (!collided) throw error;
    await resolveCollision(writer, sets, deployment, write.object);
    // Plan again, with what is there now.
    throw error;
  }
}

/** The name is taken: by our own set that we had not seen yet, or by another template with the same hash. */
async function resolveCollision(
  writer: Writer,
  sets: View<ReplicaSet>,
  deployment: LiveDeployment,
  wanted: ReplicaSet,
): Promise<void> {
  const existing = await writer.client.get(resources.replicaSets, keyOf(wanted));
  const ours = controllerOf(existing)?.uid === deployment.metadata.uid;
  if (ours && sameTemplate(existing.spec?.template, deployment.spec?.template)) {
    sets.wrote(existing);
    return;
  }
  const collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
  const key = keyOf(deployment);
  await applyWrites(writer, [mergePatch(resources.deployments, key, { status: { collisionCount } }, 'status')]);
}

function isSelectAll({ spec }: LiveDeployment): boolean {
  const { matchLabels = {}, matchExpressions = [] } = spec?.selector ?? {};
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
}

function wouldAdopt(deployments: View<Deployment>, set: LiveReplicaSet): string[] {
  const matching: string[] = [];
  for (const deployment of deployments.list(set.metadata.namespace)) {
    if (labelSelectorMatches(deployment.spec?.selector, set.metadata.labels)) {
      matching.push(keyText(keyOf(deployment)));
    }
  }
  return matching;
}
