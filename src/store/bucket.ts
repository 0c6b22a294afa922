/**
 * The current objects of one resource: a map for `get` and the keys in order for `list`, kept by binary search.
 *
 *   key = namespace + '/' + name      the order of etcd's key space, so that pages of a list come as upstream's do
 */
import type { Version } from './version.ts';

export class Bucket {
  readonly #objects = new Map<string, Version>();
  readonly #keys: string[] = [];

  get(key: string): Version | undefined {
    return this.#objects.get(key);
  }

  /** Returns what was there before. */
  set(key: string, version: Version | undefined): Version | undefined {
    const before = this.#objects.get(key);
    if (version === undefined) {
      if (this.#objects.delete(key)) this.#keys.splice(this.#position(key), 1);
    } else {
      if (before === undefined) this.#keys.splice(this.#position(key), 0, key);
      this.#objects.set(key, version);
    }
    return before;
  }

  /** A copy, so that the caller may write while walking it. */
  list(namespace: string | undefined): Version[] {
    const from = namespace === undefined ? 0 : this.#position(`${namespace}/`);
    // '0' is the character after '/'.
    const to = namespace === undefined ? this.#keys.length : this.#position(`${namespace}0`);
    const found: Version[] = [];
    for (let i = from; i < to; i++) {
      const version = this.#objects.get(this.#keys[i] ?? '');
      if (version !== undefined) found.push(version);
    }
    return found;
  }

  #position(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    // Objects mostly arrive in order when a file is loaded.
    if (high > 0 && (this.#keys[high - 1] ?? '') < key) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#keys[middle] ?? '') < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export function bucketKey(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}
