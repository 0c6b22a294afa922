/**
 * The best node for a pod, or why there is none. Pure over a snapshot.
 *
 *   filters, cheapest first ─> what is left ─> fewest pods of the same controller, preferences, least used
 *
 * On large clusters only enough nodes are looked at (upstream's numFeasibleNodesToFind), starting at another one each time.
 */
import type { Namespace } from '../../api/gen/types.ts';
import { controllerOf } from '../owners.ts';
import type { LivePod } from '../pods.ts';
import { matchesNodeAffinity, nodePreference } from './node-affinity.ts';
import type { NodeInfo, Snapshot } from './node-info.ts';
import { neighbours } from './pod-affinity.ts';
import { conflicts, hostPortsOf, requestsOf } from './requests.ts';
import type { Amounts, HostPort } from './requests.ts';
import { spreadConstraints } from './spread.ts';
import { taintsOf, tolerates, unschedulableTaint, untolerated } from './taints.ts';

export type Choice =
  | { readonly kind: 'node'; readonly name: string }
  /** `0/3 nodes are available: …`, as upstream writes it. */
  | { readonly kind: 'none'; readonly message: string };

export interface Refusal {
  readonly reasons: readonly string[];
  /** Evicting other pods could help. */
  readonly preemptible: boolean;
}

/** From this many feasible nodes on, a better one is not looked for. */
const minFeasible = 100;

export function pickNode(
  pod: LivePod,
  snapshot: Snapshot,
  start: number,
  labelsOf: (namespace: string) => Namespace['metadata'] | undefined,
): Choice {
  const { nodes } = snapshot;
  if (nodes.length === 0) return { kind: 'none', message: 'no nodes available to schedule pods' };
  const wish = {
    requests: requestsOf(pod),
    ports: hostPortsOf(pod),
    neighbours: neighbours(pod, snapshot, labelsOf),
    spread: spreadConstraints(pod, snapshot),
  };
  const enough = feasibleEnough(nodes.length);
  const refusals: Refusal[] = [];
  const feasible: NodeInfo[] = [];
  for (let i = 0; i < nodes.length && feasible.length < enough; i++) {
    const node = nodes[(start + i) % nodes.length] as NodeInfo;
    const refusal = refuse(pod, node, wish);
    if (refusal === undefined) feasible.push(node);
    else refusals.push(refusal);
  }
  const best = bestOf(pod, feasible, wish.requests);
  return best === undefined
    ? { kind: 'none', message: explain(refusals, nodes.length) }
    : { kind: 'node', name: best.name };
}

interface Wish {
  readonly requests: Amounts;
  readonly ports: readonly HostPort[];
  readonly neighbours: ReturnType<typeof neighbours>;
  readonly spread: ReturnType<typeof spreadConstraints>;
}

function refuse(pod: LivePod, info: NodeInfo, wish: Wish): Refusal | undefined {
  const { node } = info;
  const hopeless = (reason: string): Refusal => ({ reasons: [reason], preemptible: false });
  const { tolerations = [] } = pod.spec ?? {};
  if (node.spec?.unschedulable === true) {
    const taint = { key: unschedulableTaint, effect: 'NoSchedule' };
    if (!tolerations.some((one) => tolerates(one, taint))) return hopeless('node(s) were unschedulable');
  }
  if (untolerated(taintsOf(node), tolerations, ['NoSchedule', 'NoExecute']) !== undefined) {
    return hopeless('node(s) had untolerated taint(s)');
  }
  if (!matchesNodeAffinity(pod, node)) return hopeless("node(s) didn't match Pod's node affinity/selector");
  if (wish.ports.some((port) => info.ports.some((used) => conflicts(port, used)))) {
    return { reasons: ["node(s) didn't have free ports for the requested pod ports"], preemptible: true };
  }
  const unfit = insufficient(info, wish.requests);
  if (unfit !== undefined) return unfit;
  const crowded = wish.spread?.refuse(info) ?? wish.neighbours?.refuse(info);
  if (crowded === undefined) return undefined;
  return { reasons: [crowded], preemptible: !crowded.includes('pod affinity rules') };
}

/** A node that says nothing about a resource (a bare agent) is not held to it, but for extended ones. */
function insufficient(info: NodeInfo, requests: Amounts): Refusal | undefined {
  const reasons: string[] = [];
  let preemptible = true;
  const most = info.allocatable.get('pods');
  if (most !== undefined && info.pods.size + 1 > most) reasons.push('Too many pods');
  for (const [name, amount] of requests) {
    if (amount === 0) continue;
    const allocatable = info.allocatable.get(name) ?? (name.includes('/') ? 0 : Infinity);
    if (amount + (info.requested.get(name) ?? 0) <= allocatable) continue;
    reasons.push(`Insufficient ${name}`);
    // More than the whole node: nobody's leaving helps.
    if (amount > allocatable) preemptible = false;
  }
  return reasons.length === 0 ? undefined : { reasons, preemptible };
}

function bestOf(pod: LivePod, nodes: readonly NodeInfo[], requests: Amounts): NodeInfo | undefined {
  const controller = controllerOf(pod)?.uid;
  let best: NodeInfo | undefined;
  let bestRank: readonly number[] = [];
  for (const node of nodes) {
    const soft = untolerated(node.node.spec?.taints ?? [], pod.spec?.tolerations, ['PreferNoSchedule']) === undefined;
    const rank = [
      Number(soft),
      nodePreference(pod, node.node),
      -node.siblings(controller),
      -node.pods.size,
      -usage(node, requests),
    ];
    if (best === undefined || isHigher(rank, bestRank)) {
      best = node;
      bestRank = rank;
    }
  }
  return best;
}

function usage(node: NodeInfo, requests: Amounts): number {
  let most = 0;
  for (const name of ['cpu', 'memory']) {
    const total = node.allocatable.get(name) ?? 0;
    const used = (node.requested.get(name) ?? 0) + (requests.get(name) ?? 0);
    if (total > 0) most = Math.max(most, used / total);
  }
  return most;
}

function isHigher(a: readonly number[], b: readonly number[]): boolean {
  const i = a.findIndex((value, index) => value !== b[index]);
  return i >= 0 && (a[i] as number) > (b[i] as number);
}

/** Upstream: 50 % less a bit for each 125 nodes, at least 5 %, at least 100 nodes. */
function feasibleEnough(nodes: number): number {
  if (nodes <= minFeasible) return nodes;
  const percent = Math.max(5, 50 - Math.floor(nodes / 125));
  return Math.max(minFeasible, Math.floor((nodes * percent) / 100));
}

/** Upstream: FitError.Error, with the words of the preemption plugin after it. */
function explain(refusals: readonly Refusal[], total: number): string {
  const reasons = histogram(refusals.flatMap((refusal) => refusal.reasons));
  const preemption = histogram(
    refusals.map(({ preemptible }) =>
      preemptible ? 'No preemption victims found for incoming pod' : 'Preemption is not helpful for scheduling',
    ),
  );
  const head = `0/${total} nodes are available:`;
  return `${head} ${reasons}. no new claims to deallocate, preemption: ${head} ${preemption}.`;
}

function histogram(reasons: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(', ');
}
