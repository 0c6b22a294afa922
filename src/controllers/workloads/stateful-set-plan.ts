/**
 * A StatefulSet and its pods → the next step. Pure. Upstream: pkg/controller/statefulset/stateful_set_control.go.
 *
 *   ordinals start … start+replicas-1   made in order, each when the one before is ready (OrderedReady), or all at once
 *   above that                          deleted, the highest first
 *   then the rolling update             the highest pod of an old revision, down to `partition`, one when all are healthy
 */
import type { Pod, PodTemplateSpec, StatefulSet, StatefulSetStatus, Volume } from '../../api/gen/types.ts';
import type { Live } from '../../api/object.ts';
import { controllerReference } from '../owners.ts';
import { availableIn, isAvailable, isReady, isTerminal } from '../pods.ts';
import type { LivePod } from '../pods.ts';
import { revisionHashLabel } from './history.ts';
import { resolveShare } from './share.ts';

export type LiveStatefulSet = Live<StatefulSet>;

export interface StatefulInput {
  readonly set: LiveStatefulSet;
  readonly pods: readonly LivePod[];
  /** Names of the revisions. */
  readonly current: string;
  readonly update: string;
  readonly now: number;
}

export type Step =
  | { readonly kind: 'create'; readonly ordinal: number; readonly revision: 'current' | 'update' }
  | { readonly kind: 'delete'; readonly pod: LivePod }
  /** Ran to its end: deleted, and made again. */
  | { readonly kind: 'recreate'; readonly pod: LivePod };

export function planStateful(input: StatefulInput): readonly Step[] {
  const { set } = input;
  if (set.metadata.deletionTimestamp !== undefined) return [];
  const ordered = set.spec?.podManagementPolicy !== 'Parallel';
  const steps: Step[] = [];
  const byOrdinal = podsByOrdinal(input);
  for (let ordinal = startOf(set); ordinal < endOf(set); ordinal++) {
    const pod = byOrdinal.get(ordinal);
    const step = stepFor(input, ordinal, pod);
    if (step !== undefined) steps.push(step);
    if (ordered && (step !== undefined || !isHealthy(input, pod))) return steps;
  }
  const condemned = [...byOrdinal].filter(([ordinal]) => !isWanted(set, ordinal)).sort(([a], [b]) => b - a);
  for (const [, pod] of condemned) {
    if (isLive(pod)) steps.push({ kind: 'delete', pod });
    // One at a time, and each gone before the next.
    if (ordered) return steps;
  }
  return [...steps, ...planUpdate(input, byOrdinal)];
}

function stepFor(input: StatefulInput, ordinal: number, pod: LivePod | undefined): Step | undefined {
  if (pod === undefined) return { kind: 'create', ordinal, revision: revisionFor(input, ordinal) };
  return isTerminal(pod) && isLive(pod) ? { kind: 'recreate', pod } : undefined;
}

/** A pod below the partition, or one that an unfinished update has not reached, comes back as it was. */
function revisionFor({ set, current, update }: StatefulInput, ordinal: number): 'current' | 'update' {
  const { type, rollingUpdate } = set.spec?.updateStrategy ?? {};
  if (type !== 'RollingUpdate' || current === update) return 'update';
  const position = ordinal - startOf(set);
  const kept = rollingUpdate?.partition === undefined ? (set.status?.currentReplicas ?? 0) : rollingUpdate.partition;
  return position < kept ? 'current' : 'update';
}

function planUpdate(input: StatefulInput, byOrdinal: ReadonlyMap<number, LivePod>): readonly Step[] {
  const { set, update } = input;
  const { type, rollingUpdate } = set.spec?.updateStrategy ?? {};
  if (type === 'OnDelete') return [];
  const replicas = set.spec?.replicas ?? 1;
  const most = Math.max(1, resolveShare(rollingUpdate?.maxUnavailable ?? 1, replicas, 'down'));
  const least = startOf(set) + (rollingUpdate?.partition ?? 0);
  const steps: Step[] = [];
  let unhealthy = [...byOrdinal].filter(([ordinal, pod]) => isWanted(set, ordinal) && !isHealthy(input, pod)).length;
  for (let ordinal = endOf(set) - 1; ordinal >= least; ordinal--) {
    const pod = byOrdinal.get(ordinal);
    if (pod === undefined) continue;
    const stale = revisionOf(pod) !== update && isLive(pod);
    if (stale) {
      const broken = !isHealthy(input, pod);
      // One that is broken is among the unhealthy already.
      if (!broken && unhealthy >= most) return steps;
      if (!broken) unhealthy += 1;
      steps.push({ kind: 'delete', pod });
      if (steps.length >= most) return steps;
    } else if (!isHealthy(input, pod) && unhealthy >= most) return steps;
  }
  return steps;
}

