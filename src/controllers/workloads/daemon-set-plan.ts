/**
 * A DaemonSet, its pods and the nodes → pods to make and to delete, its status. Pure. Upstream: pkg/controller/daemon.
 *
 *   nodes ─ should run? ─┬─ no pod: make one      (its node affinity names the node; the scheduler places it)
 *                        └─ rolling update: old pods go, at most maxUnavailable at a time; or maxSurge new ones come first
 */
import type { DaemonSet, DaemonSetStatus, Node, Pod, PodTemplateSpec, Toleration } from '../../api/gen/types.ts';
import type { Live } from '../../api/object.ts';
import { controllerReference } from '../owners.ts';
import { availableIn, isAvailable, isReady, isTerminal } from '../pods.ts';
import type { LivePod } from '../pods.ts';
import { matchesNodeAffinity } from '../scheduling/node-affinity.ts';
import { taintsOf, untolerated } from '../scheduling/taints.ts';
import { revisionHashLabel } from './history.ts';
import { resolveShare } from './share.ts';

export type LiveDaemonSet = Live<DaemonSet>;
export type LiveNode = Live<Node>;

export const generationAnnotation = 'deprecated.daemonset.template.generation';

export interface DaemonInput {
  readonly set: LiveDaemonSet;
  readonly pods: readonly LivePod[];
  readonly nodes: readonly LiveNode[];
  /** Of the template as it is now. */
  readonly hash: string;
  readonly now: number;
}

export interface DaemonPlan {
  /** Names of nodes. */
  readonly create: readonly string[];
  readonly remove: readonly LivePod[];
  /** Ran to their end: told by an event, and replaced. */
  readonly ended: readonly LivePod[];
}

export function planDaemons(input: DaemonInput): DaemonPlan {
  const byNode = podsByNode(input.pods);
  const create: string[] = [];
  const remove: LivePod[] = [];
  const ended: LivePod[] = [];
  for (const node of input.nodes) {
    const { name } = node.metadata;
    const pods = byNode.get(name) ?? [];
    const { run, stay } = wants(input.set, node);
    if (!stay) {
      remove.push(...pods.filter(isLive));
      continue;
    }
    if (run && pods.length === 0) create.push(name);
    const over = pods.filter((pod) => isTerminal(pod) && isLive(pod));
    ended.push(...over);
    if (run)
      remove.push(
        ...surplus(
          input,
          pods.filter((pod) => !isTerminal(pod) && isLive(pod)),
        ),
      );
  }
  const known = new Set(input.nodes.map(({ metadata }) => metadata.name));
  for (const [name, pods] of byNode) if (name !== '' && !known.has(name)) remove.push(...pods.filter(isLive));
  const update = input.set.spec?.updateStrategy?.type === 'RollingUpdate' ? planUpdate(input, byNode) : none;
  return {
    create: [...create, ...update.create],
    remove: [...new Set([...remove, ...update.remove])],
    ended,
  };
}

const none = { create: [] as string[], remove: [] as LivePod[] };

/** More than one on a node: the oldest stays, and with surge one of each template. */
function surplus(input: DaemonInput, pods: readonly LivePod[]): readonly LivePod[] {
  if (pods.length < 2) return [];
  const oldest = [...pods].sort((a, b) => (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1));
  if (surgeOf(input) === 0) return oldest.slice(1);
  const fresh = oldest.filter((pod) => isFresh(input, pod));
  const stale = oldest.filter((pod) => !isFresh(input, pod));
  const kept = fresh[0];
  const replaced = kept !== undefined && isAvailable(kept, minReadyOf(input), input.now);
  return [...fresh.slice(1), ...stale.slice(replaced ? 0 : 1)];
}

