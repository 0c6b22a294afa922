/** The Services and EndpointSlices behind the cells, all in force at once, and where each cell's packet comes from and goes to. */
import type { EndpointSlice, Service } from '../../../api/gen/types.ts';
import type { Family } from '../../../model/index.ts';
import { service, slice } from '../objects.ts';
import { addresses, outside, outside6 } from '../topology.ts';
import type { PlaceName } from '../topology.ts';
import { axes, serviceCells } from './cells.ts';
import type { Cell, ServiceCell } from './cells.ts';
import { endpointsOf, vantageOf } from './outcomes.ts';

export const servedPort = 8080;

const names = new Map(serviceCells().map((cell, i) => [nameOf(cell), i]));

export function catalogueObjects(): { readonly services: Service[]; readonly slices: EndpointSlice[] } {
  const services: Service[] = [];
  const slices: EndpointSlice[] = [];
  for (const cell of serviceCells()) {
    services.push(serviceOf(cell));
    for (const family of axes.family) slices.push(...slicesOf(cell, family));
  }
  return { services, slices };
}

/** Where a cell's packet goes. */
export function destinationOf(cell: Cell): { readonly address: string; readonly port: number } {
  const v = cell.family === 'IPv4' ? 0 : 1;
  if (cell.type === 'NodePort') return { address: addresses['node-1'][v], port: nodePortOf(cell) };
  const owned = cell.type === 'ClusterIP' ? clusterIPs(cell) : publicAddresses(cell);
  return { address: owned[v], port: 80 };
}

/** Where it comes from: the place that sends, and under which address. `host` is a second process on node-1. */
export function originOf(cell: Cell): { readonly place: PlaceName | 'host'; readonly address: string } {
  const v = cell.family === 'IPv4' ? 0 : 1;
  if (cell.vantage === 'lan') return { place: 'lan', address: addresses.lan[v] };
  if (cell.vantage === 'outside') return { place: 'lan', address: v === 0 ? outside : outside6 };
  const { pod, node = 'node-1' } = vantageOf(cell);
  const place = pod ?? node;
  return { place: cell.vantage === 'host-network pod' ? 'host' : place, address: addresses[place][v] };
}

function serviceOf(cell: ServiceCell): Service {
  const { type, internal, external, affinity, state } = cell;
  const nodePort = type === 'NodePort' ? { nodePort: nodePortOf(cell) } : {};
  const spec = {
    type: type === 'ExternalIP' ? 'ClusterIP' : type,
    clusterIPs: [...clusterIPs(cell)],
    internalTrafficPolicy: internal,
    externalTrafficPolicy: external,
    sessionAffinity: affinity,
    publishNotReadyAddresses: state === 'published',
    ...(type === 'ExternalIP' ? { externalIPs: [...publicAddresses(cell)] } : {}),
    ...(type === 'LoadBalancer' ? { allocateLoadBalancerNodePorts: false } : {}),
    ports: axes.protocol.map((protocol) => ({ name: protocol.toLowerCase(), port: 80, protocol, ...nodePort })),
  };
  const ingress = publicAddresses(cell).map((ip) => ({ ip, ipMode: 'VIP' }));
  return service(nameOf(cell), spec, type === 'LoadBalancer' ? { loadBalancer: { ingress } } : {});
}

/** One slice per protocol: hand-made ones may look like this, and merging them is part of the work. */
function slicesOf(cell: ServiceCell, family: Family): EndpointSlice[] {
  const name = nameOf(cell);
  const ends = endpointsOf[cell.state].map(({ pod, node, condition }) => ({
    address: addresses[pod][family === 'IPv4' ? 0 : 1],
    node,
    ready: condition === 'ready',
    serving: condition === 'leaving' || (condition === 'ready' && cell.state !== 'published'),
    terminating: condition === 'leaving',
  }));
  return axes.protocol.map((protocol) => {
    const portName = protocol.toLowerCase();
    return slice(name, servedPort, ends, { name: `${name}-${portName}-${family}`, protocol, portName, family });
  });
}

function nameOf({ type, internal, external, affinity, state }: ServiceCell): string {
  return `${type}-${internal}-${external}-${affinity}-${state}`.toLowerCase();
}

function indexOf(cell: ServiceCell): number {
  return names.get(nameOf(cell)) ?? 0;
}

function clusterIPs(cell: ServiceCell): readonly [string, string] {
  const i = indexOf(cell);
  return [`10.96.${String(8 + (i >> 8))}.${String(i & 255)}`, `fd00:10:96::${(0x1000 + i).toString(16)}`];
}

/** Only services that own a public address have one; the range has room for 126. */
function publicAddresses(cell: ServiceCell): readonly [string, string] {
  const perType = names.size / axes.type.length;
  const n = (indexOf(cell) % perType) + (cell.type === 'LoadBalancer' ? 0 : perType);
  return [`198.51.100.${String(129 + n)}`, `2001:db8:51::${(0x10 + n).toString(16)}`];
}

function nodePortOf(cell: ServiceCell): number {
  return 30_100 + indexOf(cell);
}
