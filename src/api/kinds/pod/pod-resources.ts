/**
 * Defaults of what a pod asks for as a whole (PodLevelResources), from its containers and from its limits. Upstream: defaultPodRequests,
 * defaultHugePagePodLimits in pkg/apis/core/v1/defaults.go.
 */
import type { PodSpec } from '../../gen/types.ts';
import { formatQuantity } from '../../quantity.ts';
import { isHugePages } from '../resource-names.ts';
import { totals } from './resources.ts';

export function setPodResourceDefaults(spec: PodSpec): void {
  const { resources } = spec;
  if (resources === undefined) return;
  const { limits = {}, requests = {} } = resources;
  if (Object.keys(limits).length + Object.keys(requests).length === 0) return;
  for (const [name, sum] of totals(spec, 'limits')) {
    if (isHugePages(name) && requests[name] === undefined) limits[name] ??= formatQuantity(sum);
  }
  if (Object.keys(limits).length === 0) return;
  resources.limits = limits;
  for (const [name, sum] of totals(spec, 'requests')) {
    if (name === 'cpu' || name === 'memory') requests[name] ??= formatQuantity(sum);
  }
  for (const [name, limit] of Object.entries(limits)) {
    if (name === 'cpu' || name === 'memory' || isHugePages(name)) requests[name] ??= limit;
  }
  if (Object.keys(requests).length > 0) resources.requests = requests;
}
