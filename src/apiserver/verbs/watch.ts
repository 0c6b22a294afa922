/**
 * GET …?watch=1: a stream of events from a cursor into the store's history.
 *
 *   [initial ADDED … (+ bookmark initial-events-end)] ─ history after resourceVersion ─ live ─ bookmarks ─ end by time-out
 *
 * A client that does not read stops its own cursor, not the server: nothing is queued for it, and when the history has moved past
 * the cursor the stream ends with 410 and the client lists again.
 */
import { apiError } from '../../api/errors.ts';
import { groupVersionOf } from '../../api/resources.ts';
import { CompactedError } from '../../store/index.ts';
import type { StoreEvent, Stored, WatchCursor } from '../../store/index.ts';
import type { ResourceExchange } from '../context.ts';
import { startStream } from '../http/respond.ts';
import { formKey, mediaTypes, negotiate } from '../http/negotiate.ts';
import type { Form } from '../http/negotiate.ts';
import { parseWatchOptions } from '../list-options.ts';
import type { WatchOptions } from '../list-options.ts';
import { bucketOf, storedAs } from '../registry.ts';
import { stampRevision } from '../object-meta.ts';
import { watchFrame } from '../protobuf/encode.ts';
import { renderObject, renderTable, renderValue } from '../render.ts';
import type { Rendered } from '../render.ts';
import { NotLoaded } from '../../util/lazy.ts';
import { parseSelection } from '../selection.ts';
import type { Selection } from '../selection.ts';
import { Frames } from './watch-frames.ts';

const frames = new Frames(1024 * 1024);
const bookmarkEvery = 60_000;

export function watchObjects(exchange: ResourceExchange): Promise<void> {
  const { kind, info, query, request } = exchange;
  const form = negotiate(request, query, kind, 'watch');
  const selection = parseSelection(kind, info, query);
  const options = parseWatchOptions(query);
  const watch = new Watch(exchange, form, selection, options);
  return watch.run();
}

type EventType = 'ADDED' | 'MODIFIED' | 'DELETED';

class Watch {
  readonly #exchange: ResourceExchange;
  readonly #form: Form;
  readonly #selection: Selection;
  readonly #options: WatchOptions;
  readonly #ended = Promise.withResolvers<undefined>();
  #cursor: WatchCursor | undefined;
  #backlog: readonly Stored[] = [];
  /** Read, not yet written. */
  #event: StoreEvent | undefined;
  #backlogAt = 0;
  #afterBacklog: Buffer | undefined;
  #columnsSent = false;
  #blocked = false;
  #over = false;

  constructor(exchange: ResourceExchange, form: Form, selection: Selection, options: WatchOptions) {
    this.#exchange = exchange;
    this.#form = form;
    this.#selection = selection;
    this.#options = options;
  }

  async run(): Promise<void> {
    const { server, response, kind } = this.#exchange;
    const protobuf = this.#form.encoding === 'protobuf';
    const type = protobuf ? `${mediaTypes.protobuf};stream=watch` : mediaTypes.json;
    startStream(response, { 'content-type': type, 'cache-control': 'no-cache, private' });
    const timers = this.#startTimers();
    const end = (): void => this.#end();
    response.body.once('close', end);
    server.stopping.addEventListener('abort', end, { once: true });
    const replaced = server.registry.custom?.endOf(kind);
    replaced?.addEventListener('abort', end, { once: true });
    server.metrics.watchers.add(kind.resource, 1);
    try {
      this.#begin();
      await this.#ended.promise;
    } finally {
      for (const timer of timers) clearTimeout(timer);
      server.stopping.removeEventListener('abort', end);
      replaced?.removeEventListener('abort', end);
      this.#cursor?.close();
      server.metrics.watchers.add(kind.resource, -1);
      response.end();
    }
  }

