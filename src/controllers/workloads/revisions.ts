/**
 * The new ReplicaSet's record: its revision is one above all others, which is what `kubectl rollout history` and `undo` read;
 * a set that becomes the new one again (undo) remembers the revisions that it was. Upstream: SetNewReplicaSetAnnotations.
 */
import { keyOf } from '../../api/object.ts';
import type { ReplicaSet } from '../../api/gen/types.ts';
import { resources } from '../../api/resources.ts';
import { mergePatch } from '../writes.ts';
import type { Write } from '../writes.ts';
import type { Rollout } from './deployment-plan.ts';
import { copiedAnnotations, revisionAnnotation, revisionHistoryAnnotation, revisionOf } from './rollout.ts';
import type { LiveReplicaSet } from './rollout.ts';

export interface NewSetRecord {
  /** Of the set. */
  readonly writes: readonly Write[];
  /** What the Deployment's own annotation must say. */
  readonly revision: bigint;
}

export function planNewSetRecord({ deployment, oldSets }: Rollout, newSet: LiveReplicaSet): NewSetRecord {
  const [next, own] = [nextRevision(oldSets), revisionOf(newSet)];
  const revision = own > next ? own : next;
  const changes = changedAnnotations(newSet, copiedAnnotations(deployment), revision);
  const minReadySeconds = deployment.spec?.minReadySeconds ?? 0;
  const sameReady = (newSet.spec?.minReadySeconds ?? 0) === minReadySeconds;
  if (Object.keys(changes).length === 0 && sameReady) return { writes: [], revision };
  const patch = {
    ...(Object.keys(changes).length > 0 ? { metadata: { annotations: changes } } : {}),
    ...(sameReady ? {} : { spec: { minReadySeconds } }),
  };
  return { writes: [mergePatch(resources.replicaSets, keyOf(newSet as ReplicaSet), patch)], revision };
}

export function nextRevision(oldSets: readonly LiveReplicaSet[]): bigint {
  return oldSets.map(revisionOf).reduce((most, one) => (one > most ? one : most), 0n) + 1n;
}

function changedAnnotations(
  set: LiveReplicaSet,
  copied: Readonly<Record<string, string>>,
  revision: bigint,
): Record<string, string> {
  const annotations = set.metadata.annotations ?? {};
  const changes: Record<string, string> = {};
  for (const [name, value] of Object.entries(copied)) if (annotations[name] !== value) changes[name] = value;
  const old = revisionOf(set);
  if (old >= revision) return changes;
  changes[revisionAnnotation] = String(revision);
  if (old > 0) {
    const history = annotations[revisionHistoryAnnotation];
    changes[revisionHistoryAnnotation] = history === undefined || history === '' ? String(old) : `${history},${old}`;
  }
  return changes;
}
