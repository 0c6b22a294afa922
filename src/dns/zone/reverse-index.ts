/**
 * Address → the services that have it. Most addresses have one, so one is kept without a list around it.
 *
 *   '10.244.1.2' -> entry | [entry, entry]        and for IPv4 what there is below `10.`, `10.244.`, `10.244.1.`
 */
import type { ServiceEntry } from './service-entry.ts';

export class ReverseIndex {
  readonly #owners = new Map<string, ServiceEntry | readonly ServiceEntry[]>();
  readonly #below = new Map<string, number>();

  get(address: string): readonly ServiceEntry[] {
    return listOf(this.#owners.get(address));
  }

  /** For IPv6 nobody counts: 31 more entries per address would cost more than the answer is worth. */
  hasBelow(prefix: string): boolean {
    return this.#below.has(prefix);
  }

  replace(entry: ServiceEntry, before: ReadonlySet<string>, after: ReadonlySet<string>): void {
    for (const address of before) if (!after.has(address)) this.#remove(address, entry);
    for (const address of after) if (!before.has(address)) this.#add(address, entry);
  }

  #add(address: string, entry: ServiceEntry): void {
    const owners = this.#owners.get(address);
    if (owners === undefined) {
      this.#owners.set(address, entry);
      this.#count(address, 1);
    } else if (!listOf(owners).includes(entry)) this.#owners.set(address, [...listOf(owners), entry]);
  }

  #remove(address: string, entry: ServiceEntry): void {
    const owners = listOf(this.#owners.get(address));
    const left = owners.filter((owner) => owner !== entry);
    if (left.length === owners.length) return;
    const [only] = left;
    if (only === undefined) {
      this.#owners.delete(address);
      this.#count(address, -1);
    } else this.#owners.set(address, left.length === 1 ? only : left);
  }

  /** A prefix counts what is right below it, so most addresses of a /24 end their way there. */
  #count(address: string, change: 1 | -1): void {
    for (let dot = address.lastIndexOf('.'); dot >= 0; dot = address.lastIndexOf('.', dot - 1)) {
      const prefix = address.slice(0, dot + 1);
      const count = (this.#below.get(prefix) ?? 0) + change;
      if (count > 0) this.#below.set(prefix, count);
      else this.#below.delete(prefix);
      if (count !== (change === 1 ? 1 : 0)) return;
    }
  }
}

function listOf(owners: ServiceEntry | readonly ServiceEntry[] | undefined): readonly ServiceEntry[] {
  if (owners === undefined) return [];
  return 'slices' in owners ? [owners] : owners;
}
