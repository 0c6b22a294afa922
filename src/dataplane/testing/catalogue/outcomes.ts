/**
 * What must happen in each cell. Written down from upstream's rules and from nothing of ours, so that model and kernel have a
 * judge; the words are those of the cells.
 *
 *   whose tables     a cluster IP or load balancer address is caught by the sender's node, a node port by the node that has the
 *                    address; from the LAN and from outside all of it comes to node-1
 *   short circuit    senders on the deciding node reach all endpoints through node ports and load balancer addresses, whatever
 *                    externalTrafficPolicy says: pkg/proxy/nftables/proxier.go (writeServiceExternalChain…, "short-circuit")
 *   who serves       ready ones, else those that terminate and still serve, for Cluster and for Local each:
 *                    pkg/proxy/topology.go (CategorizeEndpoints)
 *   nobody           refused where no endpoint serves anywhere (pkg/proxy/nftables: noEndpointServicesMap, reject); silence where
 *                    only other nodes have one (noEndpointNodePorts …: "drop")
 *   source address   kept under Local and between pods; the node's under Cluster from elsewhere, and for a pod that reaches itself
 *                    (pkg/proxy/nftables: masquerading, hairpin)
 *
 * Stricter than upstream: a cluster IP is not answered to anybody without a proxy, silently (Cilium's default as well); and a
 * pod keeps its address through a node port or load balancer address of its own node under Cluster too.
 */
import type { Cell } from './cells.ts';

export type NodeName = 'node-1' | 'node-2';
export type PodName = 'pod-a' | 'pod-b' | 'pod-c' | 'pod-d';

export type Expected =
  | { readonly outcome: 'refused' }
  | { readonly outcome: 'dropped' }
  /** By server: whose address it sees, the client's or one of `node`. */
  | {
      readonly outcome: 'reached';
      readonly node: NodeName;
      readonly servers: ReadonlyMap<PodName, 'client' | 'node'>;
    };

interface StateEndpoint {
  readonly pod: PodName;
  readonly node: NodeName;
  readonly condition: 'ready' | 'leaving' | 'not';
}

const local = { pod: 'pod-b', node: 'node-1' } as const;
const remote = { pod: 'pod-c', node: 'node-2' } as const;

export const endpointsOf: Readonly<Record<Cell['state'], readonly StateEndpoint[]>> = {
  local: [{ ...local, condition: 'ready' }],
  remote: [{ ...remote, condition: 'ready' }],
  both: [
    { ...local, condition: 'ready' },
    { ...remote, condition: 'ready' },
  ],
  terminating: [{ ...local, condition: 'leaving' }],
  'not-ready': [{ ...local, condition: 'not' }],
  none: [],
  // publishNotReadyAddresses: the slice says ready of a pod that is not.
  published: [{ ...local, condition: 'ready' }],
};

export interface Vantage {
  /** The sender's node; undefined: it has no proxy. */
  readonly node: NodeName | undefined;
  readonly pod?: PodName;
}

export function vantageOf({ vantage, state }: Pick<Cell, 'vantage' | 'state'>): Vantage {
  switch (vantage) {
    case 'pod on the same node':
      return { node: 'node-1', pod: 'pod-a' };
    case 'pod on the other node':
      return { node: 'node-2', pod: 'pod-d' };
    case 'the endpoint itself': {
      const { pod, node } = endpointsOf[state][0] ?? local;
      return { node, pod };
    }
    case 'node':
    case 'host-network pod':
      return { node: 'node-1' };
    case 'other node':
      return { node: 'node-2' };
    case 'lan':
    case 'outside':
      return { node: undefined };
  }
}

export function expected(cell: Cell): Expected {
  const from = vantageOf(cell);
  const deciding = cell.type === 'NodePort' ? 'node-1' : (from.node ?? 'node-1');
  const isInside = from.node === deciding;
  if (cell.type === 'ClusterIP' && !isInside) return { outcome: 'dropped' };
  const policy = cell.type === 'ClusterIP' ? cell.internal : isInside ? 'Cluster' : cell.external;

  const all = endpointsOf[cell.state];
  const candidates = policy === 'Local' ? all.filter(({ node }) => node === deciding) : all;
  const ready = candidates.filter(({ condition }) => condition === 'ready');
  const chosen = ready.length > 0 ? ready : candidates.filter(({ condition }) => condition === 'leaving');
  if (chosen.length === 0) {
    return { outcome: all.some(({ condition }) => condition !== 'not') ? 'dropped' : 'refused' };
  }
  const seenBy = (server: PodName): 'client' | 'node' => {
    if (server === from.pod) return 'node';
    if (isInside) return from.pod === undefined ? 'node' : 'client';
    return policy === 'Cluster' ? 'node' : 'client';
  };
  return {
    outcome: 'reached',
    node: deciding,
    servers: new Map(chosen.map(({ pod }) => [pod, seenBy(pod)])),
  };
}
