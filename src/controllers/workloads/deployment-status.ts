/**
 * A Deployment's status: the numbers and the conditions Available, Progressing and ReplicaFailure, from which `kubectl rollout
 * status` tells how it goes. Pure. Upstream: pkg/controller/deployment/{sync,progress}.go.
 */
import type { DeploymentCondition, DeploymentStatus } from '../../api/gen/types.ts';
import { keyOf } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { semanticEqual } from '../equality.ts';
import { mergePatch } from '../writes.ts';
import type { Write } from '../writes.ts';
import type { Rollout } from './deployment-plan.ts';
import { limitsOf, replicasOf, revisionAnnotation, sum } from './rollout.ts';
import type { LiveDeployment } from './rollout.ts';

const available = 'NewReplicaSetAvailable';
const timedOut = 'ProgressDeadlineExceeded';
/** What kubectl and defaulting send for "no deadline". */
const noDeadline = 2 ** 31 - 1;

type Condition = Pick<DeploymentCondition, 'type' | 'status' | 'reason' | 'message'>;

/** What the step that comes with this status does. */
export interface Step {
  /** Name of the ReplicaSet that is created. */
  readonly made?: string;
  /** Of the new ReplicaSet. */
  readonly revision?: bigint;
}

/**
 * The revision annotation goes with the status: written to the object itself it would count as a change of the Deployment, and
 * raise its generation.
 */
export function planDeploymentStatus(rollout: Rollout, { made, revision }: Step, now: number): Write[] {
  const { deployment } = rollout;
  const numbers = countReplicas(rollout);
  const conditions = nextConditions(rollout, numbers, made, now);
  const status: DeploymentStatus = { ...numbers, conditions };
  const old = deployment.status ?? {};
  const noted = deployment.metadata.annotations?.[revisionAnnotation];
  const metadata =
    revision === undefined || noted === String(revision)
      ? {}
      : { metadata: { annotations: { [revisionAnnotation]: String(revision) } } };
  if (semanticEqual(withoutZeros(old), withoutZeros(status)) && semanticEqual(metadata, {})) return [];
  const patch = { ...metadata, status };
  return [mergePatch(resources.deployments, keyOf(deployment as object), patch, 'status')];
}

/** Milliseconds until the progress deadline passes; undefined: none is running. */
export function deadlineIn(deployment: LiveDeployment, now: number): number | undefined {
  const progressing = find(deployment.status?.conditions, 'Progressing');
  const seconds = deadlineOf(deployment);
  if (seconds === undefined || progressing === undefined || deployment.spec?.paused === true) return undefined;
  if (progressing.reason === available || progressing.reason === timedOut) return undefined;
  const end = Date.parse(progressing.lastUpdateTime ?? '') + seconds * 1000;
  return Number.isNaN(end) ? undefined : Math.max(1, end - now + 1000);
}

type Numbers = Omit<DeploymentStatus, 'conditions' | 'collisionCount'>;

function countReplicas({ deployment, newSet, all }: Rollout): Numbers {
  const availableReplicas = sum(all, (set) => set.status?.availableReplicas);
  return {
    observedGeneration: deployment.metadata.generation,
    replicas: sum(all, (set) => set.status?.replicas),
    updatedReplicas: newSet?.status?.replicas ?? 0,
    readyReplicas: sum(all, (set) => set.status?.readyReplicas),
    availableReplicas,
    unavailableReplicas: Math.max(0, sum(all, replicasOf) - availableReplicas),
    terminatingReplicas: sum(all, (set) => set.status?.terminatingReplicas),
  };
}

function nextConditions(
  rollout: Rollout,
  numbers: Numbers,
  made: string | undefined,
  now: number,
): DeploymentCondition[] {
  const { deployment, all, newSet, oldSets } = rollout;
  const old = deployment.status?.conditions ?? [];
  const wanted: (Condition | undefined)[] = [availability(deployment, numbers), progress(rollout, numbers, made, now)];
  const failing = [newSet, ...oldSets].map((set) =>
    set?.status?.conditions?.find(({ type }) => type === 'ReplicaFailure'),
  );
  const failure = all.length === 0 ? undefined : failing.find((condition) => condition !== undefined);
  wanted.push(failure === undefined ? undefined : { ...failure, type: 'ReplicaFailure' });
  const time = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');
  return wanted.flatMap((condition) => {
    if (condition === undefined) return [];
    const known = find(old, condition.type);
    if (known === condition) return [known];
    // The time of the last progress is what the deadline counts from.
    const moved = condition.type === 'Progressing' && progressed(deployment.status ?? {}, numbers);
    if (known !== undefined && known.status === condition.status && known.reason === condition.reason && !moved) {
      return [known];
    }
    const lastTransitionTime = known?.status === condition.status ? known.lastTransitionTime : time;
    const { type, status, reason, message } = condition;
    return [{ type, status, lastUpdateTime: time, lastTransitionTime, reason, message }];
  });
}