function podsByOrdinal({ set, pods }: StatefulInput): Map<number, LivePod> {
  const byOrdinal = new Map<number, LivePod>();
  for (const pod of pods) {
    const ordinal = ordinalOf(set, pod);
    if (ordinal !== undefined) byOrdinal.set(ordinal, pod);
  }
  return byOrdinal;
}

/** `web-3` of `web`: 3. */
export function ordinalOf(set: LiveStatefulSet, pod: LivePod): number | undefined {
  const { name } = pod.metadata;
  const prefix = `${set.metadata.name}-`;
  const text = name.slice(prefix.length);
  return name.startsWith(prefix) && /^(0|[1-9]\d*)$/.test(text) ? Number(text) : undefined;
}

const startOf = (set: LiveStatefulSet): number => set.spec?.ordinals?.start ?? 0;
const endOf = (set: LiveStatefulSet): number => startOf(set) + (set.spec?.replicas ?? 1);
const isWanted = (set: LiveStatefulSet, ordinal: number): boolean => ordinal >= startOf(set) && ordinal < endOf(set);
const isLive = (pod: LivePod): boolean => pod.metadata.deletionTimestamp === undefined;
/** The label of a StatefulSet's pods is the whole name of the revision. */
const revisionOf = (pod: LivePod): string => pod.metadata.labels?.[revisionHashLabel] ?? '';

function isHealthy({ set, now }: StatefulInput, pod: LivePod | undefined): boolean {
  if (pod === undefined || !isLive(pod) || pod.status?.phase !== 'Running') return false;
  return isAvailable(pod, set.spec?.minReadySeconds ?? 0, now);
}

export function statefulStatus(input: StatefulInput): StatefulSetStatus {
  const { set, current, update, now } = input;
  const pods = input.pods.filter((pod) => ordinalOf(set, pod) !== undefined);
  const minReady = set.spec?.minReadySeconds ?? 0;
  const live = pods.filter(isLive);
  const ready = pods.filter((pod) => pod.status?.phase === 'Running' && isReady(pod));
  const status = {
    replicas: pods.length,
    readyReplicas: ready.length,
    availableReplicas: ready.filter((pod) => isAvailable(pod, minReady, now)).length,
    currentReplicas: live.filter((pod) => revisionOf(pod) === current).length,
    updatedReplicas: live.filter((pod) => revisionOf(pod) === update).length,
    currentRevision: current,
    updateRevision: update,
    observedGeneration: set.metadata.generation ?? 0,
    collisionCount: set.status?.collisionCount ?? 0,
  };
  const isDone =
    set.spec?.updateStrategy?.type === 'RollingUpdate' &&
    status.updatedReplicas === status.replicas &&
    status.readyReplicas === status.replicas &&
    status.replicas === (set.spec.replicas ?? 1);
  if (!isDone || current === update) return status;
  return { ...status, currentRevision: update, currentReplicas: status.updatedReplicas };
}

export function nextStatefulCheck({ set, pods, now }: StatefulInput): number | undefined {
  const minReady = set.spec?.minReadySeconds ?? 0;
  const waits = pods.map((pod) => availableIn(pod, minReady, now) ?? 0).filter((ms) => ms > 0);
  return waits.length === 0 ? undefined : Math.min(...waits) + 1;
}

/** Its name is its own for ever, and so are its claims: the next pod of this ordinal gets the same. */
export function statefulPod(set: LiveStatefulSet, template: PodTemplateSpec, revision: string, ordinal: number): Pod {
  const name = `${set.metadata.name}-${ordinal}`;
  const { metadata, spec } = template;
  const claims = (set.spec?.volumeClaimTemplates ?? []).map(({ metadata: claim }): Volume => {
    const volume = claim?.name ?? '';
    return { name: volume, persistentVolumeClaim: { claimName: claimName(volume, name) } };
  });
  const others = (spec?.volumes ?? []).filter((volume) => !claims.some((claim) => claim.name === volume.name));
  const serviceName = set.spec?.serviceName ?? '';
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      generateName: `${set.metadata.name}-`,
      ...(set.metadata.namespace === undefined ? {} : { namespace: set.metadata.namespace }),
      labels: {
        ...metadata?.labels,
        [revisionHashLabel]: revision,
        'statefulset.kubernetes.io/pod-name': name,
        'apps.kubernetes.io/pod-index': String(ordinal),
      },
      ...(metadata?.annotations === undefined ? {} : { annotations: metadata.annotations }),
      ownerReferences: [controllerReference(set, 'apps/v1', 'StatefulSet')],
    },
    spec: {
      containers: [],
      ...spec,
      hostname: name,
      ...(serviceName === '' ? {} : { subdomain: serviceName }),
      ...(claims.length + others.length === 0 ? {} : { volumes: [...claims, ...others] }),
    },
  };
}

export function claimName(template: string, pod: string): string {
  return `${template}-${pod}`;
}
