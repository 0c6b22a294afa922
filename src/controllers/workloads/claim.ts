/**
 * Which objects a controller owns: those whose controller reference names it. Orphans that its selector matches are adopted,
 * owned ones that it no longer matches are let go. Upstream: controller_ref_manager.go.
 */
import type { LabelSelector } from '../../api/gen/types.ts';
import { keyOf } from '../../api/object.ts';
import type { KubeObject, Live } from '../../api/object.ts';
import type { Resource } from '../../api/resources.ts';
import { labelSelectorMatches } from '../../api/selectors/index.ts';
import { controllerOf, controllerReference } from '../owners.ts';
import { strategicPatch } from '../writes.ts';
import type { Write } from '../writes.ts';

export interface Claim<T extends KubeObject> {
  readonly owned: readonly Live<T>[];
  readonly writes: readonly Write[];
}

interface Owner {
  readonly object: Live<KubeObject>;
  readonly apiVersion: string;
  readonly kind: string;
  readonly selector: LabelSelector | undefined;
  /** Put on what is adopted, taken off what is let go. */
  readonly finalizer?: string;
}

export function claim<T extends KubeObject>(
  resource: Resource<T>,
  owner: Owner,
  candidates: Iterable<Live<T>>,
): Claim<T> {
  const owned: Live<T>[] = [];
  const writes: Write[] = [];
  const { uid, deletionTimestamp } = owner.object.metadata;
  for (const candidate of candidates) {
    const { metadata } = candidate as Live<KubeObject>;
    const controller = controllerOf({ metadata });
    const matches = labelSelectorMatches(owner.selector, metadata.labels);
    if (controller !== undefined && controller.uid !== uid) continue;
    if (controller !== undefined) {
      if (matches || deletionTimestamp !== undefined) owned.push(candidate);
      else if (metadata.deletionTimestamp === undefined) writes.push(release(resource, owner, candidate));
      continue;
    }
    const orphan = matches && deletionTimestamp === undefined && metadata.deletionTimestamp === undefined;
    if (!orphan) continue;
    writes.push(adopt(resource, owner, candidate));
    owned.push(candidate);
  }
  return { owned, writes };
}

function adopt<T extends KubeObject>(resource: Resource<T>, owner: Owner, object: Live<T>): Write {
  const { uid } = (object as Live<KubeObject>).metadata;
  const ownerReferences = [controllerReference(owner.object, owner.apiVersion, owner.kind)];
  const finalizers = owner.finalizer === undefined ? {} : { finalizers: [owner.finalizer] };
  const metadata = { ownerReferences, ...finalizers, uid };
  return strategicPatch(resource, keyOf(object as KubeObject), { metadata });
}

function release<T extends KubeObject>(resource: Resource<T>, owner: Owner, object: Live<T>): Write {
  const { uid } = (object as Live<KubeObject>).metadata;
  const ownerReferences = [{ $patch: 'delete', uid: owner.object.metadata.uid }];
  const finalizers = owner.finalizer === undefined ? {} : { '$deleteFromPrimitiveList/finalizers': [owner.finalizer] };
  const metadata = { ownerReferences, ...finalizers, uid };
  return strategicPatch(resource, keyOf(object as KubeObject), { metadata });
}
