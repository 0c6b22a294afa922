/**
 * trafficDistribution as hints for the proxies. Upstream: k8s.io/endpointslice/trafficdist.
 *
 *   PreferSameZone, PreferClose   forZones: the endpoint's own zone
 *   PreferSameNode                forNodes: the endpoint's own node, and forZones
 */
import type { Endpoint, EndpointHints } from '../../api/gen/types.ts';
import type { LiveService } from './pod-endpoint.ts';
import { wantsAutoHints } from './topology-hints.ts';

/** topology-mode Auto goes before it (topology-hints.ts). Only ready endpoints carry hints: a proxy that sees one without falls back to all of them. */
export function withHints(service: LiveService, endpoint: Endpoint): Endpoint {
  const wish = wantsAutoHints(service.metadata.annotations) ? undefined : service.spec?.trafficDistribution;
  const known = wish === 'PreferClose' || wish === 'PreferSameZone' || wish === 'PreferSameNode';
  if (!known || endpoint.conditions?.ready !== true) return endpoint;
  const hints: EndpointHints = {};
  if (endpoint.zone !== undefined) hints.forZones = [{ name: endpoint.zone }];
  if (wish === 'PreferSameNode' && endpoint.nodeName !== undefined) hints.forNodes = [{ name: endpoint.nodeName }];
  return hints.forZones === undefined && hints.forNodes === undefined ? endpoint : { ...endpoint, hints };
}
