/**
 * The embedded store: all current objects in memory, one SQLite file behind them, one fsync for all transactions that wait.
 *
 *   transact ─ queue ─(setImmediate)─ run each fn on a Batch ─ COMMIT ─(fsync, elsewhere)─ buckets ─ history ─ watchers ─ promises
 *                                        └ throws: its writes are undone, the others stay
 *
 * The event loop goes on during the fsync: requests are read and answered, and new transactions run on the next batch, over the one
 * that is on its way to the disk, which it follows there:
 *
 *   batch 1   run ─ COMMIT ═ fsync ═ publish, answer
 *   batch 2                   run      COMMIT ═ fsync ═ publish, answer
 *
 * The buckets hold what is durable and nothing else, and no answer, not even a refusal, leaves before what it was decided on is durable.
 */
import { Batch } from './batch.ts';
import { bucketKey, bucketOf } from './bucket.ts';
import type { Bucket } from './bucket.ts';
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
  /** Never throws. */
  readonly run: (tx: Batch) => void;
  /** Tells how it went, once that is durable. */
  readonly settle: () => void;
  /** The batch is lost, and with it the job. */
  readonly lose: (error: unknown) => void;
}

/** Transactions that ran, and what they wrote. */
interface Flight {
  readonly batch: Batch;
  readonly jobs: Job[];
}

class EmbeddedStore implements Store {
  readonly #file: StoreFile;
  readonly #buckets = new Map<string, Bucket>();
  readonly #history: History;
  readonly #stamp: StoreOptions['stamp'];
  readonly #queue: Job[] = [];
  #scheduled = false;
  /** Waits until the disk is free. */
  #next: Flight | undefined;
  /** On its way to the disk. */
  #flying: Flight | undefined;
  #closed = false;
  readonly #idle: (() => void)[] = [];

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
    const since = this.#history.read(resource, revision, Number.MAX_SAFE_INTEGER);
    // What was written since is of other resources: the further pages of a list in a busy cluster.
    if (since.length === 0) return { revision, items: now };
    const past = new Map(now.map((item) => [bucketKey(item.namespace, item.name), item]));
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
    let settle = (): void => undefined;
    this.#queue.push({
      run: (batch) => {
        const mark = batch.mark();
        try {
          const value = fn(batch);
          if (options.dryRun === true) batch.undoTo(mark);
          settle = () => resolve(value);
        } catch (error) {
          batch.undoTo(mark);
          settle = () => reject(error);
        }
      },
      settle: () => settle(),
      lose: reject,
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
      this.#run();
      if (this.#flying === undefined) this.#launch();
    });
  }

  #run(): void {
    const under = this.#flying?.batch;
    this.#next ??= { batch: new Batch(this.#buckets, this.revision, this.#stamp, under), jobs: [] };
    for (const job of this.#queue.splice(0)) {
      job.run(this.#next.batch);
      this.#next.jobs.push(job);
    }
  }

  #launch(): void {
    const flight = this.#next;
    this.#next = undefined;
    this.#flying = flight;
    if (flight === undefined) return;
    const { events } = flight.batch;
    const durable = events.length === 0 ? Promise.resolve() : this.#file.commit(events, this.#history.compacted);
    durable.then(
      () => this.#land(flight),
      (error: unknown) => this.#lose(flight, error),
    );
  }

  #land({ batch, jobs }: Flight): void {
    // First of all the disk gets its next work: it does that while the answers are written.
    this.#launch();
    this.#publish(batch.events);
    this.#flying?.batch.landed();
    for (const job of jobs) job.settle();
    this.#rest();
  }

  /** A disk that refuses (full, gone) refuses the whole batch, and nothing of it was in the buckets; what ran over it goes first. */
  #lose(flight: Flight, error: unknown): void {
    const next = this.#next;
    this.#next = undefined;
    for (const { batch, jobs } of [next, flight].filter((lost) => lost !== undefined)) {
      batch.undoTo(0);
      for (const job of jobs) job.lose(error);
    }
    this.#flying = undefined;
    this.#rest();
  }

  #rest(): void {
    if (this.#flying === undefined && this.#queue.length === 0) for (const idle of this.#idle.splice(0)) idle();
  }

  #publish(events: readonly StoreEvent[]): void {
    for (const event of events) {
      const { namespace, name } = event.object;
      const version = event.kind === 'deleted' ? undefined : event.object;
      bucketOf(this.#buckets, event.resource).set(bucketKey(namespace, name), version);
      this.#history.add(event);
    }
    this.#history.notify(new Set(events.map((event) => event.resource)));
  }

  #load(): void {
    for (const row of this.#file.objects()) {
      const version = new Version(row.namespace, row.name, row.revision, row.created, row.json);
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
        row.previous === null ? undefined : new Version(namespace, name, row.previousRevision ?? 0, 0, row.previous);
      const object =
        kind === 'deleted' && previous !== undefined
          ? new Version(namespace, name, revision, 0, JSON.stringify(this.#stamp(previous.value, revision)))
          : (later.get(id) ?? this.#buckets.get(resource)?.get(bucketKey(namespace, name)));
      if (previous !== undefined) later.set(id, previous);
      if (object !== undefined) events.push({ kind, revision, resource, object, previous });
    }
    return events;
  }
}
