/**
 * The containers of one pod as they are now: each has a slot, whatever run it is in.
 *
 *   empty ── start ──> busy ──> running ── exit ──> exited ── start (restart) ──> busy …
 *                        └── refused (image, configuration): waiting, tried again at `retryAt`
 */
import { randomBytes } from 'node:crypto';
import type { Container, Pod } from '../api/gen/types.ts';
import type { Live } from '../api/object.ts';
import { log } from '../util/log.ts';
import { runHook, stopContainer } from './container-stop.ts';
import { startContainer } from './container-start.ts';
import type { ContainerStart } from './container-start.ts';
import { nextBackoff } from './crash-backoff.ts';
import type { BackoffState } from './crash-backoff.ts';
import type { NodeContext } from './node-context.ts';
import { dropOldLogs, logFileOf } from './pod-logs.ts';
import type { ContainerRecord, PodRecord } from './pod-record.ts';
import type { StatusView } from './pod-status.ts';
import { createProber } from './prober.ts';
import type { Prober } from './prober.ts';
import type { ProbeTarget } from './probe-run.ts';
import type { ContainerExit } from './runtime.ts';
import { terminationMessage } from './termination-message.ts';

export interface SlotOwner {
  pod(): Live<Pod>;
  podIps(): readonly string[];
  volumes(): ReadonlyMap<string, string>;
  tell(container: Container, type: 'Normal' | 'Warning', reason: string, message: string): void;
  readonly changed: () => void;
}

export interface Slots {
  readonly view: (name: string) => StatusView;
  running(): string[];
  start(name: string): void;
  /** It waits for its back-off: told once per wait. */
  backOff(name: string, text: (name: string, delayMs: number) => { event: string; waiting: string }): void;
  /** Resolves when it has ended; a second call waits for the first. */
  stop(name: string, graceSeconds: number, message: string, hurry: AbortSignal): Promise<void>;
  /** Resolves when nothing is being started. */
  settled(): Promise<void>;
  removeAll(): Promise<void>;
  /** The agent ends, the containers stay. */
  leave(): void;
}

interface Slot {
  readonly container: Container;
  busy: Promise<void> | undefined;
  running: boolean;
  prober: Prober | undefined;
  waiting: StatusView['waiting'];
  retryAt: number | undefined;
  attempts: BackoffState | undefined;
  stopping: Promise<void> | undefined;
  ended: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;
}

const logger = log('agent');
/** A failed pull is shown as ErrImagePull for so long, then as ImagePullBackOff. */
const showErrorMs = 1000;
const configRetryMs = 2000;
const hookTimeoutMs = 600_000;

