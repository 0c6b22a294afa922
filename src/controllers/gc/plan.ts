/**
 * What the garbage collector does with one object. Pure. Upstream: attemptToDeleteItem in pkg/controller/garbagecollector.
 *
 *   has the finalizer `orphan`              its dependents forget it, then the finalizer goes
 *   has the finalizer `foregroundDeletion`  blocking dependents are deleted first; when none is left the finalizer goes
 *   an owner is there                       it stays; owners that are gone are forgotten
 *   all owners are gone                     it is deleted
 *   all owners wait in the foreground       it is deleted in the foreground, if it has dependents itself; where one of them is
 *                                           going too (owners in a circle), it first stops blocking its owners
 */
import type { OwnerReference } from '../../api/gen/types.ts';
import type { Graph, GraphNode } from './graph.ts';

export type OwnerState = 'solid' | 'dangling' | 'waiting';

export type Verdict =
  | { readonly kind: 'keep' }
  | {
      readonly kind: 'delete';
      readonly policy: 'Orphan' | 'Foreground' | 'Background';
      /** Its owners need not wait for it. */
      readonly unblock?: true;
    }
  /** Uids of owner references to take out. */
  | { readonly kind: 'forget'; readonly owners: readonly string[] };

export const foreground = 'foregroundDeletion';
export const orphan = 'orphan';

export function judge(
  node: GraphNode,
  states: ReadonlyMap<string, OwnerState>,
  dependents: readonly GraphNode[],
): Verdict {
  if (node.owners.length === 0 || node.deleting) return { kind: 'keep' };
  const of = (state: OwnerState): string[] =>
    node.owners.map(({ uid }) => uid).filter((uid) => states.get(uid) === state);
  if (of('solid').length > 0) {
    const gone = [...of('dangling'), ...of('waiting')];
    return gone.length === 0 ? { kind: 'keep' } : { kind: 'forget', owners: gone };
  }
  if (of('waiting').length > 0 && dependents.length > 0) {
    return { kind: 'delete', policy: 'Foreground', ...(dependents.some(isWaiting) ? { unblock: true } : {}) };
  }
  if (node.finalizers.includes(orphan)) return { kind: 'delete', policy: 'Orphan' };
  return { kind: 'delete', policy: node.finalizers.includes(foreground) ? 'Foreground' : 'Background' };
}

/** What we hold of an owner; undefined: ask the server. */
export function stateOf(owner: OwnerReference, graph: Graph): OwnerState | undefined {
  const node = graph.get(owner.uid);
  if (node === undefined) return undefined;
  return isWaiting(node) ? 'waiting' : 'solid';
}

/** It is deleted in the foreground: its dependents go before it. */
export function isWaiting(node: GraphNode): boolean {
  return node.deleting && node.finalizers.includes(foreground);
}

/** Dependents that hold up a foreground deletion. */
export function blocking(uid: string, graph: Graph): GraphNode[] {
  return graph
    .dependents(uid)
    .filter(({ owners }) => owners.some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true));
}
