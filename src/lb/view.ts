/**
 * What the informers hold, seen by the load balancer: which nodes may, which URLs to probe, what the kernel should do.
 */
import type { Node, Service } from '../api/gen/types.ts';
import type { Live } from '../api/object.ts';
import type { Informer } from '../client/index.ts';
import type { Ledger } from './ledger.ts';
import { lbNode } from './node.ts';
import type { LbNode } from './node.ts';
import type { Prober } from './probe.ts';
import type { WantedState } from './programmer.ts';
import { wantsLoadBalancer } from './service.ts';
import type { LiveService } from './service.ts';
import { probeUrls, targets } from './targets.ts';
import type { TargetInput } from './targets.ts';

export interface View {
  /** Nodes that get connections as far as the API server knows. */
  ready(): readonly LbNode[];
  urls(): ReadonlySet<string>;
  wanted(prober: Pick<Prober, 'healthOf'>): WantedState;
  health(prober: Pick<Prober, 'healthOf'>): ReadonlyMap<string, boolean>;
}

export function createView(
  services: Informer<Service>,
  nodes: Informer<Node>,
  ledger: Ledger,
  rest: Pick<TargetInput, 'nodeUrl' | 'slicesOf' | 'podRanges'>,
): View {
  const { nodeUrl } = rest;
  const everyNode = (): readonly LbNode[] =>
    // One order for ever: the same nodes get the same slots after a restart.
    [...nodes.list()].map(lbNode).sort((a, b) => (a.name < b.name ? -1 : 1));
  const owning = (): { readonly service: LiveService; readonly addresses: readonly string[] }[] =>
    [...services.list()]
      .filter(wantsLoadBalancer)
      .map((service) => ({ service, addresses: ledger.addressesOf(service.metadata.uid) }))
      .filter(({ addresses }) => addresses.length > 0);

  return {
    ready: () => everyNode().filter((node) => node.standing === 'ready'),
    urls() {
      const all = everyNode();
      const urls = new Set(all.flatMap((node) => node.addresses).map(nodeUrl));
      // A service that has no address yet is probed for too: it is served in the moment it gets one.
      for (const service of services.list()) {
        if (!wantsLoadBalancer(service)) continue;
        for (const url of probeUrls({ service, nodes: all, nodeUrl })) urls.add(url);
      }
      return urls;
    },
    wanted({ healthOf }) {
      const all = everyNode();
      const claims = owning();
      return {
        vips: claims.flatMap(({ addresses }) => addresses),
        frontends: claims.flatMap((claim) => targets({ ...claim, ...rest, nodes: all, healthOf })),
      };
    },
    health({ healthOf }) {
      return new Map(
        everyNode().map((node) => [
          node.name,
          node.addresses.some((address) => healthOf(nodeUrl(address)) === 'healthy'),
        ]),
      );
    },
  };
}

/** What we read of a node, so that a large cluster's images and capacities are not kept. */
export function slimNode(node: Live<Node>): Live<Node> {
  const { addresses, conditions } = node.status ?? {};
  const ready = conditions?.filter(({ type }) => type === 'Ready');
  return {
    ...node,
    status: {
      ...(addresses === undefined ? {} : { addresses }),
      ...(ready === undefined ? {} : { conditions: ready }),
    },
  };
}
