/**
 * `createInformer`: a local copy of a kind that follows the server for as long as the signal allows.
 *
 *   list (paged) ─> watch from its resourceVersion ─> events ─> handlers
 *        ^              │ connection lost: watch again from the last event seen (back-off 50 ms … 5 s)
 *        └── 410 Gone ──┘ list again; the difference to what we hold becomes added, changed, deleted: each once
 *
 * The server's history between two versions is never shown to handlers twice; a gap is shown as its net effect.
 */
import { ApiError } from '../api/errors.ts';
import { keyOf, keyText } from '../api/object.ts';
import type { KubeObject, Live } from '../api/object.ts';
import { groupResourceOf } from '../api/resources.ts';
import type { Resource } from '../api/resources.ts';
import { createBackoff, sleep } from '../util/backoff.ts';
import { log } from '../util/log.ts';
import { createObjectCache } from './object-cache.ts';
import type { ObjectCache } from './object-cache.ts';
import type { Client, Informer, InformerHandler, ListOptions, Page, PageReader, WatchEvent } from './types.ts';

export interface InformerOptions<T extends KubeObject> {
  /** Unset: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Shrinks an object before it is kept; managedFields are always dropped. May change it in place. */
  readonly transform?: (object: Live<T>) => Live<T>;
  readonly pageSize?: number;
  /** Reads lists into what is kept, where that is cheaper than to read everything and to shrink it. */
  readonly reader?: PageReader<T>;
  /** A watch with no byte (bookmarks come about every minute) for so long is taken for dead. Default 120. */
  readonly silenceSeconds?: number;
  /** A server that has no such resource, or refuses it, counts as one that has none of them; asked again now and then. */
  readonly optional?: boolean;
  /** How soon it is asked again. Default 30, the longest wait of client-go's reflector (tools/cache/reflector.go). */
  readonly absentSeconds?: number;
}

const logger = log('client');
const backoffRange = { baseMs: 50, maxMs: 5_000 };
/** A watch that lived for so long was a sound connection: what follows is a new failure, not the next of a row. */
const soundMs = 1_000;

/** Starts when the caller first awaits, so that handlers registered now see everything. */
export function createInformer<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  options: InformerOptions<T>,
  signal: AbortSignal,
): Informer<T> {
  const where = { resource: groupResourceOf(resource) };
  const handlers: InformerHandler<T>[] = [];
  const cache = createObjectCache<T>(options.transform, (current, old) => {
    for (const handler of handlers) tell(handler, current, old);
  });
  const tell: (...args: [InformerHandler<T>, Live<T> | undefined, Live<T> | undefined]) => void = (
    handler,
    current,
    old,
  ) => {
    try {
      handler(current, old);
    } catch (error) {
      logger.error({ ...where, key: keyText(keyOf(current ?? old ?? {})), err: error }, 'informer handler failed');
    }
  };
  let hasSynced = false;
  let resolveSynced: () => void;
  const synced = new Promise<void>((resolve) => {
    resolveSynced = resolve;
  });

  const follow = async (): Promise<void> => {
    const backoff = createBackoff(backoffRange);
    let version: string | undefined;
    let isTold = false;
    while (!signal.aborted) {
      try {
        if (version === undefined) {
          version = await listAll(client, resource, options, cache);
          hasSynced = true;
          resolveSynced();
        }
        const outcome = await watchFrom(client, resource, options, version, cache.apply, signal);
        version = outcome.version;
        if (outcome.progressed) backoff.reset();
        if (outcome.gone) version = undefined;
        else if (!outcome.progressed) await sleep(backoff.next(), signal);
      } catch (error) {
        if (signal.aborted) return;
        if (options.optional === true && isAbsent(error)) {
          logger[error.code === 403 && !isTold ? 'warn' : 'debug']({ ...where, err: error.message }, 'done without');
          isTold = true;
          version = undefined;
          // What is only not shown any more is still there.
          if (error.code === 404) cache.replace([]);
          hasSynced = true;
          resolveSynced();
          await sleep((options.absentSeconds ?? 30) * 1000, signal);
          continue;
        }
        if (mustRelist(error)) version = undefined;
        const waitMs = Math.max(backoff.next(), retryAfterMs(error));
        logger[isLost(error) ? 'debug' : 'warn']({ ...where, err: text(error), waitMs }, 'list or watch failed');
        await sleep(waitMs, signal);
      }
    }
  };
  // After the caller has registered its handlers, before its next turn.
  queueMicrotask(() => void follow());

  return {
    get: cache.get,
    list: cache.list,
    onChange(handler) {
      handlers.push(handler);
      for (const object of cache.list()) tell(handler, object, undefined);
    },
    synced,
    get hasSynced() {
      return hasSynced;
    },
  };
}