function planUpdate(
  input: DaemonInput,
  byNode: ReadonlyMap<string, readonly LivePod[]>,
): { create: string[]; remove: LivePod[] } {
  const create: string[] = [];
  const remove: LivePod[] = [];
  const candidates: LivePod[] = [];
  const desired = input.nodes.filter((node) => wants(input.set, node).run);
  const surge = surgeOf(input);
  let unavailable = 0;
  let surging = 0;
  const waiting: string[] = [];
  for (const { metadata } of desired) {
    const pods = (byNode.get(metadata.name) ?? []).filter((pod) => !isTerminal(pod));
    const fresh = pods.find((pod) => isFresh(input, pod) && isLive(pod));
    const stale = pods.find((pod) => !isFresh(input, pod));
    const staleIsUp = stale !== undefined && isLive(stale) && isAvailable(stale, minReadyOf(input), input.now);
    const freshIsUp = fresh !== undefined && isAvailable(fresh, minReadyOf(input), input.now);
    if (surge > 0) {
      if (fresh === undefined && stale !== undefined) {
        if (staleIsUp) waiting.push(metadata.name);
        else if (isLive(stale)) create.push(metadata.name);
      } else if (fresh !== undefined && stale !== undefined) {
        if (freshIsUp && isLive(stale)) remove.push(stale);
        else surging += 1;
      }
      continue;
    }
    if (!staleIsUp && !freshIsUp) unavailable += 1;
    if (stale === undefined || !isLive(stale) || fresh !== undefined) continue;
    // What does not serve costs nothing to replace.
    if (staleIsUp) candidates.push(stale);
    else remove.push(stale);
  }
  const { maxUnavailable = 1 } = input.set.spec?.updateStrategy?.rollingUpdate ?? {};
  const most = resolveShare(maxUnavailable, desired.length, 'up');
  if (surge > 0) create.push(...waiting.slice(0, Math.max(0, surge - surging)));
  else remove.push(...candidates.slice(0, Math.max(0, most - unavailable)));
  return { create, remove };
}

function surgeOf({ set, nodes }: DaemonInput): number {
  const { type, rollingUpdate } = set.spec?.updateStrategy ?? {};
  if (type !== 'RollingUpdate') return 0;
  const desired = nodes.filter((node) => wants(set, node).run).length;
  return resolveShare(rollingUpdate?.maxSurge ?? 0, desired, 'up');
}

function isFresh({ hash }: DaemonInput, pod: LivePod): boolean {
  return pod.metadata.labels?.[revisionHashLabel] === hash;
}

function minReadyOf({ set }: DaemonInput): number {
  return set.spec?.minReadySeconds ?? 0;
}

function isLive(pod: LivePod): boolean {
  return pod.metadata.deletionTimestamp === undefined;
}

/** `run`: a pod belongs here. `stay`: one that is here may stay, though a new one would not come. */
export function wants(set: LiveDaemonSet, node: LiveNode): { readonly run: boolean; readonly stay: boolean } {
  const template = set.spec?.template;
  const spec = { ...template?.spec, containers: [] };
  const named = spec.nodeName ?? '';
  const fits = (named === '' || named === node.metadata.name) && matchesNodeAffinity({ spec }, node);
  if (!fits) return { run: false, stay: false };
  const tolerations = withDaemonTolerations(template?.spec?.tolerations, template?.spec?.hostNetwork === true);
  const taints = taintsOf(node);
  const stay = untolerated(taints, tolerations, ['NoExecute']) === undefined;
  return { stay, run: stay && untolerated(taints, tolerations, ['NoSchedule']) === undefined };
}

/** Daemons stay through what drives others away. Upstream: util.AddOrUpdateDaemonPodTolerations. */
function withDaemonTolerations(given: readonly Toleration[] = [], hostNetwork: boolean): Toleration[] {
  const always: readonly (readonly [string, string])[] = [
    ['not-ready', 'NoExecute'],
    ['unreachable', 'NoExecute'],
    ['disk-pressure', 'NoSchedule'],
    ['memory-pressure', 'NoSchedule'],
    ['pid-pressure', 'NoSchedule'],
    ['unschedulable', 'NoSchedule'],
    ...(hostNetwork ? [['network-unavailable', 'NoSchedule'] as const] : []),
  ];
  const ours = always.map(([name, effect]) => ({ key: `node.kubernetes.io/${name}`, operator: 'Exists', effect }));
  const others = given.filter(
    ({ key, effect, operator }) =>
      !ours.some((own) => own.key === key && own.effect === effect && operator === 'Exists'),
  );
  return [...others, ...ours];
}

