/**
 * Every name, address, link and route of a local cluster, from its settings. Pure.
 *
 *            PREFIX-wire:   bridge lan ────────────────────────────┐        bridge wan
 *              │        │        │         │            │          │          │          │
 *           node-1   node-2   node-N   control(.250)  lan(.100)  lb(.253) ── lb(.1)   internet(.10)
 *                                          host: this machine, one veth portolanSLOT, LAN .254 and public .11
 *
 * address-plan.ts says which address each has; network.ts turns all of it into `ip` commands, parts.ts into processes.
 */
import { everywhere, hostRange, inRange, nodeAddress, planOf, podRangeOf } from './address-plan.ts';
import type { Addresses, FamilyPlan } from './address-plan.ts';
import { defaultName, rangesOf } from './settings.ts';
import type { ClusterSettings } from './settings.ts';

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
  readonly links: readonly Link[];
  readonly routes: readonly Route[];
  /** Forwards packets of others. */
  readonly router: boolean;
}

export interface NamespacedPlace extends Place {
  readonly namespace: string;
}

export interface NodePlace extends NamespacedPlace {
  readonly address: string;
  readonly podRange: string;
  /** Of all families, the first ones first. */
  readonly addresses: readonly string[];
  readonly podRanges: readonly string[];
  /** undefined: the cluster has no zones. */
  readonly zone: string | undefined;
}

export interface Topology {
  /** Of the kubeconfig. */
  readonly context: string;
  /** The namespace with the two bridges. */
  readonly wire: string;
  readonly nodes: readonly [NodePlace, ...NodePlace[]];
  readonly control: NamespacedPlace;
  readonly lan: NamespacedPlace;
  /** Its first link leads to the LAN, its second one outside. */
  readonly lb: NamespacedPlace & { readonly links: readonly [Link, Link] };
  readonly internet: NamespacedPlace;
  readonly host: Place;
  readonly hostLink: string;
  /** Of the first family. */
  readonly addresses: Addresses;
  /** Of each family, the first one first. */
  readonly families: readonly [FamilyPlan, ...FamilyPlan[]];
  readonly apiPort: number;
  /** The API server's URL. */
  readonly server: string;
}

const apiPort = 6443;

export function prefixOf(name: string): string {
  return name === defaultName ? 'portolan' : `portolan-${name}`;
}

export function topologyOf(settings: ClusterSettings): Topology {
  const prefix = prefixOf(settings.name);
  const [first, ...others] = rangesOf(settings);
  const { addresses } = planOf(first);
  const families = [planOf(first), ...others.map(planOf)] as const;
  const layout: Layout = { prefix, families, nodeCount: settings.nodes };
  const node = (n: number): NodePlace => nodePlace(layout, n, zoneOf(settings, n));
  const hostLink = `portolan${String(settings.slot)}`;
  return {
    context: prefix,
    wire: `${prefix}-wire`,
    nodes: [node(1), ...nodeNumbers(layout).slice(1).map(node)],
    control: lanHost(layout, 'control', 'control'),
    lan: lanHost(layout, 'lan', 'lan-host'),
    lb: lbPlace(layout),
    internet: internetPlace(layout),
    host: hostPlace(layout, hostLink),
    hostLink,
    addresses,
    families,
    apiPort,
    server: `https://${addresses.control.includes(':') ? `[${addresses.control}]` : addresses.control}:${String(apiPort)}`,
  };
}

/** All places that are namespaces, in the order in which they are made. */
export function namespacedPlaces({ nodes, control, lan, lb, internet }: Topology): readonly NamespacedPlace[] {
  return [control, ...nodes, lb, lan, internet];
}

/** What the places are made of. */
interface Layout {
  readonly prefix: string;
  readonly families: readonly [FamilyPlan, ...FamilyPlan[]];
  readonly nodeCount: number;
}

