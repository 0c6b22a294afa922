/**
 * Who owns whom, over all kinds: objects by uid, and the dependents of each. Pure bookkeeping.
 */
import type { OwnerReference } from '../../api/gen/types.ts';
import type { KubeObject, Live, ObjectKey } from '../../api/object.ts';
import { keyOf } from '../../api/object.ts';
import type { Resource } from '../../api/resources.ts';

export interface GraphNode {
  readonly uid: string;
  readonly resource: Resource;
  readonly key: ObjectKey;
  readonly owners: readonly OwnerReference[];
  readonly finalizers: readonly string[];
  readonly deleting: boolean;
}

export interface Graph {
  get(uid: string): GraphNode | undefined;
  dependents(ownerUid: string): GraphNode[];
  set(resource: Resource, object: Live<KubeObject>): GraphNode;
  delete(uid: string): void;
}

export function createGraph(): Graph {
  const nodes = new Map<string, GraphNode>();
  const dependents = new Map<string, Set<string>>();
  const unlink = (node: GraphNode): void => {
    for (const { uid } of node.owners) {
      const set = dependents.get(uid);
      set?.delete(node.uid);
      if (set?.size === 0) dependents.delete(uid);
    }
  };
  return {
    get: (uid) => nodes.get(uid),
    dependents: (uid) => [...(dependents.get(uid) ?? [])].flatMap((one) => nodes.get(one) ?? []),
    set(resource, object) {
      const { uid, ownerReferences = [], finalizers = [], deletionTimestamp } = object.metadata;
      const known = nodes.get(uid);
      if (known !== undefined) unlink(known);
      const deleting = deletionTimestamp !== undefined;
      const node = { uid, resource, key: keyOf(object), owners: ownerReferences, finalizers, deleting };
      nodes.set(uid, node);
      for (const owner of ownerReferences) {
        const set = dependents.get(owner.uid);
        if (set === undefined) dependents.set(owner.uid, new Set([uid]));
        else set.add(uid);
      }
      return node;
    },
    delete(uid) {
      const node = nodes.get(uid);
      if (node !== undefined) unlink(node);
      nodes.delete(uid);
    },
  };
}
