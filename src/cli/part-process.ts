/**
 * How a part lives as a process: until SIGTERM or SIGINT, then it is given a moment to say goodbye.
 *
 *   runPart('agent', async (signal) => { … resolves when it has stopped })
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from '../api/errors.ts';
import { loadKubeconfig, createClient } from '../client/index.ts';
import type { Client, ClosableClient } from '../client/index.ts';
import { UsageError } from '../cluster/usage-error.ts';
import { log } from '../util/log.ts';
import { fail, messageOf } from './fail.ts';

/** A part that hangs in its goodbye must not hold up `down`, an init system or a reboot. */
const goodbyeMs = 5000;
/** Parts are often started together with their server. */
const firstWordMs = 1_000;
const nextWordMs = 30_000;

export async function runPart(name: string, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  process.title = `portolan ${name}`;
  const logger = log(name);
  const controller = new AbortController();
  const stop = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(1);
    logger.info({ signal }, 'stopping');
    controller.abort();
    setTimeout(() => {
      logger.warn({}, 'did not stop in time');
      process.exit(1);
    }, goodbyeMs).unref();
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  logger.info({ pid: process.pid }, 'starting');
  try {
    await work(controller.signal);
  } catch (error) {
    if (!controller.signal.aborted) {
      if (isMistake(error)) fail(error);
      else logger.error({ err: error }, `${name} failed`);
      process.exit(1);
    }
  }
  logger.info({}, 'stopped');
  // Kept connections and watchers would hold the process.
  process.exit(0);
}

/** Of the person who started it: told as one line without a stack. A port in use or a file that may not be read is one, too. */
function isMistake(error: unknown): boolean {
  const call = error instanceof Error && 'syscall' in error ? error.syscall : undefined;
  return error instanceof UsageError || ['bind', 'listen', 'open'].some((one) => one === call);
}

/** `master`: the server, instead of the kubeconfig's. */
export async function clientFor(
  part: string,
  kubeconfig: string | undefined,
  master?: string,
): Promise<ClosableClient> {
  const config = await loadKubeconfig(kubeconfig).catch((error: unknown) => {
    throw new UsageError(messageOf(error));
  });
  return createClient(master === undefined ? config : { ...config, server: master }, { userAgent: `portolan-${part}` });
}

/**
 * Resolves when the API server answers anything at all. Parts of a local cluster start together, and the server is the slowest:
 * asking it often and cheaply beats every informer's own back-off by some 200 ms.
 */
export async function serverAnswers(client: Client, signal: AbortSignal): Promise<void> {
  for (let pause = 20; !signal.aborted; pause = Math.min(pause * 1.1, 1000)) {
    try {
      await client.raw('GET', '/readyz');
      return;
    } catch (error) {
      if (error instanceof ApiError) return;
    }
    await sleep(pause);
  }
}

/** Says that the API server does not answer, and why, until it does: a part that waits must not look like one that hangs. */
export async function tellWhileUnreachable(part: string, client: Client, signal: AbortSignal): Promise<void> {
  const logger = log(part);
  let silentUntil = performance.now() + firstWordMs;
  let told = false;
  while (!signal.aborted) {
    // Not at once: a part that has just started asks for its lists, and nothing is told before the first second anyway.
    await sleep(250);
    try {
      await client.raw('GET', '/readyz');
      break;
    } catch (error) {
      if (error instanceof ApiError) break;
      if (performance.now() > silentUntil) {
        const why = error instanceof Error ? error.message : String(error);
        logger.warn(
          { err: why },
          'the API server does not answer: waiting; the server of the kubeconfig must be reachable',
        );
        silentUntil = performance.now() + nextWordMs;
        told = true;
      }
    }
  }
  if (told && !signal.aborted) logger.info({}, 'the API server answers');
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
