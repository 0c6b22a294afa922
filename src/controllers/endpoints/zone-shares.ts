/**
 * How much of the cluster's processors each zone has: what topology-mode Auto gives endpoints out by.
 * Upstream: SetNodes in k8s.io/endpointslice/topologycache/topologycache.go.
 *
 *   Nodes ─> zoneShares ─> { zone-a: 0.5, zone-b: 0.5 }
 */
import type { Node } from '../../api/gen/types.ts';
import { milliValue, parseQuantity } from '../../api/quantity.ts';
import { zoneLabel } from './pod-endpoint.ts';

/** Zone → its part of all allocatable CPU, in the order of their names. */
export type ZoneShares = ReadonlyMap<string, number>;

const excludedLabels = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];

/** undefined: fewer than two zones, or a node that does not say its zone or its CPU, which spoils the answer for all. */
export function zoneShares(nodes: Iterable<Node>): ZoneShares | undefined {
  const cpus = new Map<string, number>();
  let total = 0;
  for (const node of nodes) {
    const { counts, zone, cpu } = nodeTopology(node);
    if (!counts) continue;
    if (zone === '' || cpu === 0) return undefined;
    cpus.set(zone, (cpus.get(zone) ?? 0) + cpu);
    total += cpu;
  }
  if (cpus.size < 2) return undefined;
  return new Map([...cpus].sort(([a], [b]) => (a < b ? -1 : 1)).map(([zone, cpu]) => [zone, cpu / total]));
}

/** What of a node decides; the same text before and after: nothing to do. */
export function topologyText(node: Node | undefined): string {
  return node === undefined ? '' : JSON.stringify(nodeTopology(node));
}

interface NodeTopology {
  /** Ready, and no control plane. */
  readonly counts: boolean;
  readonly zone: string;
  /** In thousandths. */
  readonly cpu: number;
}

function nodeTopology({ metadata, status }: Node): NodeTopology {
  const labels = metadata?.labels ?? {};
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
  const cpu = parseQuantity(status?.allocatable?.['cpu'] ?? '0');
  return {
    counts: ready && !excludedLabels.some((label) => label in labels),
    zone: labels[zoneLabel] ?? '',
    cpu: cpu === undefined ? 0 : milliValue(cpu),
  };
}
