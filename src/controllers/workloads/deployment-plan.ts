/**
 * A Deployment, its ReplicaSets and their pods → the next step of its rollout, as writes. Pure. Upstream:
 * pkg/controller/deployment/{sync,rolling,recreate}.go.
 *
 *   size changed, or paused ─> scale what there is, in proportion
 *   Recreate                ─> old sets to 0 ─> wait for their pods to end ─> new set
 *   RollingUpdate           ─> new set up as far as maxSurge allows ─> old sets down as far as maxUnavailable allows
 *
 * One step a sync: what it changes comes back as events and asks for the next one.
 */
import { resources } from '../../api/resources.ts';
import { controllerReference } from '../owners.ts';
import { isTerminal } from '../pods.ts';
import type { LivePod } from '../pods.ts';
import { create, event, mergePatch, remove } from '../writes.ts';
import type { Write } from '../writes.ts';
import { planDeploymentStatus } from './deployment-status.ts';
import type { Step } from './deployment-status.ts';
import { nextRevision, planNewSetRecord } from './revisions.ts';
import {
  copiedAnnotations,
  desiredAnnotation,
  findNewSet,
  isRolling,
  limitsOf,
  newSetSize,
  oldestFirst,
  replicasOf,
  revisionAnnotation,
  revisionOf,
  sizeAnnotations,
  sum,
} from './rollout.ts';
import type { LiveDeployment, LiveReplicaSet } from './rollout.ts';
import { proportionalSizes } from './scaling.ts';
import { hashLabel, templateHash } from './template-hash.ts';

export interface DeploymentInput {
  readonly deployment: LiveDeployment;
  readonly sets: readonly LiveReplicaSet[];
  readonly podsOf: (set: LiveReplicaSet) => readonly LivePod[];
  readonly now: number;
}

export interface Rollout {
  readonly deployment: LiveDeployment;
  readonly newSet: LiveReplicaSet | undefined;
  readonly oldSets: readonly LiveReplicaSet[];
  readonly all: readonly LiveReplicaSet[];
}

export function planDeployment(input: DeploymentInput): readonly Write[] {
  const { deployment, now } = input;
  const newSet = findNewSet(deployment, input.sets);
  const oldSets = input.sets.filter((set) => set !== newSet);
  const rollout: Rollout = { deployment, newSet, oldSets, all: input.sets };
  const status = (step: Step = {}): Write[] => planDeploymentStatus(rollout, step, now);
  if (deployment.metadata.deletionTimestamp !== undefined) return status();
  const record = newSet === undefined ? undefined : planNewSetRecord(rollout, newSet);
  // A size is changed only on the very set that was looked at: first its record, then, seen again, its size.
  if (record !== undefined && record.writes.length > 0) return [...record.writes, ...status(record)];
  const steps = planSteps(rollout, input.podsOf);
  return [...steps.writes, ...status({ revision: record?.revision, ...steps })];
}

interface Steps extends Step {
  readonly writes: readonly Write[];
}

function planSteps(rollout: Rollout, podsOf: DeploymentInput['podsOf']): Steps {
  const { deployment } = rollout;
  if (deployment.spec?.paused === true || isScaling(rollout)) return { writes: planScaling(rollout) };
  return isRolling(deployment) ? planRolling(rollout) : planRecreate(rollout, podsOf);
}

function planRolling(rollout: Rollout): Steps {
  const { deployment, newSet, oldSets, all } = rollout;
  if (newSet === undefined) return createNewSet(rollout);
  const wanted = replicasOf(deployment);
  const size = replicasOf(newSet);
  const next = size > wanted ? wanted : newSetSize(deployment, all, size);
  if (next !== size) return { writes: scale(deployment, newSet, next) };
  const down = scaleDownOld(rollout, newSet);
  if (down.length > 0) return { writes: down };
  return { writes: isComplete(rollout) ? cleanUp(deployment, oldSets) : [] };
}

/** First those old pods that are not available anyway, then as many available ones as may be missed. */
function scaleDownOld({ deployment, oldSets, all }: Rollout, newSet: LiveReplicaSet): Write[] {
  const minAvailable = replicasOf(deployment) - limitsOf(deployment).maxUnavailable;
  const newUnavailable = replicasOf(newSet) - (newSet.status?.availableReplicas ?? 0);
  let budget = sum(all, replicasOf) - minAvailable - newUnavailable;
  if (sum(oldSets, replicasOf) === 0 || budget <= 0) return [];
  const sizes = new Map(oldestFirst(oldSets).map((set) => [set, replicasOf(set)]));
  for (const [set, size] of sizes) {
    const unhealthy = Math.min(budget, Math.max(0, size - (set.status?.availableReplicas ?? 0)));
    sizes.set(set, size - unhealthy);
    budget -= unhealthy;
  }
  let spare = sum(all, (set) => set.status?.availableReplicas) - minAvailable;
  for (const [set, size] of sizes) {
    const step = Math.max(0, Math.min(spare, size));
    sizes.set(set, size - step);
    spare -= step;
  }
  return [...sizes].flatMap(([set, size]) => (size === replicasOf(set) ? [] : scale(deployment, set, size)));
}

