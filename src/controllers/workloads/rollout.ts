/**
 * Vocabulary of a rollout: which ReplicaSet is the new one, how many pods may be over and under, what the annotations say.
 * Upstream: pkg/controller/deployment/util/deployment_util.go.
 */
import type { Deployment, ReplicaSet } from '../../api/gen/types.ts';
import type { Live } from '../../api/object.ts';
import { sameTemplate } from './template-hash.ts';
import { resolveShare } from './share.ts';

export type LiveDeployment = Live<Deployment>;
export type LiveReplicaSet = Live<ReplicaSet>;

export const revisionAnnotation = 'deployment.kubernetes.io/revision';
export const revisionHistoryAnnotation = 'deployment.kubernetes.io/revision-history';
export const desiredAnnotation = 'deployment.kubernetes.io/desired-replicas';
export const maxAnnotation = 'deployment.kubernetes.io/max-replicas';

/** Not copied between a Deployment and its ReplicaSets. */
const ownAnnotations: ReadonlySet<string> = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  revisionHistoryAnnotation,
  desiredAnnotation,
  maxAnnotation,
  'deprecated.deployment.rollback.to',
]);

export function replicasOf(object: { readonly spec?: { readonly replicas?: number } }): number {
  return object.spec?.replicas ?? 1;
}

export function sum(sets: readonly LiveReplicaSet[], of: (set: LiveReplicaSet) => number | undefined): number {
  return sets.reduce((total, set) => total + (of(set) ?? 0), 0);
}

export function oldestFirst(sets: readonly LiveReplicaSet[]): LiveReplicaSet[] {
  const text = ({ metadata }: LiveReplicaSet): string => `${metadata.creationTimestamp} ${metadata.name}`;
  return [...sets].sort((a, b) => (text(a) < text(b) ? -1 : 1));
}

/** The oldest with the Deployment's template, should there be several. */
export function findNewSet(deployment: LiveDeployment, sets: readonly LiveReplicaSet[]): LiveReplicaSet | undefined {
  return oldestFirst(sets).find((set) => sameTemplate(set.spec?.template, deployment.spec?.template));
}

/** An int64 upstream: more than a number of JavaScript holds exactly. */
export function revisionOf(set: LiveReplicaSet): bigint {
  const text = set.metadata.annotations?.[revisionAnnotation] ?? '';
  return /^-?\d{1,19}$/.test(text) ? BigInt(text) : 0n;
}

export function isRolling(deployment: LiveDeployment): boolean {
  return deployment.spec?.strategy?.type !== 'Recreate';
}

export interface Limits {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** Surge rounds up, unavailable down, and both zero would be a standstill: then one may be unavailable. */
export function limitsOf(deployment: LiveDeployment): Limits {
  const replicas = replicasOf(deployment);
  if (!isRolling(deployment)) return { maxSurge: 0, maxUnavailable: 0 };
  const { maxSurge = '25%', maxUnavailable = '25%' } = deployment.spec?.strategy?.rollingUpdate ?? {};
  const surge = resolveShare(maxSurge, replicas, 'up');
  const unavailable = resolveShare(maxUnavailable, replicas, 'down');
  const standstill = surge === 0 && unavailable === 0;
  return { maxSurge: surge, maxUnavailable: Math.min(replicas, standstill ? 1 : unavailable) };
}

export function maxReplicas(deployment: LiveDeployment): number {
  return replicasOf(deployment) + limitsOf(deployment).maxSurge;
}

/** What a ReplicaSet must carry about the size of its Deployment: proportional scaling reads it back. */
export function sizeAnnotations(deployment: LiveDeployment): Record<string, string> {
  return {
    [desiredAnnotation]: String(replicasOf(deployment)),
    [maxAnnotation]: String(maxReplicas(deployment)),
  };
}

export function copiedAnnotations(deployment: LiveDeployment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(deployment.metadata.annotations ?? {}).filter(([name]) => !ownAnnotations.has(name)),
  );
}

/** How large the new set may be now. Upstream: NewRSNewReplicas. */
export function newSetSize(deployment: LiveDeployment, sets: readonly LiveReplicaSet[], size: number): number {
  const wanted = replicasOf(deployment);
  if (!isRolling(deployment)) return wanted;
  const room = maxReplicas(deployment) - sum(sets, replicasOf);
  return room <= 0 ? size : size + Math.min(room, wanted - size);
}
