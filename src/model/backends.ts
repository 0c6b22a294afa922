/**
 * Who serves a frontend, seen from one node, for one class of clients:
 *
 *   internal   this node's own processes and its pods
 *   external   everybody else who sends packets to this node
 *
 *                     internal                                   external
 *   ClusterIP         internalTrafficPolicy decides              nobody: cluster IPs are for the cluster
 *   the others        always all endpoints (short circuit)       externalTrafficPolicy decides
 *
 *   Cluster   ready, narrowed by topology hints ─none─> serving and terminating ─none─> reject
 *   Local     ready on this node ─none─> serving and terminating on this node ─none─> drop (reject where there is none at all)
 *
 * Upstream: pkg/proxy/topology.go (CategorizeEndpoints), pkg/proxy/nftables/proxier.go.
 */
import type { EndpointSlice } from '../api/gen/types.ts';
import { endpoints } from './endpoints.ts';
import { hinted } from './hints.ts';
import type { Endpoint, Frontend, NodeView, Selection } from './types.ts';

export type Traffic = 'internal' | 'external';

/** `slices` are those of the frontend's service. Without `traffic`: clients that the frontend is meant for. */
export function backends(
  frontend: Frontend,
  slices: readonly EndpointSlice[],
  node: NodeView,
  traffic: Traffic = frontend.kind === 'ClusterIP' ? 'internal' : 'external',
): Selection {
  return select(frontend, endpoints(slices, frontend), node, traffic);
}

/** As backends(), for endpoints that are flattened already: several frontends share them. */
export function select(frontend: Frontend, all: readonly Endpoint[], node: NodeView, traffic: Traffic): Selection {
  if (frontend.kind === 'ClusterIP') {
    if (traffic === 'external') return drop('a cluster IP is reachable inside the cluster only');
    return frontend.policy === 'Local' ? localOnly(all, node, 'internalTrafficPolicy') : clusterWide(all, node);
  }
  return traffic === 'external' && frontend.policy === 'Local'
    ? localOnly(all, node, 'externalTrafficPolicy')
    : clusterWide(all, node);
}

/** Those that health check node ports count: ready, on this node. */
export function localReady(all: readonly Endpoint[], node: NodeView): readonly Endpoint[] {
  return all.filter((endpoint) => endpoint.ready && isLocal(endpoint, node));
}

function clusterWide(all: readonly Endpoint[], node: NodeView): Selection {
  const ready = all.filter((endpoint) => endpoint.ready);
  if (ready.length > 0) return hinted(ready, node);
  const leaving = all.filter(isLeaving);
  if (leaving.length > 0) return forward(leaving, 'no endpoint is ready: those that are terminating still serve');
  return reject(all.length === 0 ? 'the service has no endpoints' : 'no endpoint of the service is ready');
}

function localOnly(all: readonly Endpoint[], node: NodeView, policy: string): Selection {
  const local = all.filter((endpoint) => isLocal(endpoint, node));
  const ready = local.filter((endpoint) => endpoint.ready);
  if (ready.length > 0) return forward(ready, `${policy} is Local: the endpoints on ${node.nodeName}`);
  const leaving = local.filter(isLeaving);
  const why = `${policy} is Local and no endpoint on ${node.nodeName} is ready`;
  if (leaving.length > 0) return forward(leaving, `${why}: those that are terminating still serve`);
  return all.some((endpoint) => endpoint.ready || isLeaving(endpoint)) ? drop(why) : clusterWide(all, node);
}

function isLocal(endpoint: Endpoint, node: NodeView): boolean {
  return endpoint.nodeName === node.nodeName;
}

function isLeaving(endpoint: Endpoint): boolean {
  return endpoint.serving && endpoint.terminating;
}

function forward(chosen: readonly Endpoint[], why: string): Selection {
  return { verdict: 'forward', endpoints: chosen, why };
}

function reject(why: string): Selection {
  return { verdict: 'reject', endpoints: [], why };
}

function drop(why: string): Selection {
  return { verdict: 'drop', endpoints: [], why };
}
