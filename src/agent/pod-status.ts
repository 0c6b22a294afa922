/**
 * Pod.status, from the specification and what is known of its containers: pure.
 * Upstream: pkg/kubelet/kubelet_pods.go (generateAPIPodStatus, getPhase), pkg/kubelet/status/generate.go (conditions).
 */
import type { Container, ContainerState, ContainerStatus, Pod, PodCondition, PodStatus } from '../api/gen/types.ts';
import type { ContainerRecord, ExitRecord, PodRecord } from './pod-record.ts';
import { isSidecar } from './pod-plan.ts';
import { restartsAfter } from './restart-policy.ts';
import type { ContainerView } from './pod-plan.ts';
import { qosClass } from './qos.ts';

export interface StatusView extends ContainerView {
  readonly ready: boolean;
  readonly waiting: { readonly reason: string; readonly message?: string } | undefined;
}

export interface StatusInput {
  readonly pod: Pod;
  readonly record: PodRecord;
  readonly view: (name: string) => StatusView;
  readonly hostIps: readonly string[];
  readonly podIps: readonly string[];
  /** Network and volumes are there. */
  readonly sandboxReady: boolean;
  /** The pod will not run again, whatever its policy: it is being deleted or has failed. */
  readonly ended: boolean;
  readonly now: number;
}

export function podStatus(input: StatusInput): PodStatus {
  const { pod, record } = input;
  const spec = pod.spec ?? { containers: [] };
  const init = (spec.initContainers ?? []).map((container) => containerStatus(input, container, true));
  const own = spec.containers.map((container) => containerStatus(input, container, false));
  const ephemeral = (spec.ephemeralContainers ?? []).map((container) => ({
    ...containerStatus(input, container, false),
    // No probes, so nothing to be ready for.
    ready: false,
    started: false,
  }));
  const phase = podPhase(input, init, own);
  const generation = pod.metadata?.generation;
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    phase,
    ...(record.failure === undefined ? {} : record.failure),
    conditions: conditions(input, phase, init, own),
    ...(input.hostIps[0] === undefined
      ? {}
      : { hostIP: input.hostIps[0], hostIPs: input.hostIps.map((ip) => ({ ip })) }),
    ...(input.podIps[0] === undefined ? {} : { podIP: input.podIps[0], podIPs: input.podIps.map((ip) => ({ ip })) }),
    startTime: record.startTime,
    ...(init.length === 0 ? {} : { initContainerStatuses: init }),
    containerStatuses: own,
    ...(ephemeral.length === 0 ? {} : { ephemeralContainerStatuses: ephemeral }),
    qosClass: pod.status?.qosClass ?? qosClass(pod),
  };
}

function containerStatus(input: StatusInput, container: Container, init: boolean): ContainerStatus {
  const view = input.view(container.name);
  const record = view.record;
  const state = containerState(input, view);
  const last = lastState(record, state);
  const done = init && !isSidecar(container) && record?.exit?.code === 0;
  return {
    name: container.name,
    state,
    lastState: last === undefined ? {} : { terminated: terminated(last) },
    // A regular init container is ready when it has done its work.
    ready: init && !isSidecar(container) ? done : view.running && view.ready,
    restartCount: record?.restartCount ?? 0,
    image: record?.image ?? container.image ?? '',
    imageID: record?.imageId ?? '',
    ...(record?.id === undefined ? {} : { containerID: containerId(record.id) }),
    started: init && !isSidecar(container) ? view.running : view.started,
  };
}

function containerState(input: StatusInput, view: StatusView): ContainerState {
  const { record } = view;
  if (view.running) return { running: { startedAt: seconds(record?.startedAt ?? input.now) } };
  if (view.waiting !== undefined && !input.ended) return { waiting: view.waiting };
  if (record?.exit !== undefined) return { terminated: terminated(record.exit) };
  const hasInit = (input.pod.spec?.initContainers ?? []).length > 0;
  return { waiting: { reason: hasInit ? 'PodInitializing' : 'ContainerCreating' } };
}

/** While the last run is shown as the state, lastState is the one before it. */
function lastState(record: ContainerRecord | undefined, state: ContainerState): ExitRecord | undefined {
  return state.waiting !== undefined && record?.exit !== undefined ? record.exit : record?.last;
}

function terminated(exit: ExitRecord): NonNullable<ContainerState['terminated']> {
  return {
    exitCode: exit.code,
    reason: exit.reason,
    ...(exit.message === undefined || exit.message === '' ? {} : { message: exit.message }),
    startedAt: seconds(exit.startedAt ?? exit.finishedAt),
    finishedAt: seconds(exit.finishedAt),
    containerID: containerId(exit.id),
  };
}

function containerId(id: string): string {
  return `crun://${id}`;
}

