/**
 * The catalogue of what a proxy must do: every combination of these axes is a cell, and has an outcome (outcomes.ts). The same
 * cells are walked by virtual packets and asked by real ones.
 */

export const axes = {
  /** The kind of address that is asked: the cluster IP, the node port on node-1, or the address that a load balancer owns. */
  type: ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalIP'],
  internal: ['Cluster', 'Local'],
  external: ['Cluster', 'Local'],
  affinity: ['None', 'ClientIP'],
  family: ['IPv4', 'IPv6'],
  protocol: ['TCP', 'UDP', 'SCTP'],
  /** "local" is on node-1: pod-b; "remote" is on node-2: pod-c. */
  state: ['local', 'remote', 'both', 'terminating', 'not-ready', 'none', 'published'],
  vantage: [
    'pod on the same node',
    'pod on the other node',
    'the endpoint itself',
    'node',
    'other node',
    'host-network pod',
    'lan',
    'outside',
  ],
} as const;

type Axes = typeof axes;
export type Cell = { readonly [K in keyof Axes]: Axes[K][number] };
/** What the cells of one Service object share. */
export type ServiceCell = Pick<Cell, 'type' | 'internal' | 'external' | 'affinity' | 'state'>;

export function cells(): Cell[] {
  return product(axes) as Cell[];
}

export function serviceCells(): ServiceCell[] {
  const { type, internal, external, affinity, state } = axes;
  return product({ type, internal, external, affinity, state }) as ServiceCell[];
}

export function cellText(cell: Cell): string {
  const { type, internal, external, affinity, family, protocol, state, vantage } = cell;
  return `${type} internal=${internal} external=${external} affinity=${affinity} ${family} ${protocol}, ${state}: from ${vantage}`;
}

function product(of: Readonly<Record<string, readonly string[]>>): Record<string, string>[] {
  let found: Record<string, string>[] = [{}];
  for (const [axis, values] of Object.entries(of)) {
    found = found.flatMap((cell) => values.map((value) => ({ ...cell, [axis]: value })));
  }
  return found;
}
