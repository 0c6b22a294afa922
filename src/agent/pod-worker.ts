/**
 * One pod, from its first sight to its deletion. Everything that happens (a change on the API server, an exit, a probe's
 * verdict, a timer) only says "look again" (look-loop.ts); one look at a time decides by what is there.
 *
 *   look ─┬─ being deleted ──> pod-end.ts: stop, clean up, delete with grace 0
 *         ├─ pod-surroundings.ts: network, volumes ──> planPod (pure) ──> start, stop, wait
 *         └─ podStatus (pure) ──> status writer
 */
import type { Container, Pod } from '../api/gen/types.ts';
import type { Live } from '../api/object.ts';
import { log } from '../util/log.ts';
import { endPod, finalGrace } from './pod-end.ts';
import { createSlots } from './container-slots.ts';
import type { Slots } from './container-slots.ts';
import { durationText } from './crash-backoff.ts';
import type { NodeContext } from './node-context.ts';
import { hostPortsOf } from './host-ports.ts';
import { createLookLoop } from './look-loop.ts';
import { initFailed, isFinished, planPod } from './pod-plan.ts';
import type { PodRecord } from './pod-record.ts';
import { hasLiveVolumes } from './pod-sandbox.ts';
import { podStatus } from './pod-status.ts';
import { PodSurroundings } from './pod-surroundings.ts';
import { rejectionOf } from './admission.ts';
import { createStatusWriter } from './status-writer.ts';

export interface PodWorker {
  readonly pod: Live<Pod>;
  readonly record: PodRecord;
  readonly slots: Slots;
  update(pod: Live<Pod>): void;
  /** The API server no longer has it: ends at once. */
  forget(): void;
}

const logger = log('agent');
/** kubelet's immediateEvictionGracePeriodSeconds. */
const evictionGraceSeconds = 1;