export function createSlots(context: NodeContext, record: PodRecord, owner: SlotOwner): Slots {
  const slots = new Map<string, Slot>();
  const timers = new Set<NodeJS.Timeout>();

  const slotOf = (name: string): Slot => {
    const known = slots.get(name);
    if (known !== undefined) return known;
    const slot: Slot = {
      container: findContainer(owner.pod(), name),
      busy: undefined,
      running: false,
      prober: undefined,
      waiting: undefined,
      retryAt: undefined,
      attempts: undefined,
      stopping: undefined,
      ended: undefined,
    };
    slots.set(name, slot);
    return slot;
  };
  const later = (ms: number, call: () => void): void => {
    if (context.signal.aborted) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      call();
    }, ms);
    timers.add(timer);
  };
  const save = (): void => context.records.save(record);
  const target = (slot: Slot): ProbeTarget => ({
    podIp: owner.podIps()[0] ?? '127.0.0.1',
    container: slot.container,
    exec: (command, timeoutMs) =>
      context.runtime.exec(record.containers[slot.container.name]?.id ?? '', command, timeoutMs),
  });

  const begin = async (name: string): Promise<void> => {
    const slot = slotOf(name);
    const before = record.containers[name];
    const id = randomBytes(32).toString('hex');
    const restartCount = before?.id === undefined ? 0 : before.restartCount + 1;
    const logFile = logFileOf(context.paths.logs, record, name, restartCount);
    slot.retryAt = undefined;
    const setting = { pod: owner.pod(), record, podIps: owner.podIps(), volumes: owner.volumes() };
    const outcome = await startContainer(context, setting, slot.container, id, logFile, (type, reason, message) =>
      owner.tell(slot.container, type, reason, message),
    );
    if (outcome.kind === 'refused') {
      refuse(slot, outcome);
      return;
    }
    slot.attempts = undefined;
    const now: ContainerRecord = {
      id,
      restartCount,
      image: outcome.image,
      imageId: outcome.imageId,
      ...(before?.exit === undefined ? {} : { last: before.exit, backoff: nextBackoff(before.backoff, Date.now()) }),
      ...(outcome.stopSignal === undefined ? {} : { stopSignal: outcome.stopSignal }),
    };
    record.containers[name] = now;
    if (outcome.result.kind === 'failed') {
      const { message } = outcome.result;
      owner.tell(slot.container, 'Warning', 'Failed', `Error: ${message}`);
      // containerd's way to say that the program could not be executed.
      now.exit = { id, code: 128, reason: 'StartError', message, finishedAt: Date.now() };
      context.logs.close(id);
    } else {
      now.process = outcome.result.process;
      now.startedAt = outcome.result.startedAt;
      await follow(name, slot, now, false);
    }
    slot.waiting = undefined;
    save();
    if (before?.id !== undefined) {
      await context.runtime.remove(before.id, before.process);
      dropOldLogs(context.paths.logs, record, name, restartCount);
    }
  };

  const refuse = (slot: Slot, outcome: Extract<ContainerStart, { kind: 'refused' }>): void => {
    slot.waiting = { reason: outcome.reason, message: outcome.message };
    if (outcome.reason !== 'ErrImagePull') {
      slot.retryAt = Date.now() + configRetryMs;
      return;
    }
    slot.attempts = nextBackoff(slot.attempts, Date.now());
    slot.retryAt = Date.now() + slot.attempts.delayMs;
    later(showErrorMs, () => {
      if (slot.running || slot.busy !== undefined) return;
      const text = `Back-off pulling image "${slot.container.image ?? ''}"`;
      owner.tell(slot.container, 'Normal', 'BackOff', text);
      owner.tell(slot.container, 'Warning', 'Failed', 'Error: ImagePullBackOff');
      slot.waiting = { reason: 'ImagePullBackOff', message: `${text}: ErrImagePull: ${outcome.message}` };
      owner.changed();
    });
  };

  /** Watches a run that has begun; `adopted`: by an earlier agent. */
  const follow = async (name: string, slot: Slot, run: ContainerRecord, adopted: boolean): Promise<void> => {
    const { id = '' } = run;
    let resolve: () => void = () => undefined;
    const promise = new Promise<void>((done) => (resolve = done));
    slot.ended = { promise, resolve };
    slot.running = true;
    slot.stopping = undefined;
    if (adopted) context.logs.open(id, logFileOf(context.paths.logs, record, name, run.restartCount));
    context.runtime.adopt(id, run.process, (exit) => ended(slot, run, exit));
    if (!adopted && !(await postStart(name, slot))) return;
    if (!slot.running) return;
    const status = [
      ...(owner.pod().status?.containerStatuses ?? []),
      ...(owner.pod().status?.initContainerStatuses ?? []),
    ];
    const known = adopted ? status.find((one) => one.containerID === `crun://${id}`) : undefined;
    const was = { started: known?.started === true, ready: known?.ready === true };
    slot.prober = createProber(target(slot), run.startedAt ?? Date.now(), proberEvents(name, slot), was);
  };

  const postStart = async (name: string, slot: Slot): Promise<boolean> => {
    const hook = slot.container.lifecycle?.postStart;
    if (hook === undefined) return true;
    try {
      await runHook(hook, target(slot), hookTimeoutMs);
      return true;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      owner.tell(slot.container, 'Warning', 'FailedPostStartHook', `PostStartHook failed: ${why}`);
      void result.stop(name, graceOf(owner.pod()), 'FailedPostStartHook', new AbortController().signal);
      return false;
    }
  };

  const ended = (slot: Slot, run: ContainerRecord, exit: ContainerExit): void => {
    const { id = '' } = run;
    slot.prober?.stop();
    slot.prober = undefined;
    context.logs.close(id);
    const message = exit.lost
      ? 'The container could not be located when the pod was terminated'
      : terminationMessage(context, record, slot.container, run, exit.code);
    run.exit = {
      id,
      code: exit.code,
      reason: exit.lost ? 'ContainerStatusUnknown' : exit.code === 0 ? 'Completed' : 'Error',
      ...(message === '' ? {} : { message }),
      ...(run.startedAt === undefined ? {} : { startedAt: run.startedAt }),
      finishedAt: exit.finishedAt,
    };
    slot.running = false;
    save();
    slot.ended?.resolve();
    owner.changed();
  };

  const proberEvents = (name: string, slot: Slot): Parameters<typeof createProber>[2] => ({
    onChange(kind, verdict) {
      owner.changed();
      if (kind === 'readiness' || verdict !== 'failure' || slot.stopping !== undefined) return;
      const probe = kind === 'liveness' ? slot.container.livenessProbe : slot.container.startupProbe;
      const grace = probe?.terminationGracePeriodSeconds ?? graceOf(owner.pod());
      void result.stop(
        name,
        grace,
        `Container ${name} failed ${kind} probe, will be restarted`,
        new AbortController().signal,
      );
    },
    onFailure(kind, { message }) {
      const label = `${kind.slice(0, 1).toUpperCase()}${kind.slice(1)}`;
      owner.tell(slot.container, 'Warning', 'Unhealthy', `${label} probe failed: ${message}`);
    },
  });

  const result: Slots = {
    view: (name) => {
      const slot = slotOf(name);
      const { prober } = slot;
      return {
        record: record.containers[name],
        busy: slot.busy !== undefined,
        running: slot.running,
        started: slot.running && prober?.started === true,
        ready: slot.running && prober?.ready === true,
        retryAt: slot.retryAt,
        waiting: slot.waiting,
      };
    },
    running: () => [...slots].filter(([, slot]) => slot.running).map(([name]) => name),
    start(name) {
      const slot = slotOf(name);
      if (slot.busy !== undefined) return;
      slot.busy = begin(name)
        .catch((error: unknown) => {
          const message = error instanceof Error ? error.message : String(error);
          logger.error(
            { pod: `${record.namespace}/${record.name}`, container: name, err: error },
            'container was not started',
          );
          slot.waiting = { reason: 'CreateContainerError', message };
          slot.retryAt = Date.now() + configRetryMs;
        })
        .finally(() => {
          slot.busy = undefined;
          if (slot.retryAt !== undefined) later(slot.retryAt - Date.now(), owner.changed);
          owner.changed();
        });
    },
    backOff(name, text) {
      const slot = slotOf(name);
      if (slot.waiting?.reason === 'CrashLoopBackOff') return;
      const said = text(name, record.containers[name]?.backoff?.delayMs ?? 0);
      slot.waiting = { reason: 'CrashLoopBackOff', message: said.waiting };
      owner.tell(slot.container, 'Warning', 'BackOff', said.event);
    },
    stop(name, graceSeconds, message, hurry) {
      const slot = slotOf(name);
      const process = record.containers[name]?.process;
      if (!slot.running || process === undefined || slot.ended === undefined) return Promise.resolve();
      if (slot.stopping !== undefined) return slot.stopping;
      owner.tell(slot.container, 'Normal', 'Killing', message);
      slot.prober?.stopRestarting();
      slot.stopping = stopContainer({
        runtime: context.runtime,
        container: slot.container,
        process,
        target: target(slot),
        graceSeconds,
        stopSignal: record.containers[name]?.stopSignal,
        ended: slot.ended.promise,
        hurry,
        hookFailed: (why) => owner.tell(slot.container, 'Warning', 'FailedPreStopHook', `PreStopHook failed: ${why}`),
      });
      return slot.stopping;
    },
    async settled() {
      for (const slot of slots.values()) await slot.busy;
    },
    async removeAll() {
      await Promise.all(
        Object.values(record.containers).map(async ({ id, process }) => {
          if (id === undefined) return;
          context.logs.close(id);
          await context.runtime.remove(id, process);
        }),
      );
    },
    leave() {
      for (const timer of timers) clearTimeout(timer);
      for (const slot of slots.values()) slot.prober?.stop();
    },
  };

  for (const [name, run] of Object.entries(record.containers)) {
    if (run.id !== undefined && run.exit === undefined) void follow(name, slotOf(name), run, true);
  }
  return result;
}

function findContainer(pod: Pod, name: string): Container {
  const all = [
    ...(pod.spec?.containers ?? []),
    ...(pod.spec?.initContainers ?? []),
    ...(pod.spec?.ephemeralContainers ?? []),
  ];
  return all.find((container) => container.name === name) ?? { name };
}

function graceOf(pod: Pod): number {
  return pod.spec?.terminationGracePeriodSeconds ?? 30;
}
