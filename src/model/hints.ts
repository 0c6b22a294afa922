/**
 * Topology hints: the controller says which zones or nodes an endpoint should serve (KEP-2433, KEP-3015); a node follows the
 * hints only when every ready endpoint has one and at least one of them names it. Node hints go before zone hints.
 *
 * Upstream: pkg/proxy/topology.go (topologyModeFromHints).
 */
import type { Endpoint, NodeView, Selection } from './types.ts';

/** `ready` is not empty. */
export function hinted(ready: readonly Endpoint[], node: NodeView): Selection {
  const forNode = chosenBy(ready, (endpoint) => endpoint.hintNodes, node.nodeName);
  if (forNode !== undefined) {
    return { verdict: 'forward', endpoints: forNode, why: `ready endpoints hinted for node ${node.nodeName}` };
  }
  const forZone = chosenBy(ready, (endpoint) => endpoint.hintZones, node.zone);
  if (forZone !== undefined) {
    return { verdict: 'forward', endpoints: forZone, why: `ready endpoints hinted for zone ${node.zone ?? ''}` };
  }
  return { verdict: 'forward', endpoints: ready, why: 'all ready endpoints' };
}

function chosenBy(
  ready: readonly Endpoint[],
  hints: (endpoint: Endpoint) => readonly string[],
  here: string | undefined,
): readonly Endpoint[] | undefined {
  if (here === undefined || here === '' || ready.some((endpoint) => hints(endpoint).length === 0)) return undefined;
  const chosen = ready.filter((endpoint) => hints(endpoint).includes(here));
  return chosen.length > 0 ? chosen : undefined;
}
