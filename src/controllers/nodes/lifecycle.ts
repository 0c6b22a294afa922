/**
 * The node lifecycle loop: a Lease or a status that moves is a heartbeat; a node without one for the grace period is Unknown,
 * tainted, and its pods leave the endpoints. Time is our own clock at the moment of seeing, so clocks need not agree.
 *
 *   lease, node ─> heartbeat seen ─> timer for grace period ─> work(node): conditions, taints, pods
 */
import type { Lease, Node } from '../../api/gen/types.ts';
import { keyOf } from '../../api/object.ts';
import type { Live } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { startLoop } from '../context.ts';
import type { ControllerContext } from '../context.ts';
import { conditionOf as podCondition, isTerminal } from '../pods.ts';
import type { LivePod } from '../pods.ts';
import { applyWrites, event, strategicPatch, mergePatch } from '../writes.ts';
import type { Write } from '../writes.ts';
import { conditionOf, readyStatus, silentConditions, wantedTaints } from './health.ts';
import type { LiveNode } from './health.ts';

const defaultGraceSeconds = 40;
const leaseNamespace = 'kube-node-lease';

export function runNodeLifecycle(context: ControllerContext): void {
  const { views } = context;
  const nodes = views.of(resources.nodes);
  const pods = views.of(resources.pods);
  const leases = views.of(resources.leases);
  const podsOn = pods.indexBy((pod) => pod.spec?.nodeName);
  const writer = context.writer('node-controller');
  const graceMs = (context.options.nodeMonitorGracePeriodSeconds ?? defaultGraceSeconds) * 1000;
  const heartbeats = new Map<string, number>();

  const work = async (name: string): Promise<number | void> => {
    const node = nodes.get({ namespace: '', name });
    if (node === undefined) return;
    const now = Date.now();
    const quietMs = performance.now() - (heartbeats.get(name) ?? performance.now());
    const silent = quietMs >= graceMs ? silentConditions(node, now) : undefined;
    if (silent !== undefined) {
      const patch = { status: { conditions: silent } };
      await applyWrites(writer, [strategicPatch(resources.nodes, keyOf(node as Node), patch, 'status')]);
      const message = `Node ${name} status is now: NodeNotReady`;
      if (readyStatus(node) === 'True') writer.recorder.event(node, 'Normal', 'NodeNotReady', message);
    }
    const current = nodes.get({ namespace: '', name }) ?? node;
    const taints = wantedTaints(current, now);
    if (taints !== undefined) {
      // Conditional: taints are one list, and people write it too.
      const { resourceVersion } = current.metadata;
      const patch = { metadata: { resourceVersion }, spec: { taints } };
      await applyWrites(writer, [mergePatch(resources.nodes, keyOf(node as Node), patch)]);
    }
    if (readyStatus(current) !== undefined && readyStatus(current) !== 'True') {
      await applyWrites(writer, notReadyWrites(podsOn(name), now));
    }
    // The grace period is looked at again when it may have passed.
    return quietMs >= graceMs ? undefined : graceMs - quietMs + 1;
  };
  const queue = startLoop(context, 'node-lifecycle', { views: [nodes, pods, leases], work, concurrency: 4 });

  const heard = (name: string): void => {
    const known = heartbeats.has(name);
    heartbeats.set(name, performance.now());
    if (!known) queue.addAfter(name, graceMs);
  };
  leases.onChange((current, old) => {
    if (current?.metadata.namespace !== leaseNamespace) return;
    if (renewed(current, old)) heard(current.metadata.name);
  });
  nodes.onChange((current, old) => {
    const { name } = (current ?? old)?.metadata ?? { name: '' };
    const about = current ?? old;
    const said = (reason: string, text: string): void => {
      if (about === undefined) return;
      writer.recorder.event(about, 'Normal', reason, `Node ${name} event: ${text} Controller`);
    };
    if (current === undefined) {
      heartbeats.delete(name);
      said('RemovingNode', `Removing Node ${name} from`);
      return;
    }
    if (old === undefined) said('RegisteredNode', `Registered Node ${name} in`);
    if (old === undefined || isHeartbeat(current, old)) heard(name);
    queue.add(name);
  });
  // A pod that says Ready while its node is lost.
  pods.onChange((current, old) => {
    const nodeName = current?.spec?.nodeName;
    if (current === undefined || nodeName === undefined || podCondition(current, 'Ready')?.status !== 'True') return;
    if (old !== undefined && podCondition(old, 'Ready')?.status === 'True') return;
    const node = nodes.get({ namespace: '', name: nodeName });
    if (node !== undefined && readyStatus(node) !== 'True') queue.add(nodeName);
  });
}

/** The Ready condition only turns False: reason and message stay the kubelet's (upstream's MarkPodsNotReady). */
export function notReadyWrites(pods: readonly LivePod[], now: number): Write[] {
  const lastTransitionTime = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');
  return pods.flatMap((pod) => {
    const ready = podCondition(pod, 'Ready');
    if (ready === undefined || ready.status === 'False' || isTerminal(pod)) return [];
    const patch = { status: { conditions: [{ ...ready, status: 'False', lastTransitionTime }] } };
    return [
      strategicPatch(resources.pods, keyOf(pod as object), patch, 'status'),
      event(pod, 'Warning', 'NodeNotReady', 'Node is not ready'),
    ];
  });
}

function renewed(current: Live<Lease>, old: Live<Lease> | undefined): boolean {
  return current.spec?.renewTime !== old?.spec?.renewTime;
}

/** The kubelet wrote its status: our own writes leave lastHeartbeatTime alone. */
function isHeartbeat(current: LiveNode, old: LiveNode): boolean {
  const ready = conditionOf(current, 'Ready');
  if (ready === undefined || ready.status === 'Unknown') return false;
  const before = conditionOf(old, 'Ready');
  return ready.lastHeartbeatTime !== before?.lastHeartbeatTime || ready.status !== before?.status;
}