function planRecreate(rollout: Rollout, podsOf: DeploymentInput['podsOf']): Steps {
  const { deployment, newSet, oldSets } = rollout;
  const active = oldSets.filter((set) => replicasOf(set) > 0);
  if (active.length > 0) return { writes: active.flatMap((set) => scale(deployment, set, 0)) };
  // A pod that is still terminating is running: nothing new beside it.
  if (oldSets.some((set) => podsOf(set).some((pod) => !isTerminal(pod)))) return { writes: [] };
  if (newSet === undefined) return createNewSet(rollout);
  const wanted = replicasOf(deployment);
  if (replicasOf(newSet) !== wanted) return { writes: scale(deployment, newSet, wanted) };
  return { writes: isComplete(rollout) ? cleanUp(deployment, oldSets) : [] };
}

function isScaling({ deployment, all }: Rollout): boolean {
  return all.some((set) => {
    const desired = set.metadata.annotations?.[desiredAnnotation];
    return replicasOf(set) > 0 && desired !== undefined && Number(desired) !== replicasOf(deployment);
  });
}

function planScaling({ deployment, newSet, oldSets, all }: Rollout): Write[] {
  const wanted = replicasOf(deployment);
  const active = all.filter((set) => replicasOf(set) > 0);
  if (active.length <= 1) {
    const latest = active[0] ?? newSet ?? oldestFirst(oldSets).at(-1);
    return latest === undefined ? [] : scale(deployment, latest, wanted);
  }
  if (newSet !== undefined && isSaturated(deployment, newSet)) {
    return oldSets.flatMap((set) => (replicasOf(set) > 0 ? scale(deployment, set, 0) : []));
  }
  if (!isRolling(deployment)) return [];
  return [...proportionalSizes(deployment, active)].flatMap(([set, size]) => scale(deployment, set, size));
}

function isSaturated(deployment: LiveDeployment, set: LiveReplicaSet): boolean {
  const wanted = replicasOf(deployment);
  return (
    replicasOf(set) === wanted &&
    Number(set.metadata.annotations?.[desiredAnnotation]) === wanted &&
    set.status?.availableReplicas === wanted
  );
}

function isComplete({ deployment, newSet, all }: Rollout): boolean {
  const wanted = replicasOf(deployment);
  return (
    (newSet?.status?.replicas ?? 0) === wanted &&
    sum(all, (set) => set.status?.replicas) === wanted &&
    sum(all, (set) => set.status?.availableReplicas) === wanted
  );
}

function createNewSet(rollout: Rollout): Steps {
  const { deployment, oldSets, all } = rollout;
  const template = deployment.spec?.template ?? {};
  const hash = templateHash(template, deployment.status?.collisionCount);
  const labels = { ...template.metadata?.labels, [hashLabel]: hash };
  const selector = deployment.spec?.selector ?? {};
  const size = newSetSize(deployment, all, 0);
  const revision = nextRevision(oldSets);
  const name = `${deployment.metadata.name}-${hash}`;
  const minReadySeconds = deployment.spec?.minReadySeconds;
  const made = create(resources.replicaSets, {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name,
      namespace: deployment.metadata.namespace,
      labels,
      annotations: {
        ...copiedAnnotations(deployment),
        [revisionAnnotation]: String(revision),
        ...sizeAnnotations(deployment),
      },
      ownerReferences: [controllerReference(deployment, 'apps/v1', 'Deployment')],
    },
    spec: {
      replicas: size,
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  });
  const said = event(deployment, 'Normal', 'ScalingReplicaSet', `Scaled up replica set ${name} from 0 to ${size}`);
  return { writes: size > 0 ? [made, said] : [made], made: name, revision };
}

function scale(deployment: LiveDeployment, set: LiveReplicaSet, size: number): Write[] {
  const was = replicasOf(set);
  const annotations = sizeAnnotations(deployment);
  const same = Object.entries(annotations).every(([name, value]) => set.metadata.annotations?.[name] === value);
  if (was === size && same) return [];
  const { name, namespace = '', resourceVersion } = set.metadata;
  // Conditional: a size that somebody else has just changed must be thought over again.
  const patch = { metadata: { resourceVersion, annotations }, spec: { replicas: size } };
  const write = mergePatch(resources.replicaSets, { namespace, name }, patch);
  if (was === size) return [write];
  const message = `Scaled ${size > was ? 'up' : 'down'} replica set ${name} from ${was} to ${size}`;
  return [write, event(deployment, 'Normal', 'ScalingReplicaSet', message)];
}

/** Old, empty sets beyond revisionHistoryLimit; the oldest revisions go. */
function cleanUp(deployment: LiveDeployment, oldSets: readonly LiveReplicaSet[]): Write[] {
  const limit = deployment.spec?.revisionHistoryLimit;
  if (limit === undefined) return [];
  const alive = oldSets.filter((set) => set.metadata.deletionTimestamp === undefined);
  return [...alive]
    .sort((a, b) => (revisionOf(a) < revisionOf(b) ? -1 : 1))
    .slice(0, Math.max(0, alive.length - limit))
    .filter(
      ({ spec, status, metadata }) =>
        (status?.replicas ?? 0) === 0 &&
        spec?.replicas === 0 &&
        (metadata.generation ?? 0) <= (status?.observedGeneration ?? 0),
    )
    .map((set) => remove(resources.replicaSets, set));
}