function podPhase(input: StatusInput, init: readonly ContainerStatus[], own: readonly ContainerStatus[]): string {
  if (input.record.failure !== undefined) return 'Failed';
  const policy = input.pod.spec?.restartPolicy ?? 'Always';
  const exits = own.map((status) => status.state?.terminated ?? undefined);
  if (!input.record.initialized) {
    const failed = (input.pod.spec?.initContainers ?? []).some((container, index) => {
      const code = init[index]?.state?.terminated?.exitCode ?? 0;
      return code !== 0 && !isSidecar(container) && !restartsAfter(container, policy, code);
    });
    if (failed) return 'Failed';
    return input.ended ? 'Failed' : 'Pending';
  }
  const waiting = own.filter(
    (status) => status.state?.waiting !== undefined && status.lastState?.terminated === undefined,
  );
  if (waiting.length > 0) return input.ended ? 'Failed' : 'Pending';
  // A sidecar that is still to be stopped keeps the pod running.
  if ([...own, ...init].some((status) => status.state?.running !== undefined)) return 'Running';
  if (exits.some((exit) => exit === undefined)) return input.ended ? 'Failed' : 'Running';
  const { containers = [] } = input.pod.spec ?? {};
  const again = containers.some((container, index) => restartsAfter(container, policy, exits[index]?.exitCode ?? 0));
  if (again && !input.ended) return 'Running';
  return exits.every((exit) => exit?.exitCode === 0) ? 'Succeeded' : 'Failed';
}

function isSidecarStatus(input: StatusInput, status: ContainerStatus): boolean {
  return (input.pod.spec?.initContainers ?? []).some(
    (container) => container.name === status.name && isSidecar(container),
  );
}

function conditions(
  input: StatusInput,
  phase: string,
  init: readonly ContainerStatus[],
  own: readonly ContainerStatus[],
): PodCondition[] {
  const sandbox = input.sandboxReady && phase !== 'Succeeded' && phase !== 'Failed';
  const list: PodCondition[] = [
    { type: 'PodReadyToStartContainers', status: sandbox ? 'True' : 'False' },
    initializedCondition(input, phase, init),
    readyCondition(input, phase, init, own),
    containersReady(input, phase, init, own),
  ];
  // The scheduler said so already; ours to say is for which generation it still holds.
  const scheduled = input.pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  list.push({ type: 'PodScheduled', status: 'True' });
  const generation = input.pod.metadata?.generation;
  return list.map((condition) => ({
    ...condition,
    lastTransitionTime:
      (condition.type === 'PodScheduled' ? scheduled?.lastTransitionTime : undefined) ??
      transitionTime(input, condition),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  }));
}

function initializedCondition(input: StatusInput, phase: string, init: readonly ContainerStatus[]): PodCondition {
  const type = 'Initialized';
  if (phase === 'Succeeded') return { type, status: 'True', reason: 'PodCompleted' };
  if (input.record.initialized || init.length === 0) return { type, status: 'True' };
  const incomplete = init.filter((status) =>
    isSidecarStatus(input, status) ? status.started !== true : !status.ready,
  );
  if (incomplete.length === 0) return { type, status: 'True' };
  const message = `containers with incomplete status: [${incomplete.map((status) => status.name).join(' ')}]`;
  return { type, status: 'False', reason: 'ContainersNotInitialized', message };
}

function containersReady(
  input: StatusInput,
  phase: string,
  init: readonly ContainerStatus[],
  own: readonly ContainerStatus[],
): PodCondition {
  const type = 'ContainersReady';
  if (phase === 'Succeeded') return { type, status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { type, status: 'False', reason: 'PodFailed' };
  const sidecars = init.filter((status) => isSidecarStatus(input, status));
  const unready = [...sidecars, ...own].filter((status) => !status.ready);
  if (unready.length === 0) return { type, status: 'True' };
  const message = `containers with unready status: [${unready.map((status) => status.name).join(' ')}]`;
  return { type, status: 'False', reason: 'ContainersNotReady', message };
}

function readyCondition(
  input: StatusInput,
  phase: string,
  init: readonly ContainerStatus[],
  own: readonly ContainerStatus[],
): PodCondition {
  const containers = { ...containersReady(input, phase, init, own), type: 'Ready' };
  if (containers.status !== 'True') return containers;
  const messages: string[] = [];
  for (const gate of input.pod.spec?.readinessGates ?? []) {
    const found = (input.pod.status?.conditions ?? []).find((condition) => condition.type === gate.conditionType);
    if (found === undefined) {
      messages.push(`corresponding condition of pod readiness gate "${gate.conditionType}" does not exist.`);
    } else if (found.status !== 'True') {
      messages.push(`the status of pod readiness gate "${gate.conditionType}" is not "True", but ${found.status}`);
    }
  }
  if (messages.length === 0) return containers;
  return { type: 'Ready', status: 'False', reason: 'ReadinessGatesNotReady', message: messages.join(', ') };
}

/** Changes only with the status; remembered in the record. */
function transitionTime(input: StatusInput, condition: PodCondition): string {
  const { transitions } = input.record;
  const known = transitions[condition.type];
  if (known?.status === condition.status) return known.time;
  const time = seconds(input.now);
  transitions[condition.type] = { status: condition.status, time };
  return time;
}

/** metav1.Time: whole seconds. */
export function seconds(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