function nodePlace(layout: Layout, n: number, zone: string | undefined): NodePlace {
  const { prefix, families } = layout;
  const name = `node-${String(n)}`;
  const inLan = families.map((plan) => inRange(nodeAddress(plan, n), plan.ranges.lanRange));
  return {
    name,
    namespace: `${prefix}-${name}`,
    address: nodeAddress(families[0], n),
    podRange: podRangeOf(families[0], n),
    addresses: families.map((plan) => nodeAddress(plan, n)),
    podRanges: families.map((plan) => podRangeOf(plan, n)),
    zone,
    links: [oneLink(name, 'lan', inLan)],
    routes: [...routesOut(layout), ...podRoutes(layout, 'eth0', n)],
    router: true,
  };
}

function lanHost(layout: Layout, name: 'control' | 'lan', port: string): NamespacedPlace {
  return {
    name,
    namespace: `${layout.prefix}-${name}`,
    links: [oneLink(port, 'lan', onLan(layout, name))],
    routes: [...routesOut(layout), ...podRoutes(layout, 'eth0')],
    router: false,
  };
}

function lbPlace(layout: Layout): Topology['lb'] {
  const { prefix, families } = layout;
  return {
    name: 'lb',
    namespace: `${prefix}-lb`,
    links: [
      { name: 'lan0', port: 'lb-lan', bridge: 'lan', addresses: onLan(layout, 'lbInside') },
      { name: 'wan0', port: 'lb-wan', bridge: 'wan', addresses: onWan(layout, 'lbOutside') },
    ],
    // This machine's public address is reached through the LAN: that is where its one link is.
    routes: [
      ...families.map((plan) => ({ to: everywhere(plan), via: plan.addresses.internet, dev: 'wan0' })),
      ...families.map((plan) => ({ to: plan.addresses.hostOutside, dev: 'lan0' })),
      ...podRoutes(layout, 'lan0'),
    ],
    router: true,
  };
}

function internetPlace(layout: Layout): NamespacedPlace {
  const { prefix, families } = layout;
  return {
    name: 'internet',
    namespace: `${prefix}-internet`,
    links: [oneLink('internet', 'wan', onWan(layout, 'internet'))],
    routes: families.map((plan) => ({ to: plan.ranges.poolRange, via: plan.addresses.lbOutside, dev: 'eth0' })),
    router: false,
  };
}

function hostPlace(layout: Layout, link: string): Place {
  const { families } = layout;
  const outside = families.map((plan) => hostRange(plan, plan.addresses.hostOutside));
  return {
    name: 'host',
    links: [{ name: link, port: 'host', bridge: 'lan', addresses: [...onLan(layout, 'hostInside'), ...outside] }],
    routes: families.map(({ ranges, addresses: { lbInside, hostOutside } }) => ({
      to: ranges.poolRange,
      via: lbInside,
      dev: link,
      src: hostOutside,
    })),
    router: false,
  };
}

function nodeNumbers({ nodeCount }: Layout): number[] {
  return Array.from({ length: nodeCount }, (_, i) => i + 1);
}

/** Routed pods: every host of the LAN but `host` knows which node holds which pod range. */
function podRoutes(layout: Layout, dev: string, except?: number): Route[] {
  const others = nodeNumbers(layout).filter((n) => n !== except);
  return layout.families.flatMap((plan) =>
    others.map((n) => ({ to: podRangeOf(plan, n), via: nodeAddress(plan, n), dev })),
  );
}

function routesOut({ families }: Layout): Route[] {
  return families.map((plan) => ({ to: everywhere(plan), via: plan.addresses.lbInside, dev: 'eth0' }));
}

function oneLink(port: string, bridge: Link['bridge'], addresses: readonly string[]): Link {
  return { name: 'eth0', port, bridge, addresses };
}

function onLan({ families }: Layout, key: keyof Addresses): string[] {
  return families.map((plan) => inRange(plan.addresses[key], plan.ranges.lanRange));
}

function onWan({ families }: Layout, key: keyof Addresses): string[] {
  return families.map((plan) => inRange(plan.addresses[key], plan.ranges.publicRange));
}

/** Neighbours in different zones: zones that hold the same number of nodes, as far as it goes. */
function zoneOf({ zones }: ClusterSettings, n: number): string | undefined {
  return zones === undefined ? undefined : `zone-${String(((n - 1) % zones) + 1)}`;
}
