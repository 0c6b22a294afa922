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
import { defaultName } from './settings.ts';
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
  readonly addresses: {
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
  };
  readonly apiPort: number;
}

export function prefixOf(name: string): string {
  return name === defaultName ? 'portolan' : `portolan-${name}`;
}

export function topologyOf(settings: ClusterSettings): Topology {
  const prefix = prefixOf(settings.name);
  const lan = mustParseCidr(settings.lanRange);
  const wan = mustParseCidr(settings.publicRange);
  const pods = mustParseCidr(settings.podRange);
  const services = mustParseCidr(settings.serviceRange);
  const addresses = {
    control: addressAt(lan, 250),
    lan: addressAt(lan, 100),
    lbInside: addressAt(lan, 253),
    lbOutside: addressAt(wan, 1),
    internet: addressAt(wan, 10),
    hostInside: addressAt(lan, 254),
    hostOutside: addressAt(wan, 11),
    kubernetes: addressAt(services, 1),
    dns: addressAt(services, 10),
  };
  const inLan = (address: string): string => `${address}/${String(lan.bits)}`;
  const inWan = (address: string): string => `${address}/${String(wan.bits)}`;
  const numbers = Array.from({ length: settings.nodes }, (_, i) => i + 1);
  const podRangeOf = (n: number): string => `${addressAt(pods, n * 256)}/24`;
  /** Routed pods: every host of the LAN but `host` knows which node holds which pod range. */
  const podRoutes = (dev: string, except?: number): Route[] =>
    numbers.filter((n) => n !== except).map((n) => ({ to: podRangeOf(n), via: addressAt(lan, n), dev }));
  const out = (dev: string): Route => ({ to: 'default', via: addresses.lbInside, dev });
  const oneLink = (port: string, bridge: 'lan' | 'wan', address: string): Link[] => [
    { name: 'eth0', port, bridge, addresses: [address] },
  ];

  const nodes = numbers.map((n): NodePlace => {
    const name = `node-${String(n)}`;
    const address = addressAt(lan, n);
    return {
      name,
      kind: 'node',
      namespace: `${prefix}-${name}`,
      address,
      podRange: podRangeOf(n),
      links: oneLink(name, 'lan', inLan(address)),
      routes: [out('eth0'), ...podRoutes('eth0', n)],
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
      links: oneLink('control', 'lan', inLan(addresses.control)),
      routes: [out('eth0'), ...podRoutes('eth0')],
      router: false,
    },
    lan: {
      name: 'lan',
      kind: 'lan',
      namespace: `${prefix}-lan`,
      links: oneLink('lan-host', 'lan', inLan(addresses.lan)),
      routes: [out('eth0'), ...podRoutes('eth0')],
      router: false,
    },
    lb: {
      name: 'lb',
      kind: 'lb',
      namespace: `${prefix}-lb`,
      links: [
        { name: 'lan0', port: 'lb-lan', bridge: 'lan', addresses: [inLan(addresses.lbInside)] },
        { name: 'wan0', port: 'lb-wan', bridge: 'wan', addresses: [inWan(addresses.lbOutside)] },
      ],
      // This machine's public address is reached through the LAN: that is where its one link is.
      routes: [
        { to: 'default', via: addresses.internet, dev: 'wan0' },
        { to: addresses.hostOutside, dev: 'lan0' },
        ...podRoutes('lan0'),
      ],
      router: true,
    },
    internet: {
      name: 'internet',
      kind: 'internet',
      namespace: `${prefix}-internet`,
      links: oneLink('internet', 'wan', inWan(addresses.internet)),
      routes: [{ to: settings.poolRange, via: addresses.lbOutside, dev: 'eth0' }],
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
          addresses: [inLan(addresses.hostInside), `${addresses.hostOutside}/32`],
        },
      ],
      routes: [{ to: settings.poolRange, via: addresses.lbInside, dev: hostLink, src: addresses.hostOutside }],
      router: false,
    },
    hostLink,
    addresses,
    apiPort: 6443,
  };
}

/** All places that are namespaces, in the order in which they are made. */
export function namespacedPlaces(topology: Topology): readonly (Place & { readonly namespace: string })[] {
  const { nodes, control, lan, lb, internet } = topology;
  return [control, ...nodes, lb, lan, internet].filter(
    (place): place is Place & { readonly namespace: string } => place.namespace !== undefined,
  );
}

function addressAt(range: Cidr, n: number): string {
  return formatIp(nthAddress(range, n));
}