/** `onGone`: nothing of the pod is left on this node. */
export function createPodWorker(
  context: NodeContext,
  first: Live<Pod>,
  record: PodRecord,
  onGone: () => void,
): PodWorker {
  let pod = first;
  let isEnding = false;
  const hurry = new AbortController();
  const where = { pod: `${record.namespace}/${record.name}` };
  const status = createStatusWriter(context.client, record, context.signal);

  const tell = (
    container: Container | undefined,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
  ): void => {
    const field = container === undefined ? undefined : fieldPathOf(pod, container);
    context.events.event({ ...pod, apiVersion: 'v1', kind: 'Pod' }, type, reason, message, field);
  };
  const surroundings = new PodSurroundings(context, record, {
    pod: () => pod,
    warn: (reason, message) => tell(undefined, 'Warning', reason, message),
    exceeded: (message) => fail('Evicted', message, 'Warning'),
  });
  const slots = createSlots(context, record, {
    pod: () => pod,
    podIps: () => surroundings.podIps,
    volumes: () => surroundings.volumes,
    tell,
    changed: () => look(),
  });

  const loop = createLookLoop(
    () => step(),
    (error) => logger.error({ ...where, err: error }, 'pod could not be brought forward'),
  );
  const look = (): void => {
    if (!context.signal.aborted) loop.look();
  };

  const publish = (ended: boolean): void => {
    const { podIps, isReady: sandboxReady } = surroundings;
    const input = { pod, record, view: slots.view, hostIps: context.options.nodeIPs, podIps, sandboxReady, ended };
    status.write(podStatus({ ...input, now: Date.now() }));
  };

  const step = async (): Promise<void> => {
    if (pod.metadata.deletionTimestamp !== undefined || hurry.signal.aborted) {
      publish(false);
      if (!isEnding) void end();
      return;
    }
    checkDeadline();
    checkAdmission();
    if (hasEnded()) return settle();
    if (!surroundings.isReady) {
      publish(false);
      if (!(await surroundings.prepare())) return loop.lookLater();
    }
    const plan = planPod(pod, record.initialized, slots.view, Date.now());
    if (plan.initialized && !record.initialized) {
      record.initialized = true;
      context.records.save(record);
    }
    for (const name of plan.backingOff) slots.backOff(name, crashText);
    for (const name of plan.start) slots.start(name);
    for (const name of plan.stop) void slots.stop(name, finalGrace(pod), `Stopping container ${name}`, hurry.signal);
    if (plan.wakeAt !== undefined) loop.lookAt(plan.wakeAt);
    publish(false);
  };
  const crashText = (name: string, delayMs: number): { event: string; waiting: string } => ({
    event: `Back-off restarting failed container ${name} in pod ${record.name}_${record.namespace}(${record.uid})`,
    waiting: `back-off ${durationText(delayMs)} restarting failed container=${name} pod=${record.name}_${record.namespace}(${record.uid})`,
  });

  /** For good: the pod ends as Failed. */
  const fail = (reason: string, message: string, type: 'Normal' | 'Warning'): void => {
    record.failure = { reason, message };
    context.records.save(record);
    tell(undefined, type, reason, message);
    look();
  };

  const checkDeadline = (): void => {
    const limit = pod.spec?.activeDeadlineSeconds;
    if (limit === undefined || record.failure !== undefined) return;
    const at = Date.parse(record.startTime) + limit * 1000;
    if (Date.now() < at) {
      loop.lookAt(at);
      return;
    }
    const message = 'Pod was active on the node longer than the specified deadline';
    fail('DeadlineExceeded', message, 'Normal');
  };
  /** Before anything is made: who comes second does not run here (kubelet's predicate NodePorts). */
  const checkAdmission = (): void => {
    if (record.network !== undefined || record.failure !== undefined || surroundings.isReady) return;
    const rejection = rejectionOf(pod);
    if (rejection !== undefined) {
      fail(rejection.reason, `Pod was rejected: ${rejection.message}`, 'Warning');
      return;
    }
    // Whatever its addresses will be.
    if (context.hostPorts.claim(record.uid, hostPortsOf(pod, context.options.nodeIPs))) return;
    const why = "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports";
    fail('NodePorts', `Pod was rejected: ${why}`, 'Warning');
  };
  const hasEnded = (): boolean => {
    if (record.failure !== undefined || initFailed(pod, record.initialized, slots.view)) return true;
    const over = record.initialized && isFinished(pod, pod.spec?.restartPolicy ?? 'Always', slots.view);
    return over && slots.running().length === 0;
  };
  /** It will not run again: what still runs is stopped; the object stays until someone deletes it. */
  const settle = (): void => {
    const grace = record.failure?.reason === 'Evicted' ? evictionGraceSeconds : finalGrace(pod);
    for (const name of slots.running()) void slots.stop(name, grace, `Stopping container ${name}`, hurry.signal);
    publish(true);
  };

  const end = async (): Promise<void> => {
    isEnding = true;
    surroundings.leave();
    try {
      await endPod({
        context,
        pod: () => pod,
        record,
        slots,
        hurry: hurry.signal,
        publish: async () => {
          publish(true);
          await status.flushed();
        },
      });
      loop.end();
      onGone();
    } catch (error) {
      logger.warn({ ...where, err: error }, 'pod could not be taken away, tried again');
      isEnding = false;
      loop.lookLater();
    }
  };

  context.signal.addEventListener(
    'abort',
    () => {
      loop.end();
      surroundings.leave();
      slots.leave();
    },
    { once: true },
  );
  queueMicrotask(look);

  return {
    get pod() {
      return pod;
    },
    record,
    slots,
    update(newer) {
      // Downward volumes show them; kubelet, too, mounts anew when the pod changes.
      const told = ({ metadata }: Live<Pod>): string => JSON.stringify([metadata.labels, metadata.annotations]);
      const hasNews = surroundings.isReady && hasLiveVolumes(newer) && told(newer) !== told(pod);
      pod = newer;
      if (hasNews) void surroundings.refreshVolumes();
      look();
    },
    forget() {
      hurry.abort();
      look();
    },
  };
}

function fieldPathOf(pod: Pod, { name }: Container): string {
  const part = (['initContainers', 'ephemeralContainers'] as const).find((list) =>
    (pod.spec?.[list] ?? []).some((container) => container.name === name),
  );
  return `spec.${part ?? 'containers'}{${name}}`;
}
