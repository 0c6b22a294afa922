/**
 * The words of the model: what a Service means, with no I/O and no kernel. Proxy, DNS, load balancer, tracer and page
 * all read these; none of them has its own idea of a Service.
 *
 *   Service ──frontends()──> Frontend[]         every address:port/protocol the service owns
 *                                │
 *   EndpointSlice[] + node ──backends()──> Selection   who serves that frontend from here, or why nobody does
 */

export type Family = 'IPv4' | 'IPv6';
export type Protocol = 'TCP' | 'UDP' | 'SCTP';
export type FrontendKind = 'ClusterIP' | 'NodePort' | 'ExternalIP' | 'LoadBalancerIP';

export interface ServiceRef {
  readonly namespace: string;
  readonly name: string;
}

export interface Frontend {
  readonly kind: FrontendKind;
  readonly service: ServiceRef;
  /** '' where the service has one unnamed port. Joins to EndpointPort.name. */
  readonly portName: string;
  readonly family: Family;
  readonly protocol: Protocol;
  /** undefined for NodePort: each of the node's own addresses. */
  readonly address: string | undefined;
  readonly port: number;
  /** internalTrafficPolicy for ClusterIP, externalTrafficPolicy for the others. */
  readonly policy: 'Cluster' | 'Local';
  /** ClientIP affinity, idle time-out in seconds. */
  readonly affinitySeconds: number | undefined;
  /** loadBalancerSourceRanges, canonical CIDRs of this family; undefined: everybody may. */
  readonly sourceRanges: readonly string[] | undefined;
}

/** An endpoint of one port, flattened out of its slices; duplicates are merged. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
  readonly nodeName: string | undefined;
  readonly zone: string | undefined;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly hintZones: readonly string[];
  readonly hintNodes: readonly string[];
  readonly pod: { readonly namespace: string; readonly name: string } | undefined;
}

/** Where we look from. */
export interface NodeView {
  readonly nodeName: string;
  readonly zone: string | undefined;
  /** InternalIPs of this node: node ports answer there. */
  readonly addresses: readonly string[];
  /** External IPs count in these ranges only; undefined: all of them. */
  readonly externalIpCidrs?: readonly string[];
}

/** Who serves a frontend. `reject` answers with RST/ICMP, `drop` is silent; both carry a reason that people are shown. */
export type Selection =
  | { readonly verdict: 'forward'; readonly endpoints: readonly Endpoint[]; readonly why: string }
  | { readonly verdict: 'reject' | 'drop'; readonly endpoints: readonly []; readonly why: string };
