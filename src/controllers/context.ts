/**
 * What every loop is given, and how a loop is started.
 *
 *   startLoop(context, 'replicaset', { views, work }) ─> a work queue; work begins when the views are complete
 */
import { ApiError, isReason } from '../api/errors.ts';
import type { KubeObject, ObjectKey } from '../api/object.ts';
import { createEventRecorder } from '../client/index.ts';
import type { Client, EventRecorder } from '../client/index.ts';
import { log } from '../util/log.ts';
import { createWorkQueue } from '../util/queue.ts';
import type { Work, WorkQueue, WorkQueueOptions } from '../util/queue.ts';
import type { ControllerOptions } from './options.ts';
import type { View } from './view.ts';
import { createViews } from './views.ts';
import type { Views } from './views.ts';
import type { Writer } from './writes.ts';
import { errnoOf } from '../util/errno.ts';

export interface ControllerContext {
  readonly client: Client;
  readonly options: ControllerOptions;
  readonly signal: AbortSignal;
  readonly views: Views;
  recorder(component: string): EventRecorder;
  /** For applyWrites, with events from `component`. */
  writer(component: string): Writer;
}

export interface LoopOptions extends Pick<WorkQueueOptions, 'concurrency' | 'baseMs' | 'maxMs'> {
  /** Must be complete before the first key is worked on. */
  readonly views: readonly Pick<View<KubeObject>, 'synced'>[];
  readonly work: Work;
}

const logger = log('controllers');

export function createContext(client: Client, options: ControllerOptions, signal: AbortSignal): ControllerContext {
  const recorders = new Map<string, EventRecorder>();
  const views = createViews(client, signal);
  const recorder = (component: string): EventRecorder => {
    let found = recorders.get(component);
    if (found === undefined) recorders.set(component, (found = createEventRecorder(client, { component, signal })));
    return found;
  };
  return {
    client,
    options,
    signal,
    views,
    recorder,
    writer: (component) => ({ client, views, recorder: recorder(component) }),
  };
}

export function startLoop(context: ControllerContext, name: string, options: LoopOptions): WorkQueue {
  let complete: Promise<unknown> | undefined = Promise.all(options.views.map((view) => view.synced)).then(() => {
    complete = undefined;
  });
  const work: Work = async (key) => {
    if (complete !== undefined) await complete;
    return options.work(key);
  };
  return createWorkQueue(work, context.signal, {
    ...options,
    onError: (key, error, failures) => report(name, key, error, failures),
  });
}

/** Of keyText: the work queues' keys. */
export function parseKey(key: string): ObjectKey {
  const slash = key.indexOf('/');
  return { namespace: slash < 0 ? '' : key.slice(0, slash), name: key.slice(slash + 1) };
}

/** A conflict means that somebody was faster: the next plan sees it. A server that is away is the informers' to tell. */
function report(loop: string, key: string, error: unknown, failures: number): void {
  const expected = isReason(error, 'Conflict') || !(error instanceof ApiError) || failures < 3;
  const level = isNetworkError(error) ? 'debug' : expected && error instanceof ApiError ? 'debug' : 'error';
  logger[level]({ loop, key, failures, err: error instanceof ApiError ? error.message : error }, 'sync failed');
}

function isNetworkError(error: unknown): boolean {
  return errnoOf(error) !== undefined;
}
