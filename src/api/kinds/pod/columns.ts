/**
 * `kubectl get pods`: NAME READY STATUS RESTARTS AGE, wide: IP NODE NOMINATED NODE READINESS GATES.
 * Upstream: printPod. STATUS is the phase, unless a container has something more telling to say:
 *
 *   init containers not done ─> Init:0/1, Init:CrashLoopBackOff, …   else the first container that waits or ended
 *   being deleted ─> Terminating
 */
import type { Container, ContainerState, ContainerStatus, Pod } from '../../gen/types.ts';
import type { Column } from '../../kind.ts';
import type { Live } from '../../object.ts';
import { age } from '../../time.ts';
import { ageColumn, column, nameColumn, wideColumn } from '../columns.ts';

export const podColumns: readonly Column<Pod>[] = [
  nameColumn(),
  column('Ready', 'The aggregate readiness state of this pod for accepting traffic.', (pod) => {
    const { ready, total } = summarize(pod);
    return `${ready}/${total}`;
  }),
  column('Status', 'The aggregate status of the containers in this pod.', (pod) => summarize(pod).reason),
  column(
    'Restarts',
    'The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.',
    (pod, now) => {
      const { restarts, lastRestart } = summarize(pod);
      return restarts > 0 && lastRestart !== '' ? `${restarts} (${age(lastRestart, now)} ago)` : String(restarts);
    },
  ),
  ageColumn(),
  wideColumn(
    'IP',
    'podIP address allocated to the pod. Routable at least within the cluster. Empty if not yet allocated.',
    (pod) => pod.status?.podIPs?.[0]?.ip || '<none>',
  ),
  wideColumn(
    'Node',
    'NodeName indicates in which node this pod is scheduled.',
    (pod) => pod.spec?.nodeName || '<none>',
  ),
  wideColumn(
    'Nominated Node',
    'nominatedNodeName is set only when this pod preempts other pods on the node, but it cannot be scheduled right away.',
    (pod) => pod.status?.nominatedNodeName || '<none>',
  ),
  wideColumn('Readiness Gates', 'If specified, all readiness gates will be evaluated for pod readiness.', gatesText),
];

interface Summary {
  readonly ready: number;
  readonly total: number;
  readonly reason: string;
  readonly restarts: number;
  /** '' when no container ever ended. */
  readonly lastRestart: string;
}

function summarize(pod: Live<Pod>): Summary {
  const sidecars = new Set((pod.spec?.initContainers ?? []).filter(isSidecar).map((container) => container.name));
  const init = summarizeInit(pod, sidecars);
  const started = init.reason === undefined || hasCondition(pod, 'Initialized');
  const main = started ? summarizeMain(pod, init.sidecarRestarts, init.lastSidecarRestart) : undefined;
  return {
    ready: init.ready + (main?.ready ?? 0),
    total: (pod.spec?.containers ?? []).length + sidecars.size,
    reason: deletionReason(pod) ?? main?.reason ?? init.reason ?? phaseReason(pod),
    restarts: main?.restarts ?? init.restarts,
    lastRestart: main?.lastRestart ?? init.lastRestart,
  };
}

function summarizeInit(
  pod: Live<Pod>,
  sidecars: ReadonlySet<string>,
): {
  readonly reason: string | undefined;
  readonly ready: number;
  readonly restarts: number;
  readonly lastRestart: string;
  readonly sidecarRestarts: number;
  readonly lastSidecarRestart: string;
} {
  const out = { ready: 0, restarts: 0, lastRestart: '', sidecarRestarts: 0, lastSidecarRestart: '' };
  const total = (pod.spec?.initContainers ?? []).length;
  for (const [index, status] of (pod.status?.initContainerStatuses ?? []).entries()) {
    const sidecar = sidecars.has(status.name);
    out.restarts += status.restartCount;
    out.lastRestart = later(out.lastRestart, status);
    if (sidecar) {
      out.sidecarRestarts += status.restartCount;
      out.lastSidecarRestart = later(out.lastSidecarRestart, status);
    }
    const { terminated, waiting } = status.state ?? {};
    if (terminated?.exitCode === 0) continue;
    if (sidecar && status.started === true) {
      if (status.ready) out.ready++;
      continue;
    }
    if (terminated !== undefined) return { ...out, reason: `Init:${endReason(terminated)}` };
    const why = waiting?.reason ?? '';
    return { ...out, reason: why !== '' && why !== 'PodInitializing' ? `Init:${why}` : `Init:${index}/${total}` };
  }
  return { ...out, reason: undefined };
}

function summarizeMain(pod: Live<Pod>, sidecarRestarts: number, lastSidecarRestart: string): Omit<Summary, 'total'> {
  let reason = phaseReason(pod);
  let ready = 0;
  let restarts = sidecarRestarts;
  let lastRestart = lastSidecarRestart;
  for (const status of (pod.status?.containerStatuses ?? []).toReversed()) {
    restarts += status.restartCount;
    lastRestart = later(lastRestart, status);
    const { waiting, terminated, running } = status.state ?? {};
    if ((waiting?.reason ?? '') !== '') reason = waiting?.reason ?? '';
    else if (terminated !== undefined) reason = endReason(terminated);
    else if (status.ready && running !== undefined) ready++;
  }
  if (reason === 'Completed' && ready > 0) reason = hasCondition(pod, 'Ready') ? 'Running' : 'NotReady';
  return { ready, reason, restarts, lastRestart };
}

function phaseReason(pod: Live<Pod>): string {
  const gated = pod.status?.conditions?.some(
    (condition) => condition.type === 'PodScheduled' && condition.reason === 'SchedulingGated',
  );
  return gated === true ? 'SchedulingGated' : pod.status?.reason || (pod.status?.phase ?? '');
}

function deletionReason(pod: Live<Pod>): string | undefined {
  if (pod.metadata.deletionTimestamp === undefined) return undefined;
  if (pod.status?.reason === 'NodeLost') return 'Unknown';
  const { phase } = pod.status ?? {};
  return phase === 'Succeeded' || phase === 'Failed' ? undefined : 'Terminating';
}

function endReason(terminated: NonNullable<ContainerState['terminated']>): string {
  if ((terminated.reason ?? '') !== '') return terminated.reason ?? '';
  return (terminated.signal ?? 0) !== 0 ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`;
}

function later(known: string, status: ContainerStatus): string {
  const ended = status.lastState?.terminated?.finishedAt ?? '';
  return ended > known ? ended : known;
}

function isSidecar(container: Container): boolean {
  return container.restartPolicy === 'Always';
}

function hasCondition(pod: Live<Pod>, type: string): boolean {
  return pod.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true;
}

function gatesText(pod: Live<Pod>): string {
  const gates = pod.spec?.readinessGates ?? [];
  if (gates.length === 0) return '<none>';
  return `${gates.filter((gate) => hasCondition(pod, gate.conditionType)).length}/${gates.length}`;
}
