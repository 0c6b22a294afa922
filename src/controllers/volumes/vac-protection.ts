/** A VolumeAttributesClass stays while a volume or a claim names it. Upstream: pkg/controller/volume/vacprotection. */
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/gen/types.ts';
import { resources } from '../../api/resources.ts';
import { startLoop } from '../context.ts';
import type { ControllerContext } from '../context.ts';
import { applyWrites } from '../writes.ts';
import { planProtection, wantsProtection } from './protection.ts';

const finalizer = 'kubernetes.io/vac-protection';

export function runAttributesProtection(context: ControllerContext): void {
  const { views } = context;
  const classes = views.of(resources.volumeAttributesClasses);
  const volumes = views.of(resources.persistentVolumes);
  const claims = views.of(resources.persistentVolumeClaims);
  const writer = context.writer('volumeattributesclass-protection-controller');

  const isUsed = (name: string): boolean => {
    for (const volume of volumes.list()) if (ofVolume(volume).includes(name)) return true;
    for (const claim of claims.list()) if (ofClaim(claim).includes(name)) return true;
    return false;
  };
  const work = async (name: string): Promise<void> => {
    const found = classes.get({ namespace: '', name });
    if (found === undefined) return;
    const { volumeAttributesClasses } = resources;
    await applyWrites(writer, await planProtection(volumeAttributesClasses, found, finalizer, () => isUsed(name)));
  };
  const queue = startLoop(context, 'vac-protection', { views: [classes, volumes, claims], work });

  classes.onChange((found) => {
    if (found !== undefined && wantsProtection(found, finalizer)) queue.add(found.metadata.name);
  });
  const release = (before: readonly string[], now: readonly string[]): void => {
    for (const name of before) if (!now.includes(name)) queue.add(name);
  };
  volumes.onChange((now, old) => release(ofVolume(old), ofVolume(now)));
  claims.onChange((now, old) => release(ofClaim(old), ofClaim(now)));
}

function ofVolume(volume: PersistentVolume | undefined): string[] {
  return namesIn([volume?.spec?.volumeAttributesClassName]);
}

function ofClaim(claim: PersistentVolumeClaim | undefined): string[] {
  const { currentVolumeAttributesClassName, modifyVolumeStatus } = claim?.status ?? {};
  return namesIn([
    claim?.spec?.volumeAttributesClassName,
    currentVolumeAttributesClassName,
    modifyVolumeStatus?.targetVolumeAttributesClassName,
  ]);
}

function namesIn(names: readonly (string | undefined)[]): string[] {
  return names.flatMap((name) => (name === undefined || name === '' ? [] : [name]));
}
