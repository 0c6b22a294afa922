/** A PersistentVolumeClaim stays while a pod on a node uses it. Upstream: pkg/controller/volume/pvcprotection. */
import type { PersistentVolumeClaim, Pod } from '../../api/gen/types.ts';
import { keyOf, keyText } from '../../api/object.ts';
import type { Live } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { parseKey, startLoop } from '../context.ts';
import type { ControllerContext } from '../context.ts';
import { isTerminal } from '../pods.ts';
import { applyWrites } from '../writes.ts';
import { claimsOf, uses } from './claim-use.ts';
import { planProtection, wantsProtection } from './protection.ts';

const finalizer = 'kubernetes.io/pvc-protection';

export function runClaimProtection(context: ControllerContext): void {
  const { client, views } = context;
  const claims = views.of(resources.persistentVolumeClaims);
  const pods = views.of(resources.pods);
  const writer = context.writer('pvc-protection-controller');

  /** What we hold may lack a pod that was just bound: before the claim goes, the server is asked. */
  const isUsed = async (claim: Live<PersistentVolumeClaim>): Promise<boolean> => {
    const { namespace = '' } = claim.metadata;
    for (const pod of pods.list(namespace)) if (uses(pod, claim)) return true;
    const { items } = await client.list(resources.pods, { namespace });
    return items.some((pod) => uses(pod, claim));
  };
  const work = async (key: string): Promise<void> => {
    const claim = claims.get(parseKey(key));
    if (claim === undefined) return;
    const { persistentVolumeClaims } = resources;
    await applyWrites(writer, await planProtection(persistentVolumeClaims, claim, finalizer, () => isUsed(claim)));
  };
  const queue = startLoop(context, 'pvc-protection', { views: [claims, pods], work });

  const release = (pod: Live<Pod>): void => {
    for (const name of claimsOf(pod)) queue.add(keyText({ namespace: pod.metadata.namespace ?? '', name }));
  };
  claims.onChange((claim) => {
    if (claim !== undefined && wantsProtection(claim, finalizer)) queue.add(keyText(keyOf(claim)));
  });
  pods.onChange((pod, old) => {
    if (pod !== undefined && (isTerminal(pod) || (pod.spec?.nodeName ?? '') === '')) release(pod);
    if (old !== undefined && old.metadata.uid !== pod?.metadata.uid) release(old);
  });
}
