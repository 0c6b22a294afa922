/**
 * StorageObjectInUseProtection: what is in use is not removed under who uses it. The finalizers are taken away by the loops of
 * src/controllers/volumes. Upstream: plugin/pkg/admission/storage/storageobjectinuseprotection.
 */
import type { KubeObject } from '../../api/object.ts';
import { groupResourceOf, resources } from '../../api/resources.ts';
import type { AdmissionPlugin } from './request.ts';

const finalizers: ReadonlyMap<string, string> = new Map([
  [groupResourceOf(resources.persistentVolumes), 'kubernetes.io/pv-protection'],
  [groupResourceOf(resources.persistentVolumeClaims), 'kubernetes.io/pvc-protection'],
  [groupResourceOf(resources.volumeAttributesClasses), 'kubernetes.io/vac-protection'],
]);

export const storageProtection: AdmissionPlugin = ({ verb, resource, subresource, object }) => {
  if (verb !== 'create' || subresource !== '' || object === undefined) return;
  const finalizer = finalizers.get(groupResourceOf(resource));
  if (finalizer !== undefined) protect(object, finalizer);
};

function protect({ metadata }: KubeObject, finalizer: string): void {
  const known = metadata?.finalizers ?? [];
  if (metadata !== undefined && !known.includes(finalizer)) metadata.finalizers = [...known, finalizer];
}
