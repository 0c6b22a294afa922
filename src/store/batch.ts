/**
 * The transactions of one commit, one after the other, each seeing what the earlier ones wrote. What they write lies over the
 * buckets, which it does not touch before it is durable, and can be undone transaction by transaction.
 *
 *   get, list ── writes of this batch ── writes of the batch before, while its fsync is under way ── buckets
 */
import { Bucket, bucketKey } from './bucket.ts';
import type { Overlay } from './bucket.ts';
import type { Slot, StoreEvent, StoreOptions, Stored, Tx } from './types.ts';
import { Version } from './version.ts';

export class Batch implements Tx {
  readonly events: StoreEvent[] = [];
  readonly #undo: (() => void)[] = [];
  readonly #buckets: ReadonlyMap<string, Bucket>;
  readonly #written = new Map<string, Overlay>();
  readonly #base: number;
  readonly #stamp: StoreOptions['stamp'];
  #under: Batch | undefined;
  /** Who asks for a slot writes it next, with the same one. */
  #asked: { readonly slot: Slot; readonly key: string } | undefined;

  /** `revision`: of the buckets, unless another batch lies `under` this one. */
  constructor(
    buckets: ReadonlyMap<string, Bucket>,
    revision: number,
    stamp: StoreOptions['stamp'],
    under: Batch | undefined,
  ) {
    this.#buckets = buckets;
    this.#base = under?.revision ?? revision;
    this.#stamp = stamp;
    this.#under = under;
  }

  /** Of the last write. */
  get revision(): number {
    return this.#base + this.events.length;
  }

  /** What the batch under this one wrote is in the buckets now. */
  landed(): void {
    this.#under = undefined;
  }

  get(slot: Slot): Stored | undefined {
    return this.#at(slot.resource, this.#keyOf(slot));
  }

  /** A text that was looked up before is looked up faster than a new one that is equal. */
  #keyOf(slot: Slot): string {
    if (this.#asked?.slot !== slot) this.#asked = { slot, key: bucketKey(slot.namespace, slot.name) };
    return this.#asked.key;
  }

  #at(resource: string, key: string): Stored | undefined {
    const written = this.#written.get(resource);
    if (written?.has(key) === true) return written.get(key);
    return this.#under === undefined ? this.#buckets.get(resource)?.get(key) : this.#under.#at(resource, key);
  }

  list(resource: string, namespace?: string): readonly Stored[] {
    const written = this.#overlaid(resource);
    const bucket = this.#buckets.get(resource);
    if (written === undefined) return bucket?.list(namespace) ?? [];
    return (bucket ?? new Bucket()).listUnder(written, namespace);
  }

  /** All that lies over the bucket. */
  #overlaid(resource: string): Overlay | undefined {
    const own = this.#written.get(resource);
    const under = this.#under === undefined ? undefined : this.#under.#overlaid(resource);
    return own === undefined || under === undefined ? (own ?? under) : new Map([...under, ...own]);
  }

  put(slot: Slot, value: object): Stored {
    const { resource, namespace, name } = slot;
    const revision = this.#nextRevision();
    const key = this.#keyOf(slot);
    const previous = this.#at(resource, key);
    const created = previous?.createRevision ?? revision;
    const object = new Version(namespace, name, revision, created, JSON.stringify(this.#stamp(value, revision)));
    this.#set(resource, key, object, previous);
    const kind = previous === undefined ? 'created' : 'updated';
    this.events.push({ kind, revision, resource, object, previous });
    return object;
  }

  delete({ resource, namespace, name }: Slot): Stored | undefined {
    const key = bucketKey(namespace, name);
    const previous = this.#at(resource, key);
    if (previous === undefined) return undefined;
    const revision = this.#nextRevision();
    const json = JSON.stringify(this.#stamp(previous.value, revision));
    const object = new Version(namespace, name, revision, previous.createRevision, json);
    this.#set(resource, key, undefined, previous);
    this.events.push({ kind: 'deleted', revision, resource, object, previous });
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
    return this.revision + 1;
  }

  #set(resource: string, key: string, version: Stored | undefined, previous: Stored | undefined): void {
    const overlay = this.#overlay(resource);
    const wasWritten = overlay.has(key);
    overlay.set(key, version);
    this.#undo.push(() => {
      if (wasWritten) overlay.set(key, previous);
      else overlay.delete(key);
      this.events.pop();
    });
  }

  #overlay(resource: string): Overlay {
    let overlay = this.#written.get(resource);
    if (overlay === undefined) {
      overlay = new Map<string, Stored | undefined>();
      this.#written.set(resource, overlay);
    }
    return overlay;
  }
}
