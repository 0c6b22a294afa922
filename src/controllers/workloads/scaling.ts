/**
 * A Deployment is resized in the middle of a rollout: old and new sets grow or shrink in proportion to their sizes, so that a
 * bad new version does not take over. Upstream: scale() in pkg/controller/deployment/sync.go.
 */
import { desiredAnnotation, maxAnnotation, maxReplicas, replicasOf, sum } from './rollout.ts';
import type { LiveDeployment, LiveReplicaSet } from './rollout.ts';

export function proportionalSizes(
  deployment: LiveDeployment,
  active: readonly LiveReplicaSet[],
): ReadonlyMap<LiveReplicaSet, number> {
  const allowed = replicasOf(deployment) > 0 ? maxReplicas(deployment) : 0;
  const toAdd = allowed - sum(active, replicasOf);
  const sizes = new Map<LiveReplicaSet, number>();
  let added = 0;
  for (const set of largestFirst(active, toAdd > 0)) {
    const share = toAdd === 0 ? 0 : shareOf(deployment, set, toAdd, added);
    sizes.set(set, replicasOf(set) + share);
    added += share;
  }
  // What rounding left over goes to the largest.
  const [first] = sizes.keys();
  if (first !== undefined && toAdd !== 0) sizes.set(first, Math.max(0, (sizes.get(first) ?? 0) + toAdd - added));
  return sizes;
}

function shareOf(deployment: LiveDeployment, set: LiveReplicaSet, toAdd: number, added: number): number {
  const fraction = fractionOf(deployment, set);
  const left = toAdd - added;
  return toAdd > 0 ? Math.min(fraction, left) : Math.max(fraction, left);
}

function fractionOf(deployment: LiveDeployment, set: LiveReplicaSet): number {
  const size = replicasOf(set);
  if (replicasOf(deployment) === 0) return -size;
  const annotations = set.metadata.annotations ?? {};
  const before = Number(annotations[maxAnnotation] ?? annotations[desiredAnnotation] ?? deployment.status?.replicas);
  return before > 0 ? Math.round((size * maxReplicas(deployment)) / before) - size : 0;
}

/** Among equals: the newer one first when growing, the older one first when shrinking. */
function largestFirst(sets: readonly LiveReplicaSet[], growing: boolean): LiveReplicaSet[] {
  const created = ({ metadata }: LiveReplicaSet): number => Date.parse(metadata.creationTimestamp);
  return [...sets].sort(
    (a, b) => replicasOf(b) - replicasOf(a) || (growing ? created(b) - created(a) : created(a) - created(b)),
  );
}
