/**
 * The links of a local cluster: which commands build them, and which are still missing. Pure text; up.ts runs it.
 *
 *   Topology + what exists ── networkScript() ──> one shell script
 *        1. `ip -batch`: missing namespaces, bridges, veth pairs      (one process for all)
 *        2. per namespace, side by side: sysctls, addresses, routes    (`replace`: the same command makes and repairs)
 *
 * Nothing outside our namespaces is changed but the one host link with its addresses and route.
 */
import { namespacedPlaces } from './topology.ts';
import type { Link, NamespacedPlace, Place, Topology } from './topology.ts';

/** What a look at the machine found; everything empty on a first `up`. */
export interface ExistingNetwork {
  readonly namespaces: ReadonlySet<string>;
  /** Names of the links in the wire namespace. */
  readonly wireLinks: ReadonlySet<string>;
}

export const nothing: ExistingNetwork = { namespaces: new Set(), wireLinks: new Set() };

const bridges = ['lan', 'wan'] as const;

export function networkScript(topology: Topology, existing: ExistingNetwork): string {
  const places = namespacedPlaces(topology);
  const batch = [...creations(topology, places, existing)];
  const lines = ['set -eu'];
  if (batch.length > 0) lines.push("ip -batch - <<'END'", ...batch, 'END');
  lines.push('waits=');
  lines.push(...inNamespace(topology.wire, wireLines(topology, places)));
  for (const place of places) lines.push(...inNamespace(place.namespace, placeLines(place)));
  lines.push('for job in $waits; do wait "$job"; done');
  // Last, because its routes make the cluster visible on this machine.
  lines.push(...batchLines(linkLines(topology.host)), '');
  return lines.join('\n');
}

/** Step 1: what has to be created, as lines of one `ip -batch`. */
function* creations(
  topology: Topology,
  places: readonly NamespacedPlace[],
  existing: ExistingNetwork,
): Generator<string> {
  for (const namespace of [topology.wire, ...places.map((place) => place.namespace)]) {
    if (!existing.namespaces.has(namespace)) yield `netns add ${namespace}`;
  }
  // Bridges before ports: a new namespace counts its links from 2, and a pair whose ends have the same number there is not
  // urgent to the kernel (net/core/link_watch.c), so that its bridge port would open up to a second late.
  if (!existing.namespaces.has(topology.wire)) {
    for (const bridge of bridges) yield `link add name ${bridge} netns ${topology.wire} type bridge`;
  }
  const pair = (link: Link, inside: string): string =>
    `link add name ${link.name}${inside} type veth peer name ${link.port} netns ${topology.wire}`;
  // A pair dies with either end, so looking at the wire's end tells both; the bridges take their ports in step 2.
  const missing = ({ links }: Place): Link[] => links.filter((link) => !existing.wireLinks.has(link.port));
  for (const place of places) yield* missing(place).map((link) => pair(link, ` netns ${place.namespace}`));
  yield* missing(topology.host).map((link) => pair(link, ''));
}

function wireLines(topology: Topology, places: readonly Place[]): string[] {
  const links = [...places, topology.host].flatMap((place) => place.links);
  return [
    ...bridges.map((bridge) => `[ -e /proc/sys/net/ipv4/conf/${bridge} ] || ip link add ${bridge} type bridge`),
    ...batchLines([
      'link set lo up',
      ...bridges.map((bridge) => `link set ${bridge} type bridge mcast_snooping 0 stp_state 0`),
      ...links.map((link) => `link set ${link.port} master ${link.bridge} up`),
      ...bridges.map((bridge) => `link set ${bridge} up`),
    ]),
    // Frames between our hosts are no business of this machine's bridge filter.
    sysctl('net/bridge/bridge-nf-call-iptables', '0'),
  ];
}

function placeLines(place: Place): string[] {
  return [...sysctlsOf(place), ...batchLines(['link set lo up', ...linkLines(place)])];
}

function linkLines(place: Place): string[] {
  return [...place.links.flatMap(addressLines), ...place.routes.map((route) => `route replace ${routeText(route)}`)];
}

function addressLines(link: Link): string[] {
  return [
    // Nobody else is on these bridges, so no second is lost to duplicate address detection.
    ...link.addresses.map(
      (address) => `address replace ${address} dev ${link.name}${address.includes(':') ? ' nodad' : ''}`,
    ),
    `link set ${link.name} up`,
  ];
}

function routeText(route: Place['routes'][number]): string {
  const via = route.via === undefined ? '' : ` via ${route.via}`;
  const src = route.src === undefined ? '' : ` src ${route.src}`;
  return `${route.to}${via} dev ${route.dev}${src}`;
}

/**
 * A new namespace takes IPv4 `conf` values from the machine, so each one that matters is set. Loose reverse-path filtering is
 * what distributions give a server; redirects would teach the LAN host to bypass a node.
 */
function sysctlsOf(place: Place): string[] {
  const lines: string[] = [];
  if (place.router) lines.push(sysctl('net/ipv4/ip_forward', '1'), sysctl('net/ipv6/conf/all/forwarding', '1'));
  for (const scope of ['all', 'default', ...place.links.map((link) => link.name)]) {
    const conf = `net/ipv4/conf/${scope}`;
    lines.push(
      sysctl(`${conf}/rp_filter`, '2'),
      sysctl(`${conf}/send_redirects`, '0'),
      sysctl(`${conf}/accept_redirects`, '0'),
      sysctl(`${conf}/route_localnet`, '0'),
      sysctl(`net/ipv6/conf/${scope}/accept_ra`, '0'),
      sysctl(`net/ipv6/conf/${scope}/accept_redirects`, '0'),
    );
  }
  return lines;
}

function sysctl(path: string, value: string): string {
  return `[ ! -e /proc/sys/${path} ] || echo ${value} >/proc/sys/${path}`;
}

function batchLines(lines: readonly string[]): string[] {
  return ["ip -batch - <<'IP'", ...lines, 'IP'];
}

/** `nsenter`, not `ip netns exec`: it makes no mount namespace. */
function inNamespace(namespace: string, lines: readonly string[]): string[] {
  return [`nsenter --net=/run/netns/${namespace} sh -eu <<'END' &`, ...lines, 'END', 'waits="$waits $!"'];
}
