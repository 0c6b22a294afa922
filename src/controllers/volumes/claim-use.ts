/** Which claims a pod uses. Pure. Upstream: pkg/controller/volume/pvcprotection, component-helpers/storage/ephemeral. */
import type { PersistentVolumeClaim, Pod, Volume } from '../../api/gen/types.ts';
import type { Live } from '../../api/object.ts';

/** By name; of an ephemeral volume it is the claim that is made for it. */
export function claimsOf({ metadata, spec }: Live<Pod>): string[] {
  return (spec?.volumes ?? []).flatMap((volume) => {
    if (volume.persistentVolumeClaim !== undefined) return [volume.persistentVolumeClaim.claimName];
    return volume.ephemeral === undefined ? [] : [ephemeralClaim(metadata.name, volume)];
  });
}

/** A pod without a node does not hold a claim: no node starts one whose claim is going. */
export function uses(pod: Live<Pod>, claim: Live<PersistentVolumeClaim>): boolean {
  if ((pod.spec?.nodeName ?? '') === '') return false;
  return (pod.spec?.volumes ?? []).some((volume) => {
    if (volume.persistentVolumeClaim?.claimName === claim.metadata.name) return true;
    if (volume.ephemeral === undefined || isShutDown(pod)) return false;
    return ephemeralClaim(pod.metadata.name, volume) === claim.metadata.name && isMadeFor(claim, pod);
  });
}

function ephemeralClaim(pod: string, { name }: Volume): string {
  return `${pod}-${name}`;
}

function isMadeFor({ metadata }: Live<PersistentVolumeClaim>, pod: Live<Pod>): boolean {
  return (
    metadata.ownerReferences?.some(({ uid, controller }) => controller === true && uid === pod.metadata.uid) === true
  );
}

/** Its node is done with it, or it was deleted by force: its finalizers may in turn wait for the claim. */
function isShutDown({ metadata }: Live<Pod>): boolean {
  return metadata.deletionTimestamp !== undefined && metadata.deletionGracePeriodSeconds === 0;
}
