/**
 * Every name, address, link and route of a local cluster, from its settings. Pure.
 *
 *            PREFIX-wire:   bridge lan ────────────────────────────┐        bridge wan
 *              │        │        │         │            │          │          │          │
 *           node-1   node-2   node-N   control(.250)  lan(.100)  lb(.253) ── lb(.1)   internet(.10)
 *                                          host: this machine, one veth portolanSLOT, LAN .254 and public .11
 *
 * network.ts turns it into `ip` commands, parts.ts into processes.
 */
import { formatIp, mustParseCidr, nthAddress } from '../util/ip.ts';
import type { Cidr } from '../util/ip.ts';
import { defaultName, rangesOf } from './settings.ts';
import type { ClusterRanges, ClusterSettings } from './settings.ts';

export interface Route {
  /** `default`, a range or an address. */
  readonly to: string;
  /** Next hop; undefined: directly on the link. */
  readonly via?: string;
  readonly dev: string;
  /** Preferred source address. */
  readonly src?: string;
}

export interface Link {
  /** Its name inside the place. */
  readonly name: string;
  /** The other end, a port of this bridge in the wire namespace. */
  readonly port: string;
  readonly bridge: 'lan' | 'wan';
  /** With prefix length. */
  readonly addresses: readonly string[];
}

/** A host of the drawing: a network namespace, or this machine itself. */
export interface Place {
  readonly name: string;
  readonly kind: 'node' | 'control' | 'lan' | 'lb' | 'internet' | 'host';
  /** undefined: the machine's own. */
  readonly namespace: string | undefined;
  readonly links: readonly Link[];
  readonly routes: readonly Route[];
  /** Forwards packets of others. */
  readonly router: boolean;
}

export interface NodePlace extends Place {
  readonly kind: 'node';
  readonly namespace: string;
  readonly address: string;
  readonly podRange: string;
  /** Of all families, the first ones first. */
  readonly addresses: readonly string[];
  readonly podRanges: readonly string[];
  /** undefined: the cluster has no zones. */
  readonly zone: string | undefined;
}

export interface Topology {
  readonly prefix: string;
  readonly context: string;
  /** The namespace with the two bridges. */
  readonly wire: string;
  readonly nodes: readonly NodePlace[];
  readonly control: Place;
  readonly lan: Place;
  readonly lb: Place;
  readonly internet: Place;
  readonly host: Place;
  readonly hostLink: string;
  /** Of the first family. */
  readonly addresses: Addresses;
  /** Of each family, the first one first. */
  readonly families: readonly FamilyPlan[];
  readonly apiPort: number;
  /** The API server's URL. */
  readonly server: string;
}

export interface Addresses {
  readonly control: string;
  readonly lan: string;
  readonly lbInside: string;
  readonly lbOutside: string;
  readonly internet: string;
  readonly hostInside: string;
  readonly hostOutside: string;
  /** The `kubernetes` service: first address of the range, as upstream. */
  readonly kubernetes: string;
  readonly dns: string;
}

/** What one address family gives to every place. */
export interface FamilyPlan {
  readonly ranges: ClusterRanges;
  readonly addresses: Addresses;
  readonly isIPv6: boolean;
}

const apiPort = 6443;

export function prefixOf(name: string): string {
  return name === defaultName ? 'portolan' : `portolan-${name}`;
}

