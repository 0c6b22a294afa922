/**
 * An informer that remembers our own writes until the watch has caught up: a loop that has just made a pod sees it, and never
 * makes it twice. (Upstream solves the same with counted expectations, or by retrying on stale caches.)
 *
 *   informer ──┐
 *   wrote() ───┼─> get / list     the newer of both, by resourceVersion (KEP-5504: comparable)
 *   removed() ─┘                  shown with a deletionTimestamp until the watch says more
 */
import { keyOf, keyText } from '../api/object.ts';
import type { KubeObject, Live, ObjectKey } from '../api/object.ts';
import type { Informer, InformerHandler } from '../client/index.ts';

export interface View<T extends KubeObject> {
  get(key: ObjectKey): Live<T> | undefined;
  list(namespace?: string): Iterable<Live<T>>;
  /** A lookup by something that an object says: its controller's uid, its node. Our own pending writes are in it. */
  indexBy(valueOf: (object: Live<T>) => string | undefined): (value: string) => Live<T>[];
  onChange(handler: InformerHandler<T>): void;
  readonly synced: Promise<void>;
  wrote(object: Live<T>): void;
  removed(key: ObjectKey): void;
}

interface Pending<T extends KubeObject> {
  readonly object: Live<T>;
  readonly removed: boolean;
  readonly since: number;
}

/** After so long the informer is right, whatever we believe: an event was folded into a later list. */
const trustMs = 30_000;

export function createView<T extends KubeObject>(informer: Informer<T>): View<T> {
  const pending = new Map<string, Pending<T>>();
  const indexes: ((current: Live<T> | undefined, old: Live<T> | undefined) => void)[] = [];

  const get = (key: ObjectKey): Live<T> | undefined => newer(keyText(key), informer.get(key));

  const newer = (text: string, base: Live<T> | undefined): Live<T> | undefined => {
    const ours = pending.get(text);
    if (ours === undefined) return base;
    if (performance.now() - ours.since > trustMs || (base !== undefined && isCaughtUp(base, ours))) {
      pending.delete(text);
      return base;
    }
    return ours.object;
  };

  informer.onChange((current, old) => {
    for (const note of indexes) note(current, old);
    const text = keyText(keyOf(current ?? old ?? {}));
    const ours = pending.get(text);
    if (ours === undefined) return;
    const same = old?.metadata.uid === ours.object.metadata.uid;
    if (current === undefined ? same : isCaughtUp(current, ours)) pending.delete(text);
  });

  return {
    get,
    *list(namespace) {
      if (pending.size === 0) {
        yield* informer.list(namespace);
        return;
      }
      const fresh = new Map<string, Live<T>>();
      for (const [text, { object }] of pending) {
        const inScope = namespace === undefined || (object.metadata.namespace ?? '') === namespace;
        if (inScope) fresh.set(text, object);
      }
      for (const base of informer.list(namespace)) {
        const text = keyText(keyOf(base));
        const object = newer(text, base);
        fresh.delete(text);
        if (object !== undefined) yield object;
      }
      for (const text of fresh.keys()) {
        const object = newer(text, undefined);
        if (object !== undefined) yield object;
      }
    },
    indexBy(valueOf) {
      const index = createIndex(valueOf, get);
      for (const object of informer.list()) index.note(object, undefined);
      indexes.push(index.note);
      return index.lookup;
    },
    onChange: (handler) => informer.onChange(handler),
    synced: informer.synced,
    wrote(object) {
      const text = keyText(keyOf(object));
      const base = informer.get(keyOf(object));
      const ours = { object, removed: false, since: performance.now() };
      if (base !== undefined && isCaughtUp(base, ours)) return;
      pending.set(text, ours);
      for (const note of indexes) note(object, base);
    },
    removed(key) {
      const base = get(key);
      if (base === undefined || base.metadata.deletionTimestamp !== undefined) return;
      const metadata = { ...base.metadata, deletionTimestamp: new Date().toISOString() };
      pending.set(keyText(key), { object: { ...base, metadata }, removed: true, since: performance.now() });
    },
  };
}

interface Index<T extends KubeObject> {
  readonly note: (current: Live<T> | undefined, old: Live<T> | undefined) => void;
  readonly lookup: (value: string) => Live<T>[];
}

function createIndex<T extends KubeObject>(
  valueOf: (object: Live<T>) => string | undefined,
  get: (key: ObjectKey) => Live<T> | undefined,
): Index<T> {
  const keys = new Map<string, Map<string, ObjectKey>>();
  const forget = (value: string, text: string): void => {
    const set = keys.get(value);
    set?.delete(text);
    if (set?.size === 0) keys.delete(value);
  };
  return {
    note(current, old) {
      const before = old === undefined ? undefined : valueOf(old);
      const after = current === undefined ? undefined : valueOf(current);
      const key = keyOf(current ?? old ?? {});
      if (before !== undefined && before !== after) forget(before, keyText(key));
      if (after === undefined) return;
      const set = keys.get(after);
      if (set === undefined) keys.set(after, new Map([[keyText(key), key]]));
      else set.set(keyText(key), key);
    },
    lookup(value) {
      const found: Live<T>[] = [];
      for (const [text, key] of keys.get(value) ?? []) {
        const object = get(key);
        // An object that we wrote may have gone before the watch ever showed it.
        if (object === undefined) forget(value, text);
        else if (valueOf(object) === value) found.push(object);
      }
      return found;
    },
  };
}

function isCaughtUp<T extends KubeObject>(base: Live<T>, ours: Pending<T>): boolean {
  if (base.metadata.uid !== ours.object.metadata.uid) {
    return compareVersions(base.metadata.resourceVersion, ours.object.metadata.resourceVersion) > 0;
  }
  if (ours.removed) return base.metadata.deletionTimestamp !== undefined;
  return compareVersions(base.metadata.resourceVersion, ours.object.metadata.resourceVersion) >= 0;
}

/** Decimal texts without leading zeros: the longer is the larger. */
export function compareVersions(a: string, b: string): number {
  return a.length !== b.length ? a.length - b.length : a < b ? -1 : a > b ? 1 : 0;
}
