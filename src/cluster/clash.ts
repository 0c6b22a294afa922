/**
 * Does a range of the cluster touch anything that this machine already routes or owns? Asked before anything is made.
 *
 *   `ip -j addr` + `ip -j route` ──> MachineView ── findClashes(settings, view) ──> [] or what clashes with what, and the flag
 *
 * Pure. A default route is no clash: everything is inside it. Links and namespaces of the cluster itself are not looked at, so
 * that `up` on a running cluster does not clash with itself.
 */
import { cidrsOverlap, parseCidr, parseIp } from '../util/ip.ts';
import type { Cidr } from '../util/ip.ts';
import { rangeFlags } from './settings.ts';
import type { ClusterSettings, RangeName } from './settings.ts';

/** The fields of `ip -j route show table all` that are read here. */
export interface MachineRoute {
  readonly dst: string;
  readonly dev?: string;
  readonly gateway?: string;
  readonly type?: string;
  readonly table?: string;
}

/** The fields of `ip -j addr` that are read here. */
export interface MachineLink {
  readonly ifname: string;
  readonly addr_info?: readonly { readonly family?: string; readonly local?: string; readonly prefixlen?: number }[];
}

export interface MachineView {
  readonly routes: readonly MachineRoute[];
  readonly links: readonly MachineLink[];
  /** The machine's name servers: a range that covers one would cut the machine off from names. */
  readonly resolvers: readonly string[];
}

export interface Clash {
  readonly setting: RangeName;
  readonly range: string;
  /** `route 10.10.0.0/16 via 192.168.1.1 dev eth0`, `address 10.10.10.7/24 of eth0` */
  readonly with: string;
}

const checked: readonly RangeName[] = ['lanRange', 'publicRange', 'podRange', 'serviceRange'];

export function findClashes(settings: ClusterSettings, view: MachineView, ownLink: string): readonly Clash[] {
  const taken = takenRanges(view, ownLink);
  const clashes: Clash[] = [];
  for (const setting of checked) {
    const range = parseCidr(settings[setting]);
    if (range === undefined) continue;
    const hit = taken.find((one) => cidrsOverlap(one.range, range));
    if (hit !== undefined) clashes.push({ setting, range: settings[setting], with: hit.what });
  }
  return clashes;
}

/** One line per clash, each with its fix. */
export function clashText(clash: Clash): string {
  return `range ${clash.range} clashes with this machine's ${clash.with}: choose another with ${rangeFlags[clash.setting]}`;
}

interface Taken {
  readonly range: Cidr;
  readonly what: string;
}

/** Links first: an address says more to a person than the route that comes with it. */
function takenRanges(view: MachineView, ownLink: string): readonly Taken[] {
  return [
    ...view.links.filter((link) => link.ifname !== ownLink).flatMap(takenByLink),
    ...view.routes.filter((route) => route.dev !== ownLink).flatMap(takenByRoute),
    ...view.resolvers.flatMap(takenByResolver),
  ];
}

function takenByLink(link: MachineLink): Taken[] {
  return (link.addr_info ?? []).flatMap(({ local = '', prefixlen = 32 }) => {
    const range = containing(local, prefixlen);
    return range === undefined ? [] : [{ range, what: `address ${local}/${String(prefixlen)} of ${link.ifname}` }];
  });
}

function takenByRoute(route: MachineRoute): Taken[] {
  // Multicast and link-local are each link's own.
  if (route.dst.startsWith('ff00::') || route.dst.startsWith('fe80::')) return [];
  const range = parseCidr(route.dst) ?? containing(route.dst);
  // `default`, and 0.0.0.0/1 with 128.0.0.0/1, which is how VPNs write it.
  if (range === undefined || range.bits <= 1) return [];
  const type = route.type === undefined || route.type === 'unicast' ? '' : `${route.type} `;
  const via = route.gateway === undefined ? '' : ` via ${route.gateway}`;
  const dev = route.dev === undefined ? '' : ` dev ${route.dev}`;
  return [{ range, what: `${type}route ${route.dst}${via}${dev}` }];
}

function takenByResolver(resolver: string): Taken[] {
  const range = containing(resolver);
  return range === undefined || resolver.startsWith('127.') ? [] : [{ range, what: `name server ${resolver}` }];
}

/** Without `bits`: the address alone. */
function containing(address: string, bits?: number): Cidr | undefined {
  const ip = parseIp(address);
  if (ip === undefined) return undefined;
  const whole = ip.family === 'IPv6' ? 128 : 32;
  const shift = BigInt(whole - (bits ?? whole));
  return { family: ip.family, base: (ip.value >> shift) << shift, bits: bits ?? whole };
}
