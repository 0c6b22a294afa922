/**
 * One pod, from its first sight to its deletion. Everything that happens (a change on the API server, an exit, a probe's
 * verdict, a timer) only says "look again"; one look at a time decides by what is there.
 *
 *   look ─┬─ being deleted ──> pod-end.ts: stop, clean up, delete with grace 0
 *         ├─ network, volumes ──> planPod (pure) ──> start, stop, wait
 *         └─ podStatus (pure) ──> status writer
 */
import type { Container, Pod } from '../api/gen/types.ts';
import type { Live } from '../api/object.ts';
import { createBackoff } from '../util/backoff.ts';
import { log } from '../util/log.ts';
import { endPod, finalGrace } from './pod-end.ts';
import { createSlots } from './container-slots.ts';
import type { Slots } from './container-slots.ts';
import { durationText } from './crash-backoff.ts';
import type { NodeContext } from './node-context.ts';
import { hostPortsOf } from './host-ports.ts';
import { initFailed, isFinished, planPod } from './pod-plan.ts';
import type { PodRecord } from './pod-record.ts';
import { ensureNetwork, ensureVolumes, hasLiveVolumes } from './pod-sandbox.ts';
import { podStatus } from './pod-status.ts';
import { rejectionOf } from './admission.ts';
import { hasStorageLimits, storageExcess } from './storage-limits.ts';
import { createStatusWriter } from './status-writer.ts';

export interface PodWorker {
  readonly pod: Live<Pod>;
  readonly record: PodRecord;
  readonly slots: Slots;
  readonly podIps: readonly string[];
  update(pod: Live<Pod>): void;
  /** The API server no longer has it: ends at once. */
  forget(): void;
}

