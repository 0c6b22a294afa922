/**
 * What the caller decides about a node's proxy. The process runs inside the node's network namespace (on a real machine: the
 * root one).
 */
import type { EndpointSlice, Node, Service, ServiceCIDR } from '../api/gen/types.ts';
import type { Client, Informer } from '../client/index.ts';
import type { ConntrackWishes } from './sysctls.ts';

/** Informers that the process has anyway: shared instead of doubled. They may hold services that are not proxied. */
export interface ProxyInformers {
  readonly services: Informer<Service>;
  readonly endpointSlices: Informer<EndpointSlice>;
  /** This one with its labels. */
  readonly nodes?: Informer<Node>;
  readonly serviceCIDRs?: Informer<ServiceCIDR>;
}

export interface ProxyOptions {
  readonly client: Client;
  readonly nodeName: string;
  /** InternalIPs of this node, until its Node object tells them: node ports answer there and nowhere else. */
  readonly nodeIPs: readonly string[];
  /** Pods of all nodes. */
  readonly clusterCidrs: readonly string[];
  /** Pods of this node. Default: Node.spec.podCIDRs; where that is unset: clusterCidrs. */
  readonly podCidrs?: readonly string[];
  /** Where the pod network gives pods addresses outside their Node.spec.podCIDRs: `cluster`, for clusterCidrs. Default `node`. */
  readonly localPods?: 'node' | 'cluster';
  /** Cluster IPs; ServiceCIDR objects add to them while the proxy runs. */
  readonly serviceCidrs: readonly string[];
  /** Networks outside the cluster whose hosts may use cluster IPs through this node; default none. */
  readonly clusterIpClients?: readonly string[];
  /** External IPs count in these only; default everywhere (DenyServiceExternalIPs of the API server is the first line). */
  readonly externalIpCidrs?: readonly string[];
  /** Pods' connections out of the cluster get the node's address; default true. Elsewhere it is the pod network's own business. */
  readonly masqueradePods?: boolean;
  /** Networks of the nodes: pods keep their address towards them. */
  readonly lanCidrs?: readonly string[];
  /** More networks towards which pods keep their address. */
  readonly nonMasqueradeCidrs?: readonly string[];
  /**
   * Load balancers that check loadBalancerSourceRanges themselves and may hide the client's address. Given, node ports check
   * the ranges too, for everybody else; not given, only load balancer addresses do (upstream's way).
   */
  readonly trustedSources?: readonly string[];
  /** CIDRs of this machine's addresses where node ports answer; default, or `primary`: the node's InternalIPs. */
  readonly nodePortAddresses?: readonly string[];
  readonly nodePortRange?: readonly [number, number];
  /** Pods are on links whose names begin so, each with a route of its own: forged addresses of pods are dropped. */
  readonly podLinks?: string;
  readonly informers?: ProxyInformers;
  /** `/healthz` and `/livez` for load balancers; default port 10256 on every address; false: none. */
  readonly healthz?: Bind | false;
  /** `/proxyMode`, `/metrics`, `/healthz`; default 127.0.0.1:10249; false: none. */
  readonly metrics?: Bind | false;
  /** TCP node ports on 127.0.0.1 and ::1, by a listener of ours; default true. */
  readonly localhostNodePorts?: boolean;
  /** conntrack time-outs as kube-proxy sets them; default true. Or how they are to be. */
  readonly sysctls?: boolean | ConntrackWishes;
  /** nftables table; default `portolan`. */
  readonly table?: string;
}

export interface Bind {
  /** Default for healthz: every address. */
  readonly address?: string;
  readonly port: number;
}

export interface Proxy {
  /** The kernel has everything that the API server had at the start. Never rejects; stays pending when aborted before. */
  readonly synced: Promise<void>;
  readonly hasSynced: () => boolean;
  /** After the signal: listeners are closed. The kernel's tables stay, and forward. */
  readonly stopped: Promise<void>;
}
