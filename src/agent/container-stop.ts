/**
 * Ends a container as Kubernetes promises it: preStop hook, stop signal, what is left of the grace period, SIGKILL.
 * Upstream: pkg/kubelet/kuberuntime/kuberuntime_container.go killContainer; pkg/kubelet/lifecycle/handlers.go.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Container, LifecycleHandler } from '../api/gen/types.ts';
import { httpGet } from './probe-run.ts';
import type { ProbeTarget } from './probe-run.ts';
import type { ProcessId } from './process.ts';
import type { Runtime } from './runtime.ts';

export interface StopInput {
  readonly runtime: Runtime;
  readonly container: Container;
  readonly process: ProcessId;
  readonly target: ProbeTarget;
  readonly graceSeconds: number;
  readonly stopSignal: string | undefined;
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
  /** Aborts: no more waiting, SIGKILL now. */
  readonly hurry: AbortSignal;
  readonly hookFailed: (message: string) => void;
}

/** Upstream's minimumGracePeriodInSeconds. */
const minimumGraceMs = 2000;
const killWaitMs = 10_000;

export async function stopContainer(input: StopInput): Promise<void> {
  const { runtime, process, hurry } = input;
  const began = performance.now();
  const graceMs = input.graceSeconds * 1000;
  const hook = input.container.lifecycle?.preStop;
  if (hook !== undefined && graceMs > 0 && !hurry.aborted) {
    const ran = runHook(hook, input.target, graceMs).catch((error: unknown) => {
      input.hookFailed(error instanceof Error ? error.message : String(error));
    });
    await firstOf([ran, input.ended], graceMs, hurry);
  }
  const left = Math.max(input.graceSeconds > 0 ? minimumGraceMs : 0, graceMs - (performance.now() - began));
  if (left > 0 && !hurry.aborted) {
    runtime.signal(process, signalName(input.container.lifecycle?.stopSignal ?? input.stopSignal));
    await firstOf([input.ended], left, hurry);
  }
  runtime.signal(process, 'SIGKILL');
  await firstOf([input.ended], killWaitMs, new AbortController().signal);
}

/** Rejects with upstream's text when the hook fails. */
export async function runHook(hook: LifecycleHandler, target: ProbeTarget, timeoutMs: number): Promise<void> {
  if (hook.exec !== undefined) {
    const command = hook.exec.command ?? [];
    const result = await target.exec(command, timeoutMs);
    if (result.code === 0) return;
    const said = (result.stdout + result.stderr).trim();
    throw new Error(`command '${command.join(' ')}' exited with ${String(result.code)}: ${said}`);
  }
  if (hook.httpGet !== undefined) {
    const result = await httpGet(hook.httpGet, target, timeoutMs);
    if (!result.ok) throw new Error(result.message);
  } else if (hook.sleep !== undefined) await delay(Math.min(timeoutMs, hook.sleep.seconds * 1000));
}

async function firstOf(events: readonly Promise<void>[], ms: number, hurry: AbortSignal): Promise<void> {
  const over = new AbortController();
  const cut = (): void => over.abort();
  hurry.addEventListener('abort', cut, { once: true });
  // Aborted is over, too.
  const wait = delay(ms, undefined, { signal: over.signal }).catch(() => undefined);
  await Promise.race([...events, wait]);
  over.abort();
  hurry.removeEventListener('abort', cut);
}

function signalName(name: string | undefined): NodeJS.Signals {
  const full = name === undefined || name === '' ? 'SIGTERM' : name.startsWith('SIG') ? name : `SIG${name}`;
  return full as NodeJS.Signals;
}
