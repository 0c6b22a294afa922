/** Quality of service class of a pod. Upstream: pkg/apis/core/v1/helper/qos. */
import type { PodSpec } from '../../gen/types.ts';
import { parseQuantity } from '../../quantity.ts';
import { allContainers } from './defaults.ts';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

/** What the pod as a whole asks for counts alone. Guaranteed: every container limits CPU and memory, and asks for just that. BestEffort: nobody asks for anything. */
export function qosClass(spec: PodSpec): QosClass {
  let anything = false;
  let guaranteed = true;
  const asked = spec.resources === undefined ? allContainers(spec) : [{ resources: spec.resources }];
  for (const { resources } of asked) {
    for (const name of ['cpu', 'memory']) {
      const limit = nano(resources?.limits?.[name]);
      const request = nano(resources?.requests?.[name]);
      if (limit > 0n || request > 0n) anything = true;
      if (limit === 0n || (request !== 0n && request !== limit)) guaranteed = false;
    }
  }
  if (!anything) return 'BestEffort';
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

function nano(text: string | undefined): bigint {
  return (text === undefined ? undefined : parseQuantity(text))?.nano ?? 0n;
}
