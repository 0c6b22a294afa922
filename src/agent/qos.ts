/** Guaranteed, Burstable or BestEffort. Upstream: pkg/apis/core/v1/helper/qos/qos.go. */
import type { Pod } from '../api/gen/types.ts';
import { parseQuantity } from './quantity.ts';

const counted = ['cpu', 'memory'];

export function qosClass(pod: Pod): string {
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  let any = false;
  let guaranteed = true;
  for (const container of containers) {
    const requests = container.resources?.requests ?? {};
    const limits = container.resources?.limits ?? {};
    for (const name of counted) {
      const limit = parseQuantity(limits[name]) ?? 0;
      const request = parseQuantity(requests[name]) ?? limit;
      if (limit > 0 || request > 0) any = true;
      if (limit <= 0 || request !== limit) guaranteed = false;
    }
  }
  return !any ? 'BestEffort' : guaranteed ? 'Guaranteed' : 'Burstable';
}
