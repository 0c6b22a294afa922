/**
 * The cluster's names, kept up to date by informer events, so that an answer is true at the next question.
 *
 *   Service ───────┐                       ┌─ service('default', 'web')  -> ServiceEntry
 *   EndpointSlice ─┼─> entries, reverse  ──┼─ at('10.244.1.2')           -> entries with this cluster IP or endpoint
 *   Namespace ─────┘                       └─ hasNamespace('default')
 *
 * Events cost what changed, not what is there: names are worked out when they are asked for, and the most recently asked
 * services keep theirs. Reverse entries are kept for all addresses, as references to their services.
 */
import type { EndpointSlice, Namespace, Service } from '../../api/gen/types.ts';
import type { InformerHandler } from '../../client/index.ts';
import { clusterIPsOf } from '../../model/records.ts';
import { addressKey } from '../wire/index.ts';
import { ReverseIndex } from './reverse-index.ts';
import { buildNames, newEntry } from './service-entry.ts';
import type { Names, ServiceEntry, Versioned } from './service-entry.ts';

/** Services whose worked-out names are kept. */
const keptNames = 1024;
const serviceNameLabel = 'kubernetes.io/service-name';

export class Zone implements Versioned {
  /** Grows with every change of anything. */
  version = 0;
  /** Milliseconds since 1970 of the last change: the SOA's serial. */
  changedAt = Date.now();
  readonly domain: string;
  readonly #entries = new Map<string, ServiceEntry>();
  readonly #namespaces = new Set<string>();
  readonly #clusterIPs = new ReverseIndex();
  readonly #endpoints = new ReverseIndex();
  /** Least recently built first. */
  readonly #built = new Set<ServiceEntry>();

  constructor(domain: string) {
    this.domain = domain;
  }

  service(namespace: string, name: string): ServiceEntry | undefined {
    const entry = this.#entries.get(`${namespace}/${name}`);
    return entry?.service === undefined ? undefined : entry;
  }

  hasNamespace(name: string): boolean {
    return this.#namespaces.has(name);
  }

  /** At the service's name and its ports. */
  ownNames(entry: ServiceEntry): Names {
    if (entry.own === undefined) {
      entry.own = buildNames(entry, 'own', this.domain);
      this.#keep(entry);
    }
    return entry.own;
  }

  /** At the names of its endpoints. */
  endpointNames(entry: ServiceEntry): Names {
    if (entry.endpoints === undefined) {
      entry.endpoints = buildNames(entry, 'endpoints', this.domain);
      this.#keep(entry);
    }
    return entry.endpoints;
  }

  /** A cluster IP belongs to its service alone, also where an endpoint has the same address. */
  at(address: string): { readonly owners: readonly ServiceEntry[]; readonly part: 'own' | 'endpoints' } {
    const owners = this.#clusterIPs.get(address);
    if (owners.length > 0) return { owners, part: 'own' };
    return { owners: this.#endpoints.get(address), part: 'endpoints' };
  }

  /** Is there an address that begins with these octets (`10.244.`)? */
  hasAddressBelow(prefix: string): boolean {
    return this.#clusterIPs.hasBelow(prefix) || this.#endpoints.hasBelow(prefix);
  }

  readonly onNamespace: InformerHandler<Namespace> = (current, old) => {
    if (current !== undefined) this.#namespaces.add(current.metadata.name);
    else if (old !== undefined) this.#namespaces.delete(old.metadata.name);
    this.#changed();
  };

  readonly onService: InformerHandler<Service> = (current, old) => {
    const { namespace, name } = (current ?? old)?.metadata ?? {};
    if (name === undefined) return;
    const key = `${namespace ?? ''}/${name}`;
    const entry = this.#entry(key);
    const before = keysOf(entry.service === undefined ? [] : clusterIPsOf(entry.service));
    entry.service = current;
    this.#clusterIPs.replace(entry, before, keysOf(current === undefined ? [] : clusterIPsOf(current)));
    this.#touch(key, entry);
  };

  readonly onSlice: InformerHandler<EndpointSlice> = (current, old) => {
    const before = old === undefined ? undefined : ownerKey(old);
    const after = current === undefined ? undefined : ownerKey(current);
    if (before !== undefined && before !== after && old !== undefined)
      this.#setSlice(before, old.metadata.name, undefined);
    if (after !== undefined && current !== undefined) this.#setSlice(after, current.metadata.name, current);
  };

  /** Something else that answers are made from is not what it was. */
  invalidate(): void {
    this.#changed();
  }

  #setSlice(key: string, name: string, slice: Parameters<InformerHandler<EndpointSlice>>[0]): void {
    const entry = this.#entry(key);
    const before = endpointKeys(entry.slices.get(name));
    if (slice === undefined) entry.slices.delete(name);
    else entry.slices.set(name, slice);
    const after = endpointKeys(slice);
    // A first list is nothing but new slices.
    if (before.size === 0) this.#endpoints.replace(entry, none, after);
    else {
      const gone = before.difference(after);
      this.#endpoints.replace(entry, gone.difference(elsewhere(entry, name, gone)), after.difference(before));
    }
    this.#touch(key, entry);
  }

  #entry(key: string): ServiceEntry {
    let entry = this.#entries.get(key);
    if (entry === undefined) this.#entries.set(key, (entry = newEntry()));
    return entry;
  }

  #touch(key: string, entry: ServiceEntry): void {
    entry.version += 1;
    this.#forget(entry);
    if (entry.service === undefined && entry.slices.size === 0) this.#entries.delete(key);
    this.#changed();
  }

  #keep(entry: ServiceEntry): void {
    this.#built.add(entry);
    if (this.#built.size <= keptNames) return;
    for (const oldest of this.#built) {
      this.#forget(oldest);
      return;
    }
  }

  #forget(entry: ServiceEntry): void {
    entry.own = undefined;
    entry.endpoints = undefined;
    this.#built.delete(entry);
  }

  #changed(): void {
    this.version += 1;
    this.changedAt = Date.now();
  }
}

function ownerKey(slice: EndpointSlice): string | undefined {
  const owner = slice.metadata?.labels?.[serviceNameLabel];
  return owner === undefined ? undefined : `${slice.metadata?.namespace ?? ''}/${owner}`;
}

/** While the controller moves an endpoint it stands in two slices of the service. */
function elsewhere(entry: ServiceEntry, name: string, gone: ReadonlySet<string>): ReadonlySet<string> {
  const found = new Set<string>();
  if (gone.size === 0) return found;
  for (const [other, held] of entry.slices) {
    if (other !== name) for (const address of endpointKeys(held)) found.add(address);
  }
  return found;
}

const none: ReadonlySet<string> = new Set();

function endpointKeys(slice: EndpointSlice | undefined): ReadonlySet<string> {
  if (slice === undefined || slice.addressType === 'FQDN') return none;
  const keys = new Set<string>();
  for (const { addresses } of slice.endpoints ?? []) addKey(keys, addresses[0]);
  return keys;
}

function keysOf(addresses: readonly string[]): ReadonlySet<string> {
  if (addresses.length === 0) return none;
  const keys = new Set<string>();
  for (const address of addresses) addKey(keys, address);
  return keys;
}

function addKey(keys: Set<string>, address: string | undefined): void {
  const key = address === undefined ? undefined : addressKey(address);
  if (key !== undefined) keys.add(key);
}
