/**
 * A ReplicaSet and its pods → pods to make, pods to delete, its status. Pure. Upstream: pkg/controller/replicaset.
 */
import type { Pod, ReplicaSet, ReplicaSetCondition, ReplicaSetStatus } from '../../api/gen/types.ts';
import type { Live } from '../../api/object.ts';
import { labelsMatch } from '../../api/selectors/index.ts';
import { semanticEqual } from '../equality.ts';
import { controllerReference } from '../owners.ts';
import { availableIn, isActive, isAvailable, isReady, isTerminating } from '../pods.ts';
import type { LivePod } from '../pods.ts';
import { podsToDelete } from './deletion-order.ts';

export type LiveReplicaSet = Live<ReplicaSet>;

export interface ReplicaSetPlan {
  readonly missing: number;
  readonly surplus: readonly LivePod[];
}

/** At most so many pods are made or deleted in one go (upstream's BurstReplicas). */
const burst = 500;

export function planReplicas(set: LiveReplicaSet, pods: readonly LivePod[]): ReplicaSetPlan {
  const active = pods.filter(isActive);
  const difference = (set.spec?.replicas ?? 1) - active.length;
  if (difference >= 0) return { missing: Math.min(difference, burst), surplus: [] };
  return { missing: 0, surplus: podsToDelete(active, Math.min(-difference, burst)) };
}

/** `owner`: who the pods belong to, a ReplicaSet or a ReplicationController. */
export function podFromTemplate(
  set: LiveReplicaSet,
  owner: { readonly apiVersion: string; readonly kind: string },
): Pod {
  const template = set.spec?.template;
  const { labels, annotations, finalizers } = template?.metadata ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `${set.metadata.name}-`,
      namespace: set.metadata.namespace,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [controllerReference(set, owner.apiVersion, owner.kind)],
    },
    spec: template?.spec,
  };
}

export type Failure = { readonly reason: 'FailedCreate' | 'FailedDelete'; readonly message: string };

/** undefined: it is right already. `failure`: what went wrong in this sync. */
export function planStatus(
  set: LiveReplicaSet,
  pods: readonly LivePod[],
  failure: Failure | undefined,
  now: number,
): ReplicaSetStatus | undefined {
  const active = pods.filter(isActive);
  const minReady = set.spec?.minReadySeconds ?? 0;
  const template = set.spec?.template?.metadata?.labels ?? {};
  const status: ReplicaSetStatus = {
    replicas: active.length,
    fullyLabeledReplicas: active.filter((pod) => labelsMatch(template, pod.metadata.labels)).length,
    readyReplicas: active.filter(isReady).length,
    availableReplicas: active.filter((pod) => isAvailable(pod, minReady, now)).length,
    terminatingReplicas: pods.filter(isTerminating).length,
    observedGeneration: set.metadata.generation,
    conditions: conditions(set, failure, now),
  };
  return isSameStatus(set.status, status) ? undefined : status;
}

/** A pod becomes available by the passing of time alone: milliseconds until the next one does. */
export function nextAvailability(set: LiveReplicaSet, pods: readonly LivePod[], now: number): number | undefined {
  const minReady = set.spec?.minReadySeconds ?? 0;
  if (minReady === 0) return undefined;
  const waits = pods.filter(isActive).map((pod) => availableIn(pod, minReady, now) ?? 0);
  const soonest = Math.min(...waits.filter((ms) => ms > 0));
  return Number.isFinite(soonest) ? soonest + 1 : undefined;
}

function conditions(set: LiveReplicaSet, failure: Failure | undefined, now: number): ReplicaSetCondition[] {
  const others = (set.status?.conditions ?? []).filter(({ type }) => type !== 'ReplicaFailure');
  if (failure === undefined) return others;
  const known = set.status?.conditions?.find(({ type }) => type === 'ReplicaFailure');
  if (known?.status === 'True' && known.reason === failure.reason) return [...others, known];
  const lastTransitionTime = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');
  return [...others, { type: 'ReplicaFailure', status: 'True', lastTransitionTime, ...failure }];
}

const counts = [
  'replicas',
  'fullyLabeledReplicas',
  'readyReplicas',
  'availableReplicas',
  'terminatingReplicas',
] as const satisfies readonly (keyof ReplicaSetStatus)[];

function isSameStatus(old: ReplicaSetStatus | undefined, status: ReplicaSetStatus): boolean {
  return (
    old !== undefined &&
    counts.every((field) => (old[field] ?? 0) === status[field]) &&
    old.observedGeneration === status.observedGeneration &&
    semanticEqual(old.conditions, status.conditions)
  );
}
