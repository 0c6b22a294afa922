/**
 * What the load balancer is told: which addresses are its own to give away, and where its two legs stand.
 *
 *   internet ── publicInterface (wan0) [ lb ] lanInterface (lan0) ── lanCidrs: nodes, and hosts without a proxy
 */
import type { Client } from '../client/index.ts';

export interface LbOptions {
  readonly client: Client;
  /**
   * Addresses to give away: `198.51.100.128/25` (its network and broadcast address stay unused), `198.51.100.130-198.51.100.140`,
   * `198.51.100.200`. Both families may be mixed.
   */
  readonly pools: readonly string[];
  readonly lanInterface: string;
  readonly publicInterface: string;
  /** Clients in here are masqueraded: a node would answer them past us. */
  readonly lanCidrs: readonly string[];
  /** More such ranges (pods): a node answers them directly too. */
  readonly podCidrs?: readonly string[];
  /** Ranges that no pool may touch, for example the cluster IPs; the LAN, the pods and our own addresses are known. */
  readonly reservedCidrs?: readonly string[];
  readonly nodeHealth?: Partial<NodeHealthOptions>;
  /** `/healthz`, `/readyz` and `/metrics` on 127.0.0.1; default 10258 (upstream's cloud controller manager); 0: none. */
  readonly healthPort?: number;
  /** Where the record of what was given away is kept. Default kube-system/portolan-load-balancer. */
  readonly record?: { readonly namespace: string; readonly name: string };
  /** Called once, when services that exist at the start are programmed. */
  readonly onReady?: () => void;
}

export interface NodeHealthOptions {
  /** The proxy's health port on each node (kube-proxy's is 10256). */
  readonly port: number;
  readonly path: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** So many silent probes in a row, and the node is out. One good answer brings it back. */
  readonly misses: number;
}

export const defaultNodeHealth: NodeHealthOptions = {
  port: 10256,
  path: '/healthz',
  intervalMs: 1000,
  timeoutMs: 1000,
  misses: 2,
};

/** Services that name this class, or none, are ours. */
export const loadBalancerClass = 'portolan.io/lb';

/** Asks for addresses as `spec.loadBalancerIP` does (deprecated upstream), one per family, comma separated. */
export const addressAnnotation = 'portolan.io/load-balancer-ips';

/** Upstream: k8s.io/cloud-provider/service/helpers LoadBalancerCleanupFinalizer. */
export const cleanupFinalizer = 'service.kubernetes.io/load-balancer-cleanup';
