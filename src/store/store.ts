/**
 * The embedded store: all current objects in memory, one SQLite file behind them, one fsync for all transactions of a turn.
 *
 *   transact ─ queue ─(setImmediate)─ run each fn ─ COMMIT ─ history ─ watchers ─ promises
 *                                        └ throws: its writes are undone, the others stay
 *
 * A batch runs without giving up the event loop, so nobody can see its writes before they are durable although the maps change
 * at once: writes go straight into the maps, with an undo log.
 */
import { Bucket, bucketKey } from './bucket.ts';
import { openFile } from './file.ts';
import type { StoreFile } from './file.ts';
import { History } from './history.ts';
import { StoreFileError } from './types.ts';
import type {
  Slot,
  Snapshot,
  Store,
  StoreEvent,
  StoreOptions,
  Stored,
  TransactOptions,
  Tx,
  WatchCursor,
} from './types.ts';
import { Version } from './version.ts';

/** Opens or makes the file in `options.dir`. Throws StoreFileError when it is locked, damaged or unreadable. */
export function openStore(options: StoreOptions): Store {
  return new EmbeddedStore(openFile(options.dir), options);
}

interface Job {
  readonly run: (tx: Batch) => void;
  readonly settle: () => void;
  readonly fail: (error: unknown) => void;
}

class EmbeddedStore implements Store {
  readonly #file: StoreFile;
  readonly #buckets = new Map<string, Bucket>();
  readonly #history: History;
  readonly #stamp: StoreOptions['stamp'];
  #queue: Job[] = [];
  #scheduled = false;
  #closed = false;
  #idle: (() => void)[] = [];

