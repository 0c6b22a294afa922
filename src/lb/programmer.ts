/**
 * Keeps the kernel at what ledger, services, nodes and probes say: one run at a time, changes that come together are one run.
 *
 *   trigger() ─> compute the whole state ─> kernel.apply (difference) ─> entries of flows that lost their node are removed
 *
 * A failed run is tried again with back-off; who waits in flush() is told.
 */
import { createBackoff, sleep } from '../util/backoff.ts';
import { log } from '../util/log.ts';
import type { FlowTable } from './flows.ts';
import type { LbKernel } from './kernel.ts';
import type { LbFrontend } from './targets.ts';

export interface WantedState {
  readonly vips: readonly string[];
  readonly frontends: readonly LbFrontend[];
}

export interface Programmer {
  trigger(): void;
  /** Resolves when the state of now (or a newer one) is in the kernel; rejects when that run failed. */
  flush(): Promise<void>;
  /** The last error; undefined: the kernel is as wanted. */
  readonly failure: unknown;
  readonly runs: number;
}

const logger = log('lb');
const verifyEveryMs = 30_000;

export function createProgrammer(
  kernel: LbKernel,
  flows: FlowTable,
  wanted: () => WantedState,
  signal: AbortSignal,
): Programmer {
  let waiting: PromiseWithResolvers<void> | undefined;
  let running = false;
  let failure: unknown;
  let runs = 0;
  let retry: NodeJS.Timeout | undefined;
  const backoff = createBackoff({ baseMs: 50, maxMs: 5_000 });

  const runOnce = (): void => {
    const started = performance.now();
    const state = wanted();
    const changed = kernel.apply(state.vips, state.frontends);
    runs += 1;
    const cut = flows.settle(state.vips, state.frontends);
    if (changed > 0 || cut > 0) {
      const ms = Math.round((performance.now() - started) * 10) / 10;
      logger.info({ vips: state.vips.length, frontends: state.frontends.length, cut, ms }, 'programmed');
    }
  };
  const loop = async (): Promise<void> => {
    running = true;
    while (waiting !== undefined && !signal.aborted) {
      const round = waiting;
      waiting = undefined;
      try {
        runOnce();
        failure = undefined;
        backoff.reset();
        round.resolve();
      } catch (error) {
        failure = error;
        const waitMs = backoff.next();
        logger.error({ err: error, waitMs }, 'could not program the kernel');
        retry ??= setTimeout(() => {
          retry = undefined;
          trigger();
        }, waitMs);
        round.reject(error);
      }
    }
    running = false;
  };
  const request = (): PromiseWithResolvers<void> => {
    if (waiting !== undefined) return waiting;
    waiting = Promise.withResolvers<void>();
    // Most callers only trigger; those who wait see the same rejection.
    waiting.promise.catch(() => undefined);
    if (!running) queueMicrotask(() => void (running ? undefined : loop()));
    return waiting;
  };
  const trigger = (): void => {
    if (!signal.aborted) request();
  };
  void verifyLoop(kernel, trigger, signal);
  signal.addEventListener('abort', () => clearTimeout(retry), { once: true });

  return {
    trigger,
    flush: () => (signal.aborted ? Promise.resolve() : request().promise),
    get failure() {
      return failure;
    },
    get runs() {
      return runs;
    },
  };
}

/** A table that somebody changed by hand is mended without waiting for the next change of ours. */
async function verifyLoop(kernel: LbKernel, trigger: () => void, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(verifyEveryMs, signal);
    if (signal.aborted) return;
    kernel.verify();
    trigger();
  }
}
