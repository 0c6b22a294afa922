/**
 * One container of a pod as it is now, whatever run it is in.
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

const logger = log('agent');
/** A failed pull is shown as ErrImagePull for so long, then as ImagePullBackOff. */
const showErrorMs = 1000;
const configRetryMs = 2000;
const hookTimeoutMs = 600_000;

export class ContainerSlot {
  readonly #context: NodeContext;
  readonly #record: PodRecord;
  readonly #owner: SlotOwner;
  readonly #container: Container;
  readonly #timers = new Set<NodeJS.Timeout>();
  #busy: Promise<void> | undefined;
  #running = false;
  #prober: Prober | undefined;
  #waiting: StatusView['waiting'];
  #retryAt: number | undefined;
  #attempts: BackoffState | undefined;
  #stopping: Promise<void> | undefined;
  #ended = Promise.withResolvers<undefined>();

  constructor(context: NodeContext, record: PodRecord, owner: SlotOwner, name: string) {
    this.#context = context;
    this.#record = record;
    this.#owner = owner;
    this.#container = findContainer(owner.pod(), name);
  }

  get running(): boolean {
    return this.#running;
  }

  /** Resolves when it is not being started. */
  get settled(): Promise<void> | undefined {
    return this.#busy;
  }

  get view(): StatusView {
    return {
      record: this.#record.containers[this.#container.name],
      busy: this.#busy !== undefined,
      running: this.#running,
      started: this.#running && this.#prober?.started === true,
      ready: this.#running && this.#prober?.ready === true,
      retryAt: this.#retryAt,
      waiting: this.#waiting,
    };
  }