const logger = log('agent');
const volumeRefreshMs = 60_000;
/** Sooner than kubelet's monitoringInterval of 10 s: it is looked at only where there is a limit. */
const storageCheckMs = 3_000;
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
  let podIps: readonly string[] = record.network?.ips ?? [];
  let volumes: ReadonlyMap<string, string> | undefined;
  let sandboxReady = false;
  let looking = false;
  let again = false;
  let ending = false;
  let closed = false;
  let wake: NodeJS.Timeout | undefined;
  let refresh: NodeJS.Timeout | undefined;
  let storage: NodeJS.Timeout | undefined;
  const hurry = new AbortController();
  const where = { pod: `${record.namespace}/${record.name}` };
  const status = createStatusWriter(context.client, record, context.signal);
  const retry = createBackoff({ baseMs: 100, maxMs: 10_000 });

  const tell = (
    container: Container | undefined,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
  ): void => {
    const part = (['initContainers', 'ephemeralContainers'] as const).find((list) =>
      (pod.spec?.[list] ?? []).some((candidate) => candidate.name === container?.name),
    );
    const field = container === undefined ? undefined : `spec.${part ?? 'containers'}{${container.name}}`;
    context.events.event({ ...pod, apiVersion: 'v1', kind: 'Pod' }, type, reason, message, field);
  };
  const slots = createSlots(context, record, {
    pod: () => pod,
    podIps: () => podIps,
    volumes: () => volumes ?? new Map(),
    tell,
    changed: () => look(),
  });

  const look = (): void => {
    if (closed || context.signal.aborted) return;
    again = true;
    if (!looking) void run();
  };
  const run = async (): Promise<void> => {
    looking = true;
    while (again && !closed) {
      again = false;
      try {
        await step();
      } catch (error) {
        logger.error({ ...where, err: error }, 'pod could not be brought forward');
        wakeAt(Date.now() + retry.next());
      }
    }
    looking = false;
  };
  const wakeAt = (time: number): void => {
    if (closed) return;
    clearTimeout(wake);
    wake = setTimeout(() => look(), Math.max(0, time - Date.now()));
  };

  const publish = (ended: boolean): void => {
    const input = { pod, record, view: slots.view, hostIps: context.options.nodeIPs, podIps, sandboxReady, ended };
    status.write(podStatus({ ...input, now: Date.now() }));
  };

  const step = async (): Promise<void> => {
    if (pod.metadata.deletionTimestamp !== undefined || hurry.signal.aborted) {
      publish(false);
      if (!ending) void end();
      return;
    }
    checkDeadline();
    checkAdmission();
    if (hasEnded()) return settle();
    if (!sandboxReady && !(await prepare())) return;
    const plan = planPod(pod, record.initialized, slots.view, Date.now());
    if (plan.initialized && !record.initialized) {
      record.initialized = true;
      context.records.save(record);
    }
    for (const name of plan.backingOff) slots.backOff(name, crashText);
    for (const name of plan.start) slots.start(name);
    for (const name of plan.stop) void slots.stop(name, finalGrace(pod), `Stopping container ${name}`, hurry.signal);
    if (plan.wakeAt !== undefined) wakeAt(plan.wakeAt);
    publish(false);
  };
  const crashText = (name: string, delayMs: number): { event: string; waiting: string } => ({
    event: `Back-off restarting failed container ${name} in pod ${record.name}_${record.namespace}(${record.uid})`,
    waiting: `back-off ${durationText(delayMs)} restarting failed container=${name} pod=${record.name}_${record.namespace}(${record.uid})`,
  });

  /** Network and volumes at the same time. False: not yet, looked at again later. */
  const prepare = async (): Promise<boolean> => {
    publish(false);
    const network = ensureNetwork(context, pod, record).then(
      (ips) => {
        podIps = ips;
        return true;
      },
      (error: unknown) => refused('FailedCreatePodSandBox', 'Failed to create pod sandbox: ', error),
    );
    const content = ensureVolumes(context, pod, record, () => podIps).then(
      (made) => {
        volumes = made;
        return true;
      },
      (error: unknown) => refused('FailedMount', 'MountVolume.SetUp failed: ', error),
    );
    const [hasNetwork, hasVolumes] = await Promise.all([network, content]);
    sandboxReady = hasNetwork && hasVolumes;
    if (!sandboxReady) wakeAt(Date.now() + retry.next());
    else {
      if (hasLiveVolumes(pod)) scheduleRefresh();
      if (hasStorageLimits(pod)) watchStorage();
    }
    return sandboxReady;
  };
  const refused = (reason: string, prefix: string, error: unknown): boolean => {
    const why = error instanceof Error ? error.message : String(error);
    logger.warn({ ...where, why }, reason);
    tell(undefined, 'Warning', reason, prefix + why);
    return false;
  };
  /** One after the other: they write the same files. */
  let refreshing: Promise<void> = Promise.resolve();
  const refreshVolumes = (): Promise<void> => {
    refreshing = refreshing
      .then(async () => {
        if (!closed && !ending) await ensureVolumes(context, pod, record, () => podIps);
      })
      .catch((error: unknown) => logger.warn({ ...where, err: error }, 'volumes were not brought up to date'));
    return refreshing;
  };
  const scheduleRefresh = (): void => {
    if (closed || ending) return;
    refresh = setTimeout(
      () => {
        void refreshVolumes().finally(scheduleRefresh);
      },
      volumeRefreshMs * (1 + Math.random() * 0.2),
    );
    refresh.unref();
  };

  const watchStorage = (): void => {
    if (closed || ending || record.failure !== undefined) return;
    storage = setTimeout(() => {
      void storageExcess(context, pod, record)
        .then((message) => {
          if (message !== undefined && record.failure === undefined) fail('Evicted', message, 'Warning');
        })
        .catch((error: unknown) => logger.warn({ ...where, err: error }, 'storage use is not known'))
        .finally(watchStorage);
    }, storageCheckMs);
    storage.unref();
  };
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
      wakeAt(at);
      return;
    }
    const message = 'Pod was active on the node longer than the specified deadline';
    fail('DeadlineExceeded', message, 'Normal');
  };
  /** Before anything is made: who comes second does not run here (kubelet's predicate NodePorts). */
  const checkAdmission = (): void => {
    if (record.network !== undefined || record.failure !== undefined || sandboxReady) return;
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
    ending = true;
    clearTimeout(refresh);
    clearTimeout(storage);
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
      closed = true;
      clearTimeout(wake);
      onGone();
    } catch (error) {
      logger.warn({ ...where, err: error }, 'pod could not be taken away, tried again');
      ending = false;
      wakeAt(Date.now() + retry.next());
    }
  };

  context.signal.addEventListener(
    'abort',
    () => {
      closed = true;
      clearTimeout(wake);
      clearTimeout(refresh);
      clearTimeout(storage);
      slots.leave();
    },
    { once: true },
  );
  queueMicrotask(look);

  return {
    get pod() {
      return pod;
    },
    get podIps() {
      return podIps;
    },
    record,
    slots,
    update(newer) {
      // Downward volumes show them; kubelet, too, mounts anew when the pod changes.
      const told = ({ metadata }: Live<Pod>): string => JSON.stringify([metadata.labels, metadata.annotations]);
      const hasNews = sandboxReady && hasLiveVolumes(newer) && told(newer) !== told(pod);
      pod = newer;
      if (hasNews) void refreshVolumes();
      look();
    },
    forget() {
      hurry.abort();
      look();
    },
  };
}
