/**
 * What the EndpointSlice loop remembers for topology-mode Auto between two looks at a service.
 * Upstream: TopologyCache in k8s.io/endpointslice/topologycache/topologycache.go.
 */
import type { Node } from '../../api/gen/types.ts';
import { isOverloaded } from './topology-hints.ts';
import type { ZoneCounts } from './topology-hints.ts';
import { zoneShares } from './zone-shares.ts';
import type { ZoneShares } from './zone-shares.ts';

export interface Topology {
  /** For planSlices. */
  about(service: string): { readonly shares: ZoneShares | undefined; readonly hinted: boolean };
  note(service: string, result: TopologyResult): void;
  forget(service: string): void;
  /** Nodes came, went or changed: the zones are weighed anew. Services whose hints no longer fit. */
  overloaded(): readonly string[];
}

interface TopologyResult {
  readonly hinted: boolean;
  readonly zoneCounts: readonly ZoneCounts[];
}

export function createTopology(nodes: () => Iterable<Node>): Topology {
  const results = new Map<string, TopologyResult>();
  /** undefined: not weighed yet. */
  let weighed: { readonly shares: ZoneShares | undefined } | undefined;
  const shares = (): ZoneShares | undefined => (weighed ??= { shares: zoneShares(nodes()) }).shares;
  return {
    about: (service) => ({ shares: shares(), hinted: results.get(service)?.hinted === true }),
    note(service, { hinted, zoneCounts }) {
      if (hinted || zoneCounts.length > 0) results.set(service, { hinted, zoneCounts });
      else results.delete(service);
    },
    forget: (service) => void results.delete(service),
    overloaded() {
      weighed = undefined;
      return [...results]
        .filter(([, { zoneCounts }]) => zoneCounts.some((counts) => isOverloaded(counts, shares())))
        .map(([service]) => service);
    },
  };
}