  start(): void {
    if (this.#busy !== undefined) return;
    this.#busy = this.#begin()
      .catch((error: unknown) => {
        const { namespace, name } = this.#record;
        const where = { pod: `${namespace}/${name}`, container: this.#container.name };
        logger.error({ ...where, err: error }, 'container was not started');
        const message = error instanceof Error ? error.message : String(error);
        this.#waiting = { reason: 'CreateContainerError', message };
        this.#retryAt = Date.now() + configRetryMs;
      })
      .finally(() => {
        this.#busy = undefined;
        if (this.#retryAt !== undefined) this.#later(this.#retryAt - Date.now(), this.#owner.changed);
        this.#owner.changed();
      });
  }

  /** It waits for its back-off: told once per wait. */
  backOff(text: (name: string, delayMs: number) => { event: string; waiting: string }): void {
    if (this.#waiting?.reason === 'CrashLoopBackOff') return;
    const { name } = this.#container;
    const said = text(name, this.#record.containers[name]?.backoff?.delayMs ?? 0);
    this.#waiting = { reason: 'CrashLoopBackOff', message: said.waiting };
    this.#tell('Warning', 'BackOff', said.event);
  }

  /** Resolves when it has ended; a second call waits for the first. */
  stop(graceSeconds: number, message: string, hurry: AbortSignal = new AbortController().signal): Promise<void> {
    const { process, stopSignal } = this.#record.containers[this.#container.name] ?? {};
    if (!this.#running || process === undefined) return Promise.resolve();
    if (this.#stopping !== undefined) return this.#stopping;
    this.#tell('Normal', 'Killing', message);
    this.#prober?.stopRestarting();
    this.#stopping = stopContainer({
      runtime: this.#context.runtime,
      container: this.#container,
      process,
      target: this.#target(),
      graceSeconds,
      stopSignal,
      ended: this.#ended.promise,
      hurry,
      hookFailed: (why) => this.#tell('Warning', 'FailedPreStopHook', `PreStopHook failed: ${why}`),
    });
    return this.#stopping;
  }

  /** A run that an earlier agent began. */
  adopt(run: ContainerRecord): void {
    const { id = '' } = run;
    this.#context.logs.open(
      id,
      logFileOf(this.#context.paths.logs, this.#record, this.#container.name, run.restartCount),
    );
    this.#watch(run);
    if (!this.#running) return;
    const { containerStatuses = [], initContainerStatuses = [] } = this.#owner.pod().status ?? {};
    const known = [...containerStatuses, ...initContainerStatuses].find((one) => one.containerID === `crun://${id}`);
    this.#probe(run, { started: known?.started === true, ready: known?.ready === true });
  }

  /** The agent ends, the container stays. */
  leave(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#prober?.stop();
  }

  async #begin(): Promise<void> {
    const { logs, runtime, paths } = this.#context;
    const { name } = this.#container;
    const before = this.#record.containers[name];
    const id = randomBytes(32).toString('hex');
    const restartCount = before?.id === undefined ? 0 : before.restartCount + 1;
    this.#retryAt = undefined;
    const outcome = await this.#create(id, logFileOf(paths.logs, this.#record, name, restartCount));
    if (outcome.kind === 'refused') {
      this.#refuse(outcome);
      return;
    }
    this.#attempts = undefined;
    const now: ContainerRecord = {
      id,
      restartCount,
      image: outcome.image,
      imageId: outcome.imageId,
      ...(before?.exit === undefined ? {} : { last: before.exit, backoff: nextBackoff(before.backoff, Date.now()) }),
      ...(outcome.stopSignal === undefined ? {} : { stopSignal: outcome.stopSignal }),
    };
    this.#record.containers[name] = now;
    if (outcome.result.kind === 'failed') {
      const { message } = outcome.result;
      this.#tell('Warning', 'Failed', `Error: ${message}`);
      // containerd's way to say that the program could not be executed.
      now.exit = { id, code: 128, reason: 'StartError', message, finishedAt: Date.now() };
      logs.close(id);
    } else {
      now.process = outcome.result.process;
      now.startedAt = outcome.result.startedAt;
      this.#watch(now);
      if ((await this.#postStart()) && this.#running) this.#probe(now, { started: false, ready: false });
    }
    this.#waiting = undefined;
    this.#context.records.save(this.#record);
    if (before?.id !== undefined) {
      await runtime.remove(before.id, before.process);
      dropOldLogs(paths.logs, this.#record, name, restartCount);
    }
  }

  #create(id: string, logFile: string): Promise<ContainerStart> {
    const owner = this.#owner;
    const setting = { pod: owner.pod(), record: this.#record, podIps: owner.podIps(), volumes: owner.volumes() };
    return startContainer(this.#context, setting, this.#container, id, logFile, (type, reason, message) =>
      this.#tell(type, reason, message),
    );
  }

  #refuse(outcome: Extract<ContainerStart, { kind: 'refused' }>): void {
    this.#waiting = { reason: outcome.reason, message: outcome.message };
    if (outcome.reason !== 'ErrImagePull') {
      this.#retryAt = Date.now() + configRetryMs;
      return;
    }
    this.#attempts = nextBackoff(this.#attempts, Date.now());
    this.#retryAt = Date.now() + this.#attempts.delayMs;
    this.#later(showErrorMs, () => {
      if (this.#running || this.#busy !== undefined) return;
      const text = `Back-off pulling image "${this.#container.image ?? ''}"`;
      this.#tell('Normal', 'BackOff', text);
      this.#tell('Warning', 'Failed', 'Error: ImagePullBackOff');
      this.#waiting = { reason: 'ImagePullBackOff', message: `${text}: ErrImagePull: ${outcome.message}` };
      this.#owner.changed();
    });
  }

  #watch(run: ContainerRecord): void {
    this.#ended = Promise.withResolvers();
    this.#running = true;
    this.#stopping = undefined;
    this.#context.runtime.adopt(run.id ?? '', run.process, (exit) => this.#exited(run, exit));
  }

  #exited(run: ContainerRecord, exit: ContainerExit): void {
    const { id = '' } = run;
    this.#prober?.stop();
    this.#prober = undefined;
    this.#context.logs.close(id);
    const message = exit.lost
      ? 'The container could not be located when the pod was terminated'
      : terminationMessage(this.#context, this.#record, this.#container, run, exit.code);
    run.exit = {
      id,
      code: exit.code,
      reason: exit.lost ? 'ContainerStatusUnknown' : exit.code === 0 ? 'Completed' : 'Error',
      ...(message === '' ? {} : { message }),
      ...(run.startedAt === undefined ? {} : { startedAt: run.startedAt }),
      finishedAt: exit.finishedAt,
    };
    this.#running = false;
    this.#context.records.save(this.#record);
    this.#ended.resolve(undefined);
    this.#owner.changed();
  }

  /** False: it failed, and the container is being stopped for it. */
  async #postStart(): Promise<boolean> {
    const hook = this.#container.lifecycle?.postStart;
    if (hook === undefined) return true;
    try {
      await runHook(hook, this.#target(), hookTimeoutMs);
      return true;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#tell('Warning', 'FailedPostStartHook', `PostStartHook failed: ${why}`);
      void this.stop(this.#grace(), 'FailedPostStartHook');
      return false;
    }
  }

  #probe(run: ContainerRecord, was: { readonly started: boolean; readonly ready: boolean }): void {
    const events: Parameters<typeof createProber>[2] = {
      onChange: (kind, verdict) => {
        this.#owner.changed();
        if (kind === 'readiness' || verdict !== 'failure' || this.#stopping !== undefined) return;
        const { name, livenessProbe, startupProbe } = this.#container;
        const probe = kind === 'liveness' ? livenessProbe : startupProbe;
        const grace = probe?.terminationGracePeriodSeconds ?? this.#grace();
        void this.stop(grace, `Container ${name} failed ${kind} probe, will be restarted`);
      },
      onFailure: (kind, { message }) => {
        const label = `${kind.slice(0, 1).toUpperCase()}${kind.slice(1)}`;
        this.#tell('Warning', 'Unhealthy', `${label} probe failed: ${message}`);
      },
    };
    this.#prober = createProber(this.#target(), run.startedAt ?? Date.now(), events, was);
  }

  #target(): ProbeTarget {
    const { name } = this.#container;
    return {
      podIp: this.#owner.podIps()[0] ?? '127.0.0.1',
      container: this.#container,
      exec: (command, timeoutMs) =>
        this.#context.runtime.exec(this.#record.containers[name]?.id ?? '', command, timeoutMs),
    };
  }

  #grace(): number {
    return this.#owner.pod().spec?.terminationGracePeriodSeconds ?? 30;
  }

  #tell(type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#owner.tell(this.#container, type, reason, message);
  }

  #later(ms: number, call: () => void): void {
    if (this.#context.signal.aborted) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      call();
    }, ms);
    this.#timers.add(timer);
  }
}

function findContainer(pod: Pod, name: string): Container {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = pod.spec ?? {};
  const all: readonly Container[] = [...containers, ...initContainers, ...ephemeralContainers];
  return all.find((container) => container.name === name) ?? { name };
}