export function topologyOf(settings: ClusterSettings): Topology {
  const prefix = prefixOf(settings.name);
  const plans = rangesOf(settings).map(planOf);
  const addresses = plans[0]!.addresses;
  const numbers = Array.from({ length: settings.nodes }, (_, i) => i + 1);
  /** Routed pods: every host of the LAN but `host` knows which node holds which pod range. */
  const podRoutes = (dev: string, except?: number): Route[] =>
    plans.flatMap((plan) =>
      numbers.filter((n) => n !== except).map((n) => ({ to: podRangeOf(plan, n), via: nodeAddress(plan, n), dev })),
    );
  const out = (dev: string): Route[] =>
    plans.map((plan) => ({ to: everywhere(plan), via: plan.addresses.lbInside, dev }));
  const onLan = (key: keyof Addresses): string[] =>
    plans.map((plan) => inRange(plan.addresses[key], plan.ranges.lanRange));
  const onWan = (key: keyof Addresses): string[] =>
    plans.map((plan) => inRange(plan.addresses[key], plan.ranges.publicRange));
  const oneLink = (port: string, bridge: 'lan' | 'wan', all: readonly string[]): Link[] => [
    { name: 'eth0', port, bridge, addresses: all },
  ];

  const nodes = numbers.map((n): NodePlace => {
    const name = `node-${String(n)}`;
    const own = plans.map((plan) => nodeAddress(plan, n));
    const podRanges = plans.map((plan) => podRangeOf(plan, n));
    return {
      name,
      kind: 'node',
      namespace: `${prefix}-${name}`,
      address: own[0]!,
      podRange: podRanges[0]!,
      addresses: own,
      podRanges,
      zone: zoneOf(settings, n),
      links: oneLink(
        name,
        'lan',
        plans.map((plan) => inRange(nodeAddress(plan, n), plan.ranges.lanRange)),
      ),
      routes: [...out('eth0'), ...podRoutes('eth0', n)],
      router: true,
    };
  });
  const hostLink = `portolan${String(settings.slot)}`;
  return {
    prefix,
    context: prefix,
    wire: `${prefix}-wire`,
    nodes,
    control: {
      name: 'control',
      kind: 'control',
      namespace: `${prefix}-control`,
      links: oneLink('control', 'lan', onLan('control')),
      routes: [...out('eth0'), ...podRoutes('eth0')],
      router: false,
    },
    lan: {
      name: 'lan',
      kind: 'lan',
      namespace: `${prefix}-lan`,
      links: oneLink('lan-host', 'lan', onLan('lan')),
      routes: [...out('eth0'), ...podRoutes('eth0')],
      router: false,
    },
    lb: {
      name: 'lb',
      kind: 'lb',
      namespace: `${prefix}-lb`,
      links: [
        { name: 'lan0', port: 'lb-lan', bridge: 'lan', addresses: onLan('lbInside') },
        { name: 'wan0', port: 'lb-wan', bridge: 'wan', addresses: onWan('lbOutside') },
      ],
      // This machine's public address is reached through the LAN: that is where its one link is.
      routes: [
        ...plans.map((plan) => ({ to: everywhere(plan), via: plan.addresses.internet, dev: 'wan0' })),
        ...plans.map((plan) => ({ to: plan.addresses.hostOutside, dev: 'lan0' })),
        ...podRoutes('lan0'),
      ],
      router: true,
    },
    internet: {
      name: 'internet',
      kind: 'internet',
      namespace: `${prefix}-internet`,
      links: oneLink('internet', 'wan', onWan('internet')),
      routes: plans.map((plan) => ({ to: plan.ranges.poolRange, via: plan.addresses.lbOutside, dev: 'eth0' })),
      router: false,
    },
    host: {
      name: 'host',
      kind: 'host',
      namespace: undefined,
      links: [
        {
          name: hostLink,
          port: 'host',
          bridge: 'lan',
          addresses: [...onLan('hostInside'), ...plans.map((plan) => hostRange(plan, plan.addresses.hostOutside))],
        },
      ],
      routes: plans.map(({ ranges, addresses: { lbInside, hostOutside } }) => ({
        to: ranges.poolRange,
        via: lbInside,
        dev: hostLink,
        src: hostOutside,
      })),
      router: false,
    },
    hostLink,
    addresses,
    families: plans,
    apiPort,
    server: `https://${addresses.control.includes(':') ? `[${addresses.control}]` : addresses.control}:${String(apiPort)}`,
  };
}

function planOf(ranges: ClusterRanges): FamilyPlan {
  const lan = mustParseCidr(ranges.lanRange);
  const wan = mustParseCidr(ranges.publicRange);
  const services = mustParseCidr(ranges.serviceRange);
  return {
    ranges,
    isIPv6: lan.family === 'IPv6',
    addresses: {
      control: addressAt(lan, 250),
      lan: addressAt(lan, 100),
      lbInside: addressAt(lan, 253),
      lbOutside: addressAt(wan, 1),
      internet: addressAt(wan, 10),
      hostInside: addressAt(lan, 254),
      hostOutside: addressAt(wan, 11),
      kubernetes: addressAt(services, 1),
      dns: addressAt(services, 10),
    },
  };
}

function nodeAddress(plan: FamilyPlan, n: number): string {
  return addressAt(mustParseCidr(plan.ranges.lanRange), n);
}

/** Neighbours in different zones: zones that hold the same number of nodes, as far as it goes. */
function zoneOf({ zones }: ClusterSettings, n: number): string | undefined {
  return zones === undefined ? undefined : `zone-${String(((n - 1) % zones) + 1)}`;
}

/** A /24 of IPv4, a /64 of IPv6. */
function podRangeOf({ ranges, isIPv6 }: FamilyPlan, n: number): string {
  const pods = mustParseCidr(ranges.podRange);
  return isIPv6 ? `${addressAt(pods, BigInt(n) << 64n)}/64` : `${addressAt(pods, n * 256)}/24`;
}

function everywhere({ isIPv6 }: FamilyPlan): string {
  return isIPv6 ? '::/0' : 'default';
}

function hostRange({ isIPv6 }: FamilyPlan, address: string): string {
  return `${address}/${isIPv6 ? '128' : '32'}`;
}

function inRange(address: string, range: string): string {
  return `${address}/${String(mustParseCidr(range).bits)}`;
}

/** All places that are namespaces, in the order in which they are made. */
export function namespacedPlaces(topology: Topology): readonly (Place & { readonly namespace: string })[] {
  const { nodes, control, lan, lb, internet } = topology;
  return [control, ...nodes, lb, lan, internet].filter(
    (place): place is Place & { readonly namespace: string } => place.namespace !== undefined,
  );
}

function addressAt(range: Cidr, n: number | bigint): string {
  return formatIp(nthAddress(range, n));
}
