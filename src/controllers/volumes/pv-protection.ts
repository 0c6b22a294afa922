/** A PersistentVolume stays while it is bound to a claim. Upstream: pkg/controller/volume/pvprotection. */
import { resources } from '../../api/resources.ts';
import { startLoop } from '../context.ts';
import type { ControllerContext } from '../context.ts';
import { applyWrites } from '../writes.ts';
import { planProtection, wantsProtection } from './protection.ts';

const finalizer = 'kubernetes.io/pv-protection';

export function runVolumeProtection(context: ControllerContext): void {
  const volumes = context.views.of(resources.persistentVolumes);
  const writer = context.writer('pv-protection-controller');

  const work = async (name: string): Promise<void> => {
    const volume = volumes.get({ namespace: '', name });
    if (volume === undefined) return;
    const isBound = (): boolean => volume.status?.phase === 'Bound';
    await applyWrites(writer, await planProtection(resources.persistentVolumes, volume, finalizer, isBound));
  };
  const queue = startLoop(context, 'pv-protection', { views: [volumes], work });

  volumes.onChange((volume) => {
    if (volume !== undefined && wantsProtection(volume, finalizer)) queue.add(volume.metadata.name);
  });
}
