/**
 * The logical table of one node: every concrete address:port/protocol, with who serves it for clients inside and outside.
 * What the data plane programs, the tracer explains and the page shows.
 *
 *   Service + its slices ── serviceEntries ──> TableEntry[]    all that one change has to recompute
 *   all services         ── buildTable ──────> ServiceTable    key -> entry; two services that claim one key: the older wins
 */
import type { EndpointSlice, Service } from '../api/gen/types.ts';
import { select } from './backends.ts';
import { endpoints, serviceKeyOf } from './endpoints.ts';
import { frontends } from './frontends.ts';
import { cidrContains, familyOf, mustParseCidr, parseIp } from '../util/ip.ts';
import type { Endpoint, Frontend, NodeView, Protocol, Selection } from './types.ts';

/** `10.96.0.1 TCP 80`: what a packet is looked up by. */
export type EntryKey = string;

export interface TableEntry {
  readonly key: EntryKey;
  readonly frontend: Frontend;
  /** The frontend's own, or the node's for a node port. */
  readonly address: string;
  /** For this node's processes and its pods. */
  readonly internal: Selection;
  /** For everybody else. */
  readonly external: Selection;
  /** Of the service port, on any node and in any state. */
  readonly endpoints: readonly Endpoint[];
  /** Decides between services that claim the same key. */
  readonly since: string;
}

export interface ServiceTable {
  readonly node: NodeView;
  readonly entries: ReadonlyMap<EntryKey, TableEntry>;
}

export interface TableInput {
  readonly services: Iterable<Service>;
  readonly slices: Iterable<EndpointSlice>;
  readonly node: NodeView;
}

export function buildTable({ services, slices, node }: TableInput): ServiceTable {
  const byService = Map.groupBy(slices, (slice) => serviceKeyOf(slice) ?? '');
  const entries = new Map<EntryKey, TableEntry>();
  for (const service of services) {
    const key = `${service.metadata?.namespace ?? ''}/${service.metadata?.name ?? ''}`;
    for (const entry of serviceEntries(service, byService.get(key) ?? [], node)) {
      const other = entries.get(entry.key);
      entries.set(entry.key, other === undefined ? entry : winner(other, entry));
    }
  }
  return { node, entries };
}

export function serviceEntries(service: Service, slices: readonly EndpointSlice[], node: NodeView): TableEntry[] {
  const since = service.metadata?.creationTimestamp ?? '';
  const flat = new Map<string, readonly Endpoint[]>();
  const found = new Map<EntryKey, TableEntry>();
  for (const frontend of frontends(service)) {
    const port = `${frontend.family} ${frontend.protocol} ${frontend.portName}`;
    let all = flat.get(port);
    if (all === undefined) flat.set(port, (all = endpoints(slices, frontend)));
    const internal = select(frontend, all, node, 'internal');
    const external = select(frontend, all, node, 'external');
    for (const address of addressesOf(frontend, node)) {
      const key = entryKey(address, frontend.protocol, frontend.port);
      const entry = { key, frontend, address, internal, external, endpoints: all, since };
      const other = found.get(key);
      if (other === undefined || isStricter(entry, other)) found.set(key, entry);
    }
  }
  return [...found.values()];
}

/** A service may name an address twice, as its external IP and as its load balancer's: source ranges hold for both. */
function isStricter(entry: TableEntry, other: TableEntry): boolean {
  const isGuarded = ({ kind, sourceRanges }: Frontend): boolean =>
    kind === 'LoadBalancerIP' && sourceRanges !== undefined;
  return isGuarded(entry.frontend) && !isGuarded(other.frontend);
}

export function entryKey(address: string, protocol: Protocol, port: number): EntryKey {
  return `${address} ${protocol} ${String(port)}`;
}

/** Of two entries with the same key. */
export function winner(a: TableEntry, b: TableEntry): TableEntry {
  return byPrecedence(claimantOf(b), claimantOf(a)) < 0 ? b : a;
}

/** A service that claims keys. */
export interface Claimant {
  readonly since: string;
  /** `namespace/name` */
  readonly service: string;
}

/** Negative: the first one has what both claim. Never the later one: nobody takes over an address by naming it in a new Service. */
export function byPrecedence(a: Claimant, b: Claimant): number {
  if (a.since !== b.since) return a.since < b.since ? -1 : 1;
  return a.service < b.service ? -1 : a.service > b.service ? 1 : 0;
}

function claimantOf({ since, frontend: { service } }: TableEntry): Claimant {
  return { since, service: `${service.namespace}/${service.name}` };
}

function addressesOf(frontend: Frontend, node: NodeView): readonly string[] {
  if (frontend.address !== undefined) return isAllowed(frontend, frontend.address, node) ? [frontend.address] : [];
  return node.addresses.filter((address) => familyOf(address) === frontend.family);
}

function isAllowed({ kind }: Frontend, address: string, { externalIpCidrs }: NodeView): boolean {
  if (kind !== 'ExternalIP' || externalIpCidrs === undefined) return true;
  const ip = parseIp(address);
  return ip !== undefined && externalIpCidrs.some((text) => cidrContains(mustParseCidr(text), ip));
}
