/**
 * The last events in memory, by resource, in the order of revisions. Watches are cursors into it; lists of the past undo it.
 *
 *   compacted ──┤ e e e e e e e e ├── revision
 *                     ^ cursor
 */
import { CompactedError } from './types.ts';
import type { StoreEvent, WatchCursor } from './types.ts';

/** An array that drops from its front without moving the rest each time; what was dropped is let go at once. */
class Lane {
  events: (StoreEvent | undefined)[] = [];
  head = 0;

  dropFirst(): void {
    this.events[this.head] = undefined;
    this.head++;
    if (this.head > 1024 && this.head * 2 > this.events.length) {
      this.events = this.events.slice(this.head);
      this.head = 0;
    }
  }

  /** Index of the first event after `revision`. */
  after(revision: number): number {
    let low = this.head;
    let high = this.events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.events[middle]?.revision ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export interface HistoryLimits {
  readonly events: number;
  readonly bytes: number;
}

export class History {
  readonly #lanes = new Map<string, Lane>();
  readonly #all = new Lane();
  readonly #watchers = new Map<string, Set<Cursor>>();
  readonly #limits: HistoryLimits;
  #bytes = 0;
  #compacted: number;
  #revision: number;

  constructor(compacted: number, revision: number, limits: HistoryLimits) {
    this.#compacted = compacted;
    this.#revision = revision;
    this.#limits = limits;
  }

  get compacted(): number {
    return this.#compacted;
  }

  get revision(): number {
    return this.#revision;
  }

  add(event: StoreEvent): void {
    this.#lane(event.resource).events.push(event);
    this.#all.events.push(event);
    this.#bytes += cost(event);
    this.#revision = event.revision;
    while (this.#all.events.length - this.#all.head > this.#limits.events || this.#bytes > this.#limits.bytes) {
      const oldest = this.#all.events[this.#all.head];
      if (oldest === undefined || oldest === event) break;
      this.#all.dropFirst();
      this.#lanes.get(oldest.resource)?.dropFirst();
      this.#bytes -= cost(oldest);
      this.#compacted = oldest.revision;
    }
  }

  /** After a commit: wakes the watchers of the resources that changed. */
  notify(resources: Iterable<string>): void {
    for (const resource of resources) {
      for (const watcher of this.#watchers.get(resource) ?? []) watcher.wake();
    }
  }

  /** Events of a resource after `revision`, at most `max`. */
  read(resource: string, revision: number, max: number): readonly StoreEvent[] {
    if (revision < this.#compacted) throw new CompactedError(revision, this.#compacted);
    const lane = this.#lanes.get(resource);
    if (lane === undefined) return [];
    const from = lane.after(revision);
    return lane.events.slice(from, Math.min(lane.events.length, from + max)).filter((event) => event !== undefined);
  }

  watch(resource: string, revision: number, onEvents: () => void): WatchCursor {
    if (revision < this.#compacted) throw new CompactedError(revision, this.#compacted);
    const cursor = new Cursor(this, resource, revision, onEvents, () => {
      const set = this.#watchers.get(resource);
      set?.delete(cursor);
      if (set?.size === 0) this.#watchers.delete(resource);
    });
    const set = this.#watchers.get(resource);
    if (set === undefined) this.#watchers.set(resource, new Set([cursor]));
    else set.add(cursor);
    return cursor;
  }

  #lane(resource: string): Lane {
    let lane = this.#lanes.get(resource);
    if (lane === undefined) this.#lanes.set(resource, (lane = new Lane()));
    return lane;
  }
}

class Cursor implements WatchCursor {
  readonly #history: History;
  readonly #resource: string;
  readonly #release: () => void;
  readonly wake: () => void;
  #revision: number;

  constructor(history: History, resource: string, revision: number, wake: () => void, release: () => void) {
    this.#history = history;
    this.#resource = resource;
    this.#revision = revision;
    this.wake = wake;
    this.#release = release;
  }

  get revision(): number {
    return this.#revision;
  }

  read(max: number): readonly StoreEvent[] {
    const events = this.#history.read(this.#resource, this.#revision, max);
    // Caught up: whatever else was written is of other resources.
    const seen = events.length < max ? this.#history.revision : (events.at(-1)?.revision ?? 0);
    this.#revision = Math.max(this.#revision, seen);
    return events;
  }

  close(): void {
    this.#release();
  }
}

/** What an event keeps alive that would otherwise be garbage: the version it replaced. */
function cost(event: StoreEvent): number {
  return 256 + (event.previous?.json.length ?? 0);
}
