/**
 * The current objects of one resource: a map for `get` and the keys in order for `list`.
 *
 *   key = namespace + '/' + name      the order of etcd's key space, so that pages of a list come as upstream's do
 */
import { SortedKeys } from './sorted-keys.ts';
import type { Stored } from './types.ts';

/** Writes that lie over a bucket; undefined: deleted. */
export type Overlay = Map<string, Stored | undefined>;

export class Bucket {
  readonly #objects = new Map<string, Stored>();
  readonly #keys = new SortedKeys();

  get(key: string): Stored | undefined {
    return this.#objects.get(key);
  }

  set(key: string, version: Stored | undefined): void {
    if (version === undefined) {
      if (this.#objects.delete(key)) this.#keys.delete(key);
      return;
    }
    if (!this.#objects.has(key)) this.#keys.add(key);
    this.#objects.set(key, version);
  }

  /** A copy, so that the caller may write while walking it. */
  list(namespace: string | undefined): Stored[] {
    const found: Stored[] = [];
    if (this.#objects.size === 0) return found;
    for (const key of this.#range(namespace)) {
      const version = this.#objects.get(key);
      if (version !== undefined) found.push(version);
    }
    return found;
  }

  /** As it would be with `overlay` written. */
  listUnder(overlay: Overlay, namespace: string | undefined): Stored[] {
    const within = namespace === undefined ? '' : `${namespace}/`;
    const added = [...overlay.keys()].filter((key) => key.startsWith(within) && !this.#objects.has(key)).sort();
    const found: Stored[] = [];
    const take = (key: string): void => {
      const version = overlay.has(key) ? overlay.get(key) : this.#objects.get(key);
      if (version !== undefined) found.push(version);
    };
    let next = 0;
    for (const key of this.#range(namespace)) {
      for (; next < added.length && (added[next] ?? '') < key; next++) take(added[next] ?? '');
      take(key);
    }
    for (; next < added.length; next++) take(added[next] ?? '');
    return found;
  }

  /** '0' is the character after '/'. */
  #range(namespace: string | undefined): Iterable<string> {
    return namespace === undefined ? this.#keys.between() : this.#keys.between(`${namespace}/`, `${namespace}0`);
  }
}

export function bucketOf(buckets: Map<string, Bucket>, resource: string): Bucket {
  let bucket = buckets.get(resource);
  if (bucket === undefined) buckets.set(resource, (bucket = new Bucket()));
  return bucket;
}

export function bucketKey(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}
