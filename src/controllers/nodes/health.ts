/**
 * What a node's heartbeats say → its conditions, taints, and what its pods are told. Pure. Upstream:
 * pkg/controller/nodelifecycle/node_lifecycle_controller.go.
 *
 *   Ready True     no taints of ours
 *   Ready False    not-ready      NoSchedule + NoExecute
 *   Ready Unknown  unreachable    NoSchedule + NoExecute      (also: silent for longer than the grace period)
 *   unschedulable  unschedulable  NoSchedule;  pressures: their own, NoSchedule
 */
import type { Node, NodeCondition, Taint } from '../../api/gen/types.ts';
import type { Live } from '../../api/object.ts';
import { notReadyTaint, unreachableTaint, unschedulableTaint } from '../scheduling/taints.ts';

export type LiveNode = Live<Node>;

/** Conditions that a kubelet reports; all become Unknown with it. */
const reported = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

const pressureTaints: Readonly<Record<string, string>> = {
  MemoryPressure: 'node.kubernetes.io/memory-pressure',
  DiskPressure: 'node.kubernetes.io/disk-pressure',
  PIDPressure: 'node.kubernetes.io/pid-pressure',
  NetworkUnavailable: 'node.kubernetes.io/network-unavailable',
};

/** The only taint keys that this loop adds or takes away. */
const managed: ReadonlySet<string> = new Set([
  notReadyTaint,
  unreachableTaint,
  unschedulableTaint,
  ...Object.values(pressureTaints),
]);

export function readyStatus(node: Node): string | undefined {
  return conditionOf(node, 'Ready')?.status;
}

export function conditionOf(node: Node, type: string): NodeCondition | undefined {
  return node.status?.conditions?.find((condition) => condition.type === type);
}

/** The conditions to write for a node that has fallen silent; undefined: they say so already. */
export function silentConditions(node: LiveNode, now: number): NodeCondition[] | undefined {
  const time = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');
  let changed = false;
  const conditions = reported.map((type): NodeCondition => {
    const known = conditionOf(node, type);
    if (known?.status === 'Unknown') return known;
    changed = true;
    return {
      type,
      status: 'Unknown',
      reason: known === undefined ? 'NodeStatusNeverUpdated' : 'NodeStatusUnknown',
      message: known === undefined ? 'Kubelet never posted node status.' : 'Kubelet stopped posting node status.',
      lastHeartbeatTime: known?.lastHeartbeatTime ?? node.metadata.creationTimestamp,
      lastTransitionTime: time,
    };
  });
  return changed ? conditions : undefined;
}

/** The node's taints as they should be; undefined: as they are. */
export function wantedTaints(node: LiveNode, now: number): Taint[] | undefined {
  const have = node.spec?.taints ?? [];
  const wanted = ownTaints(node);
  const foreign = have.filter(({ key, effect }) => !managed.has(key) || !isManagedEffect(key, effect));
  const timeAdded = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');
  const next = [
    ...foreign,
    ...wanted.map((taint) => have.find((one) => sameTaint(one, taint)) ?? { ...taint, timeAdded }),
  ];
  const same = next.length === have.length && next.every((taint) => have.some((one) => sameTaint(one, taint)));
  return same ? undefined : next;
}

function ownTaints(node: LiveNode): Taint[] {
  const taints: Taint[] = [];
  const ready = readyStatus(node);
  if (ready !== 'True') {
    // Upstream: a node that has not yet said anything is not evicted from.
    const key = ready === 'Unknown' ? unreachableTaint : notReadyTaint;
    taints.push({ key, effect: 'NoSchedule' });
    if (ready !== undefined) taints.push({ key, effect: 'NoExecute' });
  }
  for (const [type, key] of Object.entries(pressureTaints)) {
    if (conditionOf(node, type)?.status === 'True') taints.push({ key, effect: 'NoSchedule' });
  }
  if (node.spec?.unschedulable === true) taints.push({ key: unschedulableTaint, effect: 'NoSchedule' });
  return taints;
}

function isManagedEffect(key: string, effect: string): boolean {
  return effect === 'NoSchedule' || (effect === 'NoExecute' && (key === notReadyTaint || key === unreachableTaint));
}

function sameTaint(a: Taint, b: Taint): boolean {
  return a.key === b.key && a.effect === b.effect;
}
