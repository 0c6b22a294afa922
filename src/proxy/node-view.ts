/**
 * What the proxy takes from its Node object: where node ports answer, the zone, which pods are local, and whether load
 * balancers should still send connections here.
 */
import type { Node } from '../api/gen/types.ts';
import { isUsableAddress } from '../model/index.ts';
import type { NodeView } from '../model/index.ts';
import { canonicalIp } from '../util/ip.ts';
import { nodePortAddresses } from './node-port-addresses.ts';
import type { ProxyOptions } from './options.ts';

export interface NodeFacts {
  readonly view: NodeView;
  readonly podCidrs: readonly string[];
  /** Those are of all nodes. */
  readonly podsOfAllNodes: boolean;
  /** False while the node is going away or nobody knows it: upstream's pkg/proxy/healthcheck (KEP-3836). */
  readonly eligible: boolean;
}

const zoneLabel = 'topology.kubernetes.io/zone';
/** Upstream: pkg/proxy/node.go (the autoscaler's announcement). */
const goingTaint = 'ToBeDeletedByClusterAutoscaler';

export function nodeFacts(options: ProxyOptions, node: Node | undefined): NodeFacts {
  const told = (node?.status?.addresses ?? [])
    .filter(({ type }) => type === 'InternalIP')
    .map(({ address }) => address);
  const addresses = (told.length > 0 ? told : options.nodeIPs).flatMap((text) => canonicalIp(text) ?? []);
  const zone = node?.metadata?.labels?.[zoneLabel];
  const { podCIDR, podCIDRs } = node?.spec ?? {};
  const fromNode = podCIDRs ?? (podCIDR === undefined ? [] : [podCIDR]);
  return {
    view: {
      nodeName: options.nodeName,
      zone: zone === '' ? undefined : zone,
      addresses: nodePortAddresses(options.nodePortAddresses, [...new Set(addresses)]).filter(isUsableAddress),
      ...(options.externalIpCidrs === undefined ? {} : { externalIpCidrs: options.externalIpCidrs }),
    },
    ...podsOf(options, fromNode),
    eligible:
      node !== undefined &&
      node.metadata?.deletionTimestamp === undefined &&
      !(node.spec?.taints ?? []).some(({ key }) => key === goingTaint),
  };
}

function podsOf(
  { localPods = 'node', podCidrs, clusterCidrs }: ProxyOptions,
  fromNode: readonly string[],
): Pick<NodeFacts, 'podCidrs' | 'podsOfAllNodes'> {
  const known = localPods === 'cluster' ? undefined : (podCidrs ?? (fromNode.length > 0 ? fromNode : undefined));
  return { podCidrs: known ?? clusterCidrs, podsOfAllNodes: known === undefined };
}

export function sameFacts(a: NodeFacts, b: NodeFacts): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
