/** Owner references: who controls an object. Upstream: metav1.NewControllerRef, GetControllerOf. */
import type { ObjectMeta, OwnerReference } from '../api/gen/types.ts';
import type { KubeObject, Live } from '../api/object.ts';

export function controllerReference(owner: Live<KubeObject>, apiVersion: string, kind: string): OwnerReference {
  const { name, uid } = owner.metadata;
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
}

export function controllerOf(object: { readonly metadata?: ObjectMeta } | undefined): OwnerReference | undefined {
  return object?.metadata?.ownerReferences?.find(({ controller }) => controller === true);
}