  #startTimers(): NodeJS.Timeout[] {
    // Without a wish: 30 to 60 minutes, spread so that not all watches start again at once (upstream's min-request-timeout).
    const asked = this.#options.timeoutSeconds;
    const seconds = asked > 0 ? asked : 1800 + Math.random() * 1800;
    const timers = [
      setTimeout(
        () => {
          if (this.#options.bookmarks) this.#bookmark();
          this.#end();
        },
        Math.min(seconds * 1000, 2 ** 31 - 1),
      ),
    ];
    if (this.#options.bookmarks) timers.push(setInterval(() => this.#bookmark(), bookmarkEvery));
    return timers;
  }

  #begin(): void {
    const { store } = this.#exchange.server;
    const bucket = bucketOf(storedAs(this.#exchange.kind));
    const { resourceVersion, fromRevision, initialEvents, bookmarks } = this.#options;
    try {
      // A revision of another life of this server: only a new list helps.
      if (resourceVersion > store.revision) throw new CompactedError(resourceVersion, store.revision);
      const from = fromRevision && !initialEvents ? resourceVersion : store.revision;
      this.#cursor = store.watch(bucket, from, () => this.#pump());
      if (!fromRevision || initialEvents) this.#backlog = store.list(bucket, this.#selection.namespace);
      if (initialEvents && bookmarks) {
        this.#afterBacklog = this.#bookmarkFrame(from, { 'k8s.io/initial-events-end': 'true' });
      }
      this.#pump();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Writes what there is until the socket is full; its 'drain' goes on. */
  #pump(): void {
    if (this.#blocked || this.#over) return;
    try {
      for (let frame = this.#nextFrame(); frame !== undefined; frame = this.#nextFrame()) {
        if (this.#write(frame)) continue;
        this.#blocked = true;
        this.#exchange.response.body.once('drain', () => {
          this.#blocked = false;
          this.#pump();
        });
        return;
      }
    } catch (error) {
      if (error instanceof NotLoaded) this.#await(error.load());
      else this.#fail(error);
    }
  }

  /** A conversion webhook is asked; then the same event again. */
  #await(loaded: Promise<void>): void {
    this.#blocked = true;
    loaded.then(
      () => {
        this.#blocked = false;
        this.#pump();
      },
      (error: unknown) => this.#fail(error),
    );
  }

  #nextFrame(): Buffer | undefined {
    while (this.#backlogAt < this.#backlog.length) {
      const item = this.#backlog[this.#backlogAt];
      const shown = item !== undefined && this.#selection.matches(item);
      const frame = shown ? this.#frame('ADDED', item) : undefined;
      this.#backlogAt++;
      if (frame !== undefined) return frame;
    }
    this.#backlog = [];
    if (this.#afterBacklog !== undefined) {
      const frame = this.#afterBacklog;
      this.#afterBacklog = undefined;
      return frame;
    }
    for (;;) {
      this.#event ??= this.#read()[0];
      if (this.#event === undefined) return undefined;
      const frame = this.#eventFrame(this.#event);
      this.#event = undefined;
      if (frame !== undefined) return frame;
    }
  }

  #read(): readonly StoreEvent[] {
    return this.#cursor?.read(1) ?? [];
  }

  #eventFrame(event: StoreEvent): Buffer | undefined {
    const { namespace } = this.#selection;
    if (namespace !== undefined && event.object.namespace !== namespace) return undefined;
    const type = this.#typeOf(event);
    if (type === undefined) return undefined;
    const make = (): Buffer => this.#frame(type, type === 'DELETED' ? lastSeen(event) : event.object);
    if (this.#form.kind === 'table' && !this.#columnsSent) return make();
    // Several versions show one event differently.
    if (this.#exchange.kind.kept !== undefined) return make();
    return frames.of(event, `${type}/${formKey(this.#form)}`, make);
  }

  /** What the event is to someone who sees only the selection. */
  #typeOf(event: StoreEvent): EventType | undefined {
    if (!this.#selection.filtered) {
      return event.kind === 'created' ? 'ADDED' : event.kind === 'updated' ? 'MODIFIED' : 'DELETED';
    }
    const before = event.previous !== undefined && this.#selection.matches(event.previous);
    const after = event.kind !== 'deleted' && this.#selection.matches(event.object);
    if (before) return after ? 'MODIFIED' : 'DELETED';
    return after ? 'ADDED' : undefined;
  }

  #frame(type: EventType, item: Stored): Buffer {
    const { kind } = this.#exchange;
    if (this.#form.kind !== 'table') return eventFrame(type, renderObject(kind, item, this.#form));
    const meta = { resourceVersion: String(item.revision) };
    const table = renderTable(kind, [item], this.#form, meta, !this.#columnsSent);
    this.#columnsSent = true;
    return eventFrame(type, table);
  }

  #bookmark(): void {
    if (this.#over || this.#blocked || this.#cursor === undefined) return;
    this.#write(this.#bookmarkFrame(this.#cursor.revision));
  }

  #bookmarkFrame(revision: number, annotations?: Readonly<Record<string, string>>): Buffer {
    const { resource } = this.#exchange.kind;
    const form = this.#form;
    const metaVersion = form.kind === 'object' ? 'v1' : form.version;
    const metadata = {
      resourceVersion: String(revision),
      creationTimestamp: null,
      ...(annotations ? { annotations } : {}),
    };
    const object =
      form.kind === 'table'
        ? {
            kind: 'Table',
            apiVersion: `meta.k8s.io/${metaVersion}`,
            metadata: { resourceVersion: String(revision) },
            columnDefinitions: null,
            rows: [
              {
                cells: [],
                object: { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${metaVersion}`, metadata },
              },
            ],
          }
        : {
            kind: form.kind === 'metadata' ? 'PartialObjectMetadata' : resource.kind,
            apiVersion: form.kind === 'metadata' ? `meta.k8s.io/${metaVersion}` : groupVersionOf(resource),
            metadata,
          };
    return eventFrame('BOOKMARK', renderValue(object, form));
  }

  #write(frame: Buffer): boolean {
    const { response } = this.#exchange;
    if (response.over) return false;
    return response.body.write(frame);
  }

  #fail(error: unknown): void {
    const status =
      error instanceof CompactedError
        ? apiError(410, 'Expired', `too old resource version: ${String(error.requested)} (${String(error.compacted)})`)
        : apiError(500, 'InternalError', 'Internal error occurred: the watch failed');
    this.#write(eventFrame('ERROR', renderValue(status.status, this.#form)));
    this.#end();
  }

  #end(): void {
    this.#over = true;
    this.#ended.resolve(undefined);
  }
}

function eventFrame(type: string, object: Rendered): Buffer {
  if (typeof object !== 'string') return watchFrame(type, object);
  return Buffer.from(`{"type":"${type}","object":${object}}\n`);
}

/** Gone from the selection, or gone: the last state that was in it, with the revision of the change. */
function lastSeen({ kind, object, previous, revision }: StoreEvent): Stored {
  if (kind === 'deleted' || previous === undefined) return object;
  const value = stampRevision(previous.value, revision);
  const { namespace, name, createRevision } = object;
  return { namespace, name, revision, createRevision, value, json: JSON.stringify(value) };
}
