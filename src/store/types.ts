/**
 * The store's contract: revisioned JSON objects, atomic transactions, watches with history. It knows no kind; it only knows where
 * the revision is stamped (`StoreOptions.stamp`).
 *
 *   transact(fn) ─┐
 *   transact(fn) ─┼─ one batch while the last one is made durable ─ one COMMIT, one fsync ─ readers, watchers and promises see it
 *   transact(fn) ─┘
 *
 * An etcd backend fits behind the same interface: reads come from a local mirror, `fn` runs against it, its reads and writes become
 * one etcd transaction, and `fn` runs again when a read went stale. So `fn` must be synchronous and change nothing but through `tx`
 * and what `tx.onRollback` undoes.
 */

/** Where an object lives: `resource` is a bucket such as `apps/deployments`; namespace '' for cluster-scoped objects. */
export interface Slot {
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

/** One version of one object, shared by everyone. */
export interface Stored {
  readonly namespace: string;
  readonly name: string;
  /** Of the write that made this version. */
  readonly revision: number;
  /** Of the write that made the object: names its row in the file. In the history before a restart 0: nobody writes these again. */
  readonly createRevision: number;
  /** As it was put. */
  readonly json: string;
  /** `json` parsed, deeply frozen. It may be another copy each time: who looks twice keeps it. */
  readonly value: object;
}

export interface StoreEvent {
  readonly kind: 'created' | 'updated' | 'deleted';
  readonly revision: number;
  readonly resource: string;
  /** After the write; for `deleted` the last state, stamped with the revision of the deletion. */
  readonly object: Stored;
  /** Before the write; undefined for `created`. */
  readonly previous: Stored | undefined;
}

export interface Snapshot {
  /** The state is exactly the one after this revision. */
  readonly revision: number;
  /** In key order (namespace, then name). */
  readonly items: readonly Stored[];
}

export interface Reader {
  get(slot: Slot): Stored | undefined;
  /** Without `namespace`: all. In key order; safe against writes while it is walked. */
  list(resource: string, namespace?: string): readonly Stored[];
}

export interface Tx extends Reader {
  /** `value` as it is now, stamped with the write's own revision. */
  put(slot: Slot, value: object): Stored;
  /** The last state, stamped with the revision of the deletion; undefined when there was nothing. */
  delete(slot: Slot): Stored | undefined;
  /** Runs, newest first, when this transaction or its batch is thrown away after this point. */
  onRollback(undo: () => void): void;
}

export interface TransactOptions {
  /** Run, return the result, keep nothing: what was written is undone and the onRollback callbacks run. */
  readonly dryRun?: boolean;
}

/**
 * A cursor into the history, not a queue: a consumer that lags holds no memory, and gets CompactedError once the history has
 * moved past it.
 */
export interface WatchCursor {
  /** The next events in order, at most `max`; empty: caught up. */
  read(max: number): readonly StoreEvent[];
  /** No event of this watch at or before this revision is still to come. */
  readonly revision: number;
  close(): void;
}

export interface Store extends Reader {
  /** Of the last write that is durable; 1 in an empty store. */
  readonly revision: number;
  /** Watches can start at this revision or later. */
  readonly compactedRevision: number;
  transact<R>(fn: (tx: Tx) => R, options?: TransactOptions): Promise<R>;
  /** The state now, or as it was at `revision` (CompactedError when that is too long ago). */
  snapshot(resource: string, options?: { readonly namespace?: string; readonly revision?: number }): Snapshot;
  /** Events after `fromRevision`. `onEvents` is called when there is something to read. */
  watch(resource: string, fromRevision: number, onEvents: () => void): WatchCursor;
  /** Waits for what is queued, then lets go of the file. Watches get no more events. */
  close(): Promise<void>;
}

export interface StoreOptions {
  /** The directory of the file; made when missing. */
  readonly dir: string;
  /** Writes the revision into a value. `value` may be frozen: return a copy then. */
  readonly stamp: (value: object, revision: number) => object;
  /** Events kept for watches that resume; older ones are compacted. */
  readonly historyEvents?: number | undefined;
  /** And at most so many bytes of superseded versions. */
  readonly historyBytes?: number | undefined;
}

/** The history no longer reaches back to the revision asked for. */
export class CompactedError extends Error {
  readonly requested: number;
  readonly compacted: number;
  constructor(requested: number, compacted: number) {
    super(`revision ${String(requested)} is compacted; the oldest one kept is ${String(compacted)}`);
    this.name = 'CompactedError';
    this.requested = requested;
    this.compacted = compacted;
  }
}

/** The file cannot be used; the message names the file and the fix. */
export class StoreFileError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'StoreFileError';
  }
}
