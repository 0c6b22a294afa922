/**
 * A finalizer that holds an object while it is used.
 *
 *   being deleted, used        stays as it is
 *   being deleted, not used    the finalizer goes, and the object with it
 *   not being deleted          has the finalizer; admission gives it to what is new (StorageObjectInUseProtection)
 *
 * Upstream: pkg/controller/util/protectionutil.
 */
import type { KubeObject, Live } from '../../api/object.ts';
import { keyOf } from '../../api/object.ts';
import type { Resource } from '../../api/resources.ts';
import { mergePatch } from '../writes.ts';
import type { Write } from '../writes.ts';

/** Whether there may be something to do. */
export function wantsProtection({ metadata }: Live<KubeObject>, finalizer: string): boolean {
  const isDeleted = metadata.deletionTimestamp !== undefined;
  return isDeleted === (metadata.finalizers ?? []).includes(finalizer);
}

/** Of the very version that was looked at: who has changed it meanwhile is asked again. */
export async function planProtection<T extends KubeObject>(
  resource: Resource<T>,
  object: Live<T>,
  finalizer: string,
  isUsed: () => boolean | Promise<boolean>,
): Promise<readonly Write[]> {
  if (!wantsProtection(object, finalizer)) return [];
  const { finalizers = [], deletionTimestamp, resourceVersion } = object.metadata;
  if (deletionTimestamp !== undefined && (await isUsed())) return [];
  const wanted =
    deletionTimestamp === undefined ? [...finalizers, finalizer] : finalizers.filter((one) => one !== finalizer);
  return [mergePatch(resource, keyOf(object), { metadata: { resourceVersion, finalizers: wanted } })];
}