function availability(deployment: LiveDeployment, { availableReplicas = 0 }: Numbers): Condition {
  const minimum = replicasOf(deployment) - limitsOf(deployment).maxUnavailable;
  return availableReplicas >= minimum
    ? {
        type: 'Available',
        status: 'True',
        reason: 'MinimumReplicasAvailable',
        message: 'Deployment has minimum availability.',
      }
    : {
        type: 'Available',
        status: 'False',
        reason: 'MinimumReplicasUnavailable',
        message: 'Deployment does not have minimum availability.',
      };
}

/** Without a deadline nothing is said about progress. */
function progress(rollout: Rollout, numbers: Numbers, made: string | undefined, now: number): Condition | undefined {
  const { deployment, newSet } = rollout;
  const deadline = deadlineOf(deployment);
  if (deadline === undefined) return undefined;
  const known = find(deployment.status?.conditions, 'Progressing');
  const paused = pausing(deployment, known);
  if (paused !== undefined) return paused;
  if (made !== undefined) return created(made);
  if (known?.reason === available && numbers.replicas === numbers.updatedReplicas) return known;
  const subject =
    newSet === undefined ? `Deployment "${deployment.metadata.name}"` : `ReplicaSet "${newSet.metadata.name}"`;
  const say = (status: string, reason: string, tail: string): Condition => ({
    type: 'Progressing',
    status,
    reason,
    message: `${subject} ${tail}`,
  });
  if (isComplete(deployment, numbers)) return say('True', available, 'has successfully progressed.');
  if (progressed(deployment.status ?? {}, numbers)) return say('True', 'ReplicaSetUpdated', 'is progressing.');
  if (known === undefined) return newSet === undefined ? undefined : found(newSet.metadata.name);
  if (isTimedOut(known, deadline, now)) return say('False', timedOut, 'has timed out progressing.');
  return known;
}

function created(name: string): Condition {
  return {
    type: 'Progressing',
    status: 'True',
    reason: 'NewReplicaSetCreated',
    message: `Created new replica set "${name}"`,
  };
}

function found(name: string): Condition {
  const message = `Found new replica set "${name}"`;
  return { type: 'Progressing', status: 'True', reason: 'FoundNewReplicaSet', message };
}

function pausing(deployment: LiveDeployment, known: DeploymentCondition | undefined): Condition | undefined {
  // Resuming must not look like running out of time: the deadline starts again.
  if (known?.reason === timedOut) return undefined;
  const isPaused = known?.reason === 'DeploymentPaused';
  if (deployment.spec?.paused === true) {
    return { type: 'Progressing', status: 'Unknown', reason: 'DeploymentPaused', message: 'Deployment is paused' };
  }
  return isPaused
    ? { type: 'Progressing', status: 'Unknown', reason: 'DeploymentResumed', message: 'Deployment is resumed' }
    : undefined;
}

function isComplete(deployment: LiveDeployment, numbers: Numbers): boolean {
  const wanted = replicasOf(deployment);
  return numbers.updatedReplicas === wanted && numbers.replicas === wanted && numbers.availableReplicas === wanted;
}

/** More updated, fewer old, more ready or more available than the status said before. */
function progressed(old: DeploymentStatus, next: Numbers): boolean {
  const outdated = ({ replicas = 0, updatedReplicas = 0 }: Numbers): number => replicas - updatedReplicas;
  return (
    (next.updatedReplicas ?? 0) > (old.updatedReplicas ?? 0) ||
    outdated(next) < outdated(old) ||
    (next.readyReplicas ?? 0) > (old.readyReplicas ?? 0) ||
    (next.availableReplicas ?? 0) > (old.availableReplicas ?? 0)
  );
}

function isTimedOut(known: DeploymentCondition, deadline: number, now: number): boolean {
  if (known.reason === timedOut) return true;
  if (known.reason === available) return false;
  return Date.parse(known.lastUpdateTime ?? '') + deadline * 1000 < now;
}

function deadlineOf(deployment: LiveDeployment): number | undefined {
  const seconds = deployment.spec?.progressDeadlineSeconds;
  return seconds === undefined || seconds === noDeadline ? undefined : seconds;
}

function find(conditions: readonly DeploymentCondition[] | undefined, type: string): DeploymentCondition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** `replicas: 0` is not on the wire. */
function withoutZeros(status: DeploymentStatus): unknown {
  return Object.fromEntries(
    Object.entries(status).filter(([name, value]) => value !== 0 && value !== undefined && name !== 'collisionCount'),
  );
}