  constructor(file: StoreFile, options: StoreOptions) {
    this.#file = file;
    this.#stamp = options.stamp;
    this.#history = new History(file.compacted, file.compacted, {
      events: options.historyEvents ?? 10_000,
      bytes: options.historyBytes ?? 32 * 1024 * 1024,
    });
    this.#load();
  }

  get revision(): number {
    return this.#history.revision;
  }

  get compactedRevision(): number {
    return this.#history.compacted;
  }

  get(slot: Slot): Stored | undefined {
    return this.#buckets.get(slot.resource)?.get(bucketKey(slot.namespace, slot.name));
  }

  list(resource: string, namespace?: string): readonly Stored[] {
    return this.#buckets.get(resource)?.list(namespace) ?? [];
  }

  snapshot(resource: string, options: { namespace?: string; revision?: number } = {}): Snapshot {
    const now = this.list(resource, options.namespace);
    const revision = options.revision ?? this.revision;
    if (revision >= this.revision) return { revision: this.revision, items: now };
    const past = new Map(now.map((item) => [bucketKey(item.namespace, item.name), item]));
    const since = this.#history.read(resource, revision, Number.MAX_SAFE_INTEGER);
    for (const { object, previous } of since.toReversed()) {
      if (options.namespace !== undefined && object.namespace !== options.namespace) continue;
      const key = bucketKey(object.namespace, object.name);
      if (previous === undefined) past.delete(key);
      else past.set(key, previous);
    }
    const keys = [...past.keys()].sort();
    return { revision, items: keys.map((key) => past.get(key)).filter((item) => item !== undefined) };
  }

  watch(resource: string, fromRevision: number, onEvents: () => void): WatchCursor {
    return this.#history.watch(resource, fromRevision, onEvents);
  }

  transact<R>(fn: (tx: Tx) => R, options: TransactOptions = {}): Promise<R> {
    if (this.#closed) return Promise.reject(new Error('the store is closed'));
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    let result: { readonly value: R } | undefined;
    this.#queue.push({
      run: (batch) => {
        const mark = batch.mark();
        try {
          result = { value: fn(batch) };
          if (options.dryRun === true) batch.undoTo(mark);
        } catch (error) {
          batch.undoTo(mark);
          throw error;
        }
      },
      settle: () => {
        if (result !== undefined) resolve(result.value);
      },
      fail: reject,
    });
    this.#schedule();
    return promise;
  }

  close(): Promise<void> {
    this.#closed = true;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#idle.push(() => {
      this.#file.close();
      resolve(undefined);
    });
    this.#schedule();
    return promise;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // After the poll phase: every request that has arrived by now is in the same batch.
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    const jobs = this.#queue;
    this.#queue = [];
    const batch = new Batch(this.#buckets, this.revision, this.#stamp);
    const done = jobs.filter((job) => this.#run(job, batch));
    if (batch.events.length > 0 && !this.#commit(batch, done)) return;
    for (const event of batch.events) this.#history.add(event);
    this.#history.notify(new Set(batch.events.map((event) => event.resource)));
    for (const job of done) job.settle();
    if (this.#queue.length === 0) for (const idle of this.#idle.splice(0)) idle();
  }

  #run(job: Job, batch: Batch): boolean {
    try {
      job.run(batch);
      return true;
    } catch (error) {
      job.fail(error);
      return false;
    }
  }

  /** A disk that refuses (full, gone) refuses the whole batch; memory goes back to what is on the disk. */
  #commit(batch: Batch, jobs: readonly Job[]): boolean {
    try {
      this.#file.commit(batch.events, this.#history.compacted);
      return true;
    } catch (error) {
      batch.undoTo(0);
      for (const job of jobs) job.fail(error);
      return false;
    }
  }

  #load(): void {
    for (const row of this.#file.objects()) {
      const version = Version.ofJson(row.namespace, row.name, row.revision, row.json);
      bucketOf(this.#buckets, row.resource).set(bucketKey(row.namespace, row.name), version);
    }
    for (const event of this.#rebuildEvents().reverse()) this.#history.add(event);
    if (this.#history.revision !== this.#file.revision) {
      throw new StoreFileError(
        `the store's event log ends at ${String(this.#history.revision)}, not at ${String(this.#file.revision)}; restore a copy`,
      );
    }
  }

  /** Newest first: the object of an event is what the next event of the same object replaced, or the current one. */
  #rebuildEvents(): StoreEvent[] {
    const later = new Map<string, Version>();
    const events: StoreEvent[] = [];
    for (const row of this.#file.events()) {
      const { resource, namespace, name, revision, kind } = row;
      const id = `${resource}/${bucketKey(namespace, name)}`;
      const previous =
        row.previous === null ? undefined : Version.ofJson(namespace, name, row.previousRevision ?? 0, row.previous);
      const object =
        kind === 'deleted' && previous !== undefined
          ? Version.ofValue(namespace, name, revision, this.#stamp(previous.value, revision))
          : (later.get(id) ?? this.#buckets.get(resource)?.get(bucketKey(namespace, name)));
      if (previous !== undefined) later.set(id, previous);
      if (object !== undefined) events.push({ kind, revision, resource, object, previous });
    }
    return events;
  }
}

/** The transactions of one turn, one after the other, each seeing what the earlier ones wrote. */
class Batch implements Tx {
  readonly events: StoreEvent[] = [];
  readonly #undo: (() => void)[] = [];
  readonly #buckets: Map<string, Bucket>;
  readonly #base: number;
  readonly #stamp: StoreOptions['stamp'];

  constructor(buckets: Map<string, Bucket>, revision: number, stamp: StoreOptions['stamp']) {
    this.#buckets = buckets;
    this.#base = revision;
    this.#stamp = stamp;
  }

  get(slot: Slot): Stored | undefined {
    return this.#buckets.get(slot.resource)?.get(bucketKey(slot.namespace, slot.name));
  }

  list(resource: string, namespace?: string): readonly Stored[] {
    return this.#buckets.get(resource)?.list(namespace) ?? [];
  }

  put({ resource, namespace, name }: Slot, value: object): Stored {
    const revision = this.#nextRevision();
    const object = Version.ofValue(namespace, name, revision, this.#stamp(value, revision));
    const previous = this.#set(resource, object.namespace, name, object);
    this.events.push({
      kind: previous === undefined ? 'created' : 'updated',
      revision,
      resource,
      object,
      previous,
    });
    return object;
  }

  delete({ resource, namespace, name }: Slot): Stored | undefined {
    const existing = this.#buckets.get(resource)?.get(bucketKey(namespace, name));
    if (existing === undefined) return undefined;
    const revision = this.#nextRevision();
    const object = Version.ofValue(namespace, name, revision, this.#stamp(existing.value, revision));
    this.#set(resource, namespace, name, undefined);
    this.events.push({ kind: 'deleted', revision, resource, object, previous: existing });
    return object;
  }

  onRollback(undo: () => void): void {
    this.#undo.push(undo);
  }

  mark(): number {
    return this.#undo.length;
  }

  undoTo(mark: number): void {
    while (this.#undo.length > mark) this.#undo.pop()?.();
  }

  #nextRevision(): number {
    return this.#base + this.events.length + 1;
  }

  #set(resource: string, namespace: string, name: string, version: Version | undefined): Version | undefined {
    const bucket = bucketOf(this.#buckets, resource);
    const key = bucketKey(namespace, name);
    const previous = bucket.set(key, version);
    this.#undo.push(() => {
      bucket.set(key, previous);
      this.events.pop();
    });
    return previous;
  }
}

function bucketOf(buckets: Map<string, Bucket>, resource: string): Bucket {
  let bucket = buckets.get(resource);
  if (bucket === undefined) buckets.set(resource, (bucket = new Bucket()));
  return bucket;
}
