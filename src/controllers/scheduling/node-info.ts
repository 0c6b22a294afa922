/**
 * The scheduler's picture of the nodes: what is on each, with the pods that were just placed there and are not yet seen.
 */
import type { Node } from '../../api/gen/types.ts';
import type { Live } from '../../api/object.ts';
import { controllerOf } from '../owners.ts';
import { isTerminal } from '../pods.ts';
import type { LivePod } from '../pods.ts';
import { amounts, hostPortsOf, requestsOf } from './requests.ts';
import type { Amounts, HostPort } from './requests.ts';

export interface NodeInfo {
  readonly name: string;
  readonly node: Live<Node>;
  readonly allocatable: Amounts;
  readonly requested: ReadonlyMap<string, number>;
  readonly pods: ReadonlyMap<string, LivePod>;
  readonly ports: readonly HostPort[];
  /** How many pods of one controller are here. */
  siblings(controllerUid: string | undefined): number;
}

export interface Snapshot {
  readonly nodes: readonly NodeInfo[];
  /** Some pod somewhere keeps others away: then it must be asked for each pod. */
  readonly antiAffinity: ReadonlySet<LivePod>;
  setNode(node: Live<Node>): void;
  removeNode(name: string): void;
  /** The pod is on that node now, or on none. */
  place(pod: LivePod, nodeName: string | undefined): void;
  nodeOf(podUid: string): string | undefined;
}

interface Entry extends NodeInfo {
  node: Live<Node>;
  allocatable: Amounts;
  readonly requested: Map<string, number>;
  readonly pods: Map<string, LivePod>;
  ports: HostPort[];
  readonly controllers: Map<string, number>;
}

export function createSnapshot(): Snapshot {
  const entries = new Map<string, Entry>();
  /** Pods on nodes that we have not heard of yet. */
  const homeless = new Map<string, Map<string, LivePod>>();
  const where = new Map<string, { readonly nodeName: string; readonly pod: LivePod }>();
  const antiAffinity = new Set<LivePod>();
  let sorted: Entry[] | undefined;

  const put = (nodeName: string, pod: LivePod): void => {
    const entry = entries.get(nodeName);
    if (entry !== undefined) add(entry, pod, 1);
    else {
      const waiting = homeless.get(nodeName) ?? new Map<string, LivePod>();
      homeless.set(nodeName, waiting.set(pod.metadata.uid, pod));
    }
  };
  const take = (nodeName: string, pod: LivePod): void => {
    const entry = entries.get(nodeName);
    if (entry !== undefined) add(entry, pod, -1);
    homeless.get(nodeName)?.delete(pod.metadata.uid);
  };

  return {
    get nodes() {
      sorted ??= [...entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
      return sorted;
    },
    antiAffinity,
    setNode(node) {
      const { name } = node.metadata;
      const allocatable = amounts(node.status?.allocatable);
      const known = entries.get(name);
      if (known !== undefined) {
        known.node = node;
        known.allocatable = allocatable;
        return;
      }
      const entry = newEntry(node, allocatable);
      entries.set(name, entry);
      sorted = undefined;
      for (const pod of homeless.get(name)?.values() ?? []) add(entry, pod, 1);
      homeless.delete(name);
    },
    removeNode(name) {
      const entry = entries.get(name);
      if (entry === undefined) return;
      entries.delete(name);
      sorted = undefined;
      homeless.set(name, new Map(entry.pods));
    },
    place(pod, nodeName) {
      const { uid } = pod.metadata;
      const before = where.get(uid);
      if (before !== undefined) {
        take(before.nodeName, before.pod);
        antiAffinity.delete(before.pod);
        where.delete(uid);
      }
      if (nodeName === undefined || nodeName === '' || isTerminal(pod)) return;
      put(nodeName, pod);
      where.set(uid, { nodeName, pod });
      if (pod.spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution !== undefined) {
        antiAffinity.add(pod);
      }
    },
    nodeOf: (uid) => where.get(uid)?.nodeName,
  };
}

function newEntry(node: Live<Node>, allocatable: Amounts): Entry {
  const controllers = new Map<string, number>();
  return {
    name: node.metadata.name,
    node,
    allocatable,
    requested: new Map(),
    pods: new Map(),
    ports: [],
    controllers,
    siblings: (uid) => (uid === undefined ? 0 : (controllers.get(uid) ?? 0)),
  };
}

function add(entry: Entry, pod: LivePod, sign: 1 | -1): void {
  const { uid } = pod.metadata;
  if (sign > 0) entry.pods.set(uid, pod);
  else entry.pods.delete(uid);
  for (const [name, amount] of requestsOf(pod)) {
    entry.requested.set(name, (entry.requested.get(name) ?? 0) + sign * amount);
  }
  const controller = controllerOf(pod)?.uid;
  if (controller !== undefined) {
    const count = (entry.controllers.get(controller) ?? 0) + sign;
    if (count > 0) entry.controllers.set(controller, count);
    else entry.controllers.delete(controller);
  }
  if (hostPortsOf(pod).length > 0) entry.ports = [...entry.pods.values()].flatMap((one) => hostPortsOf(one));
}