type Listing = Pick<ListOptions, 'namespace' | 'labelSelector' | 'fieldSelector'> & {
  readonly pageSize?: number;
  readonly silenceSeconds?: number;
};

async function listAll<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  options: Listing & Pick<InformerOptions<T>, 'reader'>,
  cache: Pick<ObjectCache<T>, 'shrink' | 'replace'>,
): Promise<string> {
  const limit = options.pageSize ?? 500;
  const objects: Live<T>[] = [];
  const base = selection(options);
  // At once: of a large list, only what is kept is ever held as a whole.
  const { reader } = options;
  const keep = ({ items }: Page<T>): void => {
    for (const item of items) objects.push(reader === undefined ? cache.shrink(item) : item);
  };
  const ask = (which: ListOptions): Promise<Page<T>> =>
    reader === undefined ? client.list(resource, which) : client.page(resource, which, reader);
  let page = await ask({ ...base, limit });
  for (let next = page.metadata.continue ?? ''; next !== ''; next = page.metadata.continue ?? '') {
    const following = ask({ ...base, limit, continue: next });
    // Awaited below; until then a failure is no unhandled rejection.
    following.catch(() => undefined);
    // Once it is on its way, the server makes it while we keep what came.
    await turn();
    keep(page);
    try {
      page = await following;
    } catch (error) {
      // The snapshot behind the token was compacted: take the whole list at once, as client-go's pager does.
      if (!(error instanceof ApiError) || error.code !== 410) throw error;
      objects.length = 0;
      page = await ask(base);
    }
  }
  keep(page);
  cache.replace(objects);
  return page.metadata.resourceVersion ?? '';
}

/** Requests are sent after the code that made them. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

interface WatchOutcome {
  /** Where to go on. */
  readonly version: string;
  /** The history there is no longer kept. */
  readonly gone: boolean;
  /** Something arrived, or it lived for long enough to be a sound connection. */
  readonly progressed: boolean;
}

async function watchFrom<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  options: Listing,
  from: string,
  apply: (event: Extract<WatchEvent<T>, { type: 'ADDED' | 'MODIFIED' | 'DELETED' }>) => void,
  signal: AbortSignal,
): Promise<WatchOutcome> {
  const silenceMs = (options.silenceSeconds ?? 120) * 1000;
  const cut = new AbortController();
  const onAbort = (): void => cut.abort();
  signal.addEventListener('abort', onAbort, { once: true });
  let lastByte = performance.now();
  const watchdog = setInterval(() => {
    if (performance.now() - lastByte > silenceMs) cut.abort();
  }, silenceMs / 4);
  const started = lastByte;
  let version = from;
  let events = 0;
  const progressed = (): boolean => events > 0 || performance.now() - started > soundMs;
  try {
    // As client-go: 5 to 10 minutes, so that watchers spread over several servers again.
    const timeoutSeconds = Math.round(300 * (1 + Math.random()));
    const request = { ...selection(options), resourceVersion: from, allowWatchBookmarks: true, timeoutSeconds };
    for await (const event of client.watch(resource, request, cut.signal)) {
      lastByte = performance.now();
      if (event.type === 'ERROR') {
        if (event.object.code === 410) return { version, gone: true, progressed: progressed() };
        throw new ApiError(event.object);
      }
      events += 1;
      version = event.object.metadata.resourceVersion;
      if (event.type !== 'BOOKMARK') apply(event);
    }
  } catch (error) {
    // What was seen before the connection broke counts: going on from `from` would show it twice.
    if (error instanceof ApiError || !progressed()) throw error;
    logger.debug({ resource: groupResourceOf(resource), err: text(error) }, 'watch broken');
  } finally {
    clearInterval(watchdog);
    signal.removeEventListener('abort', onAbort);
  }
  return { version, gone: false, progressed: progressed() };
}

function selection(options: Listing): ListOptions {
  const { namespace, labelSelector, fieldSelector } = options;
  return {
    ...(namespace === undefined ? {} : { namespace }),
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
  };
}

/**
 * 410: compacted. 504 on a watch or any refusal of the version: a server whose store is younger than what we saw.
 * A broken connection, an overloaded or a starting server keep the version.
 */
function mustRelist(error: unknown): boolean {
  return error instanceof ApiError && ![401, 403, 429, 500, 502, 503].includes(error.code);
}

function isAbsent(error: unknown): error is ApiError {
  return error instanceof ApiError && [403, 404].includes(error.code);
}

function isLost(error: unknown): boolean {
  return !(error instanceof ApiError);
}

function retryAfterMs(error: unknown): number {
  if (!(error instanceof ApiError) || error.code !== 429) return 0;
  return (error.status.details?.retryAfterSeconds ?? 0) * 1000;
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