export function daemonPod(set: LiveDaemonSet, template: PodTemplateSpec, hash: string, node: string): Pod {
  const { metadata, spec } = template;
  const field = { key: 'metadata.name', operator: 'In', values: [node] };
  const { affinity = {} } = spec ?? {};
  const { nodeAffinity = {} } = affinity;
  const terms = nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [{}];
  const nodeSelectorTerms = terms.map((term) => ({ ...term, matchFields: [field] }));
  const generation = set.metadata.annotations?.[generationAnnotation];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `${set.metadata.name}-`,
      ...(set.metadata.namespace === undefined ? {} : { namespace: set.metadata.namespace }),
      labels: {
        ...metadata?.labels,
        [revisionHashLabel]: hash,
        ...(generation === undefined ? {} : { 'pod-template-generation': generation }),
      },
      ...(metadata?.annotations === undefined ? {} : { annotations: metadata.annotations }),
      ownerReferences: [controllerReference(set, 'apps/v1', 'DaemonSet')],
    },
    spec: {
      containers: [],
      ...spec,
      affinity: {
        ...affinity,
        nodeAffinity: { ...nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } },
      },
      tolerations: withDaemonTolerations(spec?.tolerations, spec?.hostNetwork === true),
    },
  };
}

/** A pod that waits for the scheduler counts for the node that its affinity names. */
export function nodeOf(pod: LivePod): string {
  const { nodeName = '', affinity } = pod.spec ?? {};
  if (nodeName !== '') return nodeName;
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required?.nodeSelectorTerms[0]?.matchFields?.[0]?.values?.[0] ?? '';
}

function podsByNode(pods: readonly LivePod[]): Map<string, LivePod[]> {
  const byNode = new Map<string, LivePod[]>();
  for (const pod of pods) {
    const node = nodeOf(pod);
    const list = byNode.get(node);
    if (list === undefined) byNode.set(node, [pod]);
    else list.push(pod);
  }
  return byNode;
}

export function daemonStatus(input: DaemonInput): DaemonSetStatus {
  const byNode = podsByNode(input.pods);
  const counts = { desired: 0, current: 0, misscheduled: 0, ready: 0, available: 0, updated: 0 };
  for (const node of input.nodes) {
    const { run, stay } = wants(input.set, node);
    const pods = [...(byNode.get(node.metadata.name) ?? [])].sort((a, b) =>
      a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1,
    );
    if (!run) {
      if (!stay && pods.length > 0) counts.misscheduled += 1;
      continue;
    }
    counts.desired += 1;
    if (pods.length > 0) counts.current += 1;
    const live = pods.filter((pod) => isLive(pod) && !isTerminal(pod));
    if (live.some(isReady)) counts.ready += 1;
    if (live.some((pod) => isAvailable(pod, minReadyOf(input), input.now))) counts.available += 1;
    // With surge the youngest is the updated one.
    if (live.some((pod) => isFresh(input, pod))) counts.updated += 1;
  }
  return {
    currentNumberScheduled: counts.current,
    numberMisscheduled: counts.misscheduled,
    desiredNumberScheduled: counts.desired,
    numberReady: counts.ready,
    observedGeneration: input.set.metadata.generation ?? 0,
    updatedNumberScheduled: counts.updated,
    numberAvailable: counts.available,
    numberUnavailable: counts.desired - counts.available,
  };
}

/** Milliseconds until the next pod counts as available by the passing of time alone. */
export function nextDaemonCheck(input: DaemonInput): number | undefined {
  const waits = input.pods.map((pod) => availableIn(pod, minReadyOf(input), input.now) ?? 0).filter((ms) => ms > 0);
  return waits.length === 0 ? undefined : Math.min(...waits) + 1;
}
