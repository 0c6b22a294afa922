/**
 * One logical entry as the kernel will hold it: which endpoints in which pool, which verdict for whom. Pure; still words and
 * numbers, no bytes.
 *
 *   TableEntry ── planOf ──> Plan { pools: [all endpoints, those of this node], internal, external, sources, sourceNat, … }
 *
 * Both classes of clients share the first pool where they may reach the same endpoints, which is the usual case.
 */
import type { Family, Frontend, Protocol, Selection, TableEntry } from '../model/index.ts';
import { minimal } from './ranges.ts';

/** What happens to a client's first packet; undefined: the key is not in that map, so the general rules decide. */
export type Route = { readonly kind: 'pool'; readonly pool: 0 | 1 } | { readonly kind: 'refuse' | 'drop' } | undefined;

export interface Plan {
  readonly key: string;
  readonly family: Family;
  readonly address: string;
  readonly protocol: Protocol;
  readonly port: number;
  /** `address port`, each once. */
  readonly pools: readonly [readonly string[], readonly string[]];
  readonly internal: Route;
  readonly external: Route;
  readonly affinitySeconds: number | undefined;
  /** The service port: its frontends share what they remember of clients. */
  readonly group: string;
  readonly sources: readonly string[] | undefined;
  /** Who gets the node's address on the way to an endpoint: everybody but pods, the node itself only, or nobody extra. */
  readonly sourceNat: 'all' | 'own' | undefined;
}

export interface PlanOptions {
  /** Closed by a rule already: cluster IPs in here need no element for clients outside. */
  readonly isClosed: (address: string) => boolean;
  /** Whether node ports of services with source ranges check them (they do when load balancers are named as trusted). */
  readonly guardNodePorts: boolean;
}

export function planOf(entry: TableEntry, options: PlanOptions): Plan {
  const { frontend, key, address } = entry;
  const isClusterIP = frontend.kind === 'ClusterIP';
  const inside = texts(entry.internal);
  const outside = entry.external === entry.internal ? inside : texts(entry.external);
  const shared = same(inside, outside);
  const closed = isClusterIP && options.isClosed(address);
  return {
    key,
    family: frontend.family,
    address,
    protocol: frontend.protocol,
    port: frontend.port,
    pools: [inside, shared ? [] : outside],
    internal: routeOf(entry.internal, 0),
    external: closed ? undefined : routeOf(entry.external, shared ? 0 : 1),
    affinitySeconds: frontend.affinitySeconds,
    group: frontend.affinitySeconds === undefined ? '' : groupOf(frontend),
    sources: sourcesOf(frontend, options),
    sourceNat: isClusterIP ? (closed ? undefined : 'own') : frontend.policy === 'Cluster' ? 'all' : 'own',
  };
}

function sourcesOf({ kind, family, sourceRanges }: Frontend, options: PlanOptions): readonly string[] | undefined {
  if (sourceRanges === undefined || (kind === 'NodePort' && !options.guardNodePorts)) return undefined;
  return minimal(sourceRanges, family);
}

function routeOf(selection: Selection, pool: 0 | 1): Route {
  if (selection.verdict === 'forward') return { kind: 'pool', pool };
  return { kind: selection.verdict === 'reject' ? 'refuse' : 'drop' };
}

function groupOf({ service, portName, protocol }: Frontend): string {
  return `${service.namespace}/${service.name}:${portName}/${protocol}`;
}

/** The model names each endpoint once. */
function texts(selection: Selection): readonly string[] {
  let suffix = '';
  let last = -1;
  return selection.endpoints.map(({ address, port }) => {
    if (port !== last) suffix = ` ${String(port)}`;
    last = port;
    return address + suffix;
  });
}

function same(a: readonly string[], b: readonly string[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  const members = new Set(a);
  return b.every((text) => members.has(text));
}
