/**
 * The node's logical table, kept up to date service by service: a change costs what that service has.
 *
 *   change of a Service or slice ─> dirty(service) ─> take() ─> TableDiff                     for the data plane
 *   change of the Node           ─> all dirty
 *   a start                                        ─> takeAll() ─> entries, made as they are asked for
 *
 * Two services may claim one key (an external IP); the older has it, and the other gets it when the older lets go.
 *
 * Entries are not kept: the objects say it all, and working out one service's entries takes 20 µs. Only what is not TCP is kept,
 * because its flows are compared with how it was before.
 */
import type { EndpointSlice, Service } from '../api/gen/types.ts';
import type { TableDiff } from '../dataplane/index.ts';
import { byPrecedence, serviceEntries, serviceKeyOf, winner } from '../model/index.ts';
import type { EntryKey, NodeView, TableEntry } from '../model/index.ts';
import { keyOf, keyText } from '../api/object.ts';

export interface Taken {
  readonly diff: TableDiff;
  readonly services: readonly string[];
  /** The touched entries as they were, of those that are not TCP. */
  readonly before: readonly TableEntry[];
}

/** The table as it is looked at: entries are made when they are asked for. */
export interface Entries {
  get(key: EntryKey): TableEntry | undefined;
  /** Those of services that are not only TCP: they are kept, so this costs no work. */
  datagrams(): Iterable<TableEntry>;
}

/** What a service claims: keys, or where it is not only TCP, the entries. */
interface Claims {
  readonly keys: readonly EntryKey[];
  readonly entries: readonly TableEntry[] | undefined;
}

export class TableStore {
  #node: NodeView;
  readonly #services = new Map<string, Service>();
  /** By service. */
  readonly #slices = new Map<string, readonly EndpointSlice[]>();
  readonly #claims = new Map<string, Claims>();
  /** Services that claim a key; nearly always one. */
  readonly #claimants = new Map<EntryKey, string | readonly string[]>();
  readonly #dirty = new Set<string>();

  constructor(node: NodeView) {
    this.#node = node;
  }

  get entries(): Entries {
    return {
      get: (key) => this.#won(key, (service) => this.entriesOf(service)),
      datagrams: () => this.#datagramEntries(this.#claims.keys()),
    };
  }

  get services(): ReadonlyMap<string, Service> {
    return this.#services;
  }

  get node(): NodeView {
    return this.#node;
  }

  get pending(): number {
    return this.#dirty.size;
  }

  slicesOf(service: string): readonly EndpointSlice[] {
    return this.#slices.get(service) ?? [];
  }

  /** What the service has on this node, won or not. */
  entriesOf(key: string): readonly TableEntry[] {
    const claims = this.#claims.get(key);
    if (claims === undefined) return [];
    const service = this.#services.get(key);
    return claims.entries ?? (service === undefined ? [] : this.#work(key, service));
  }

  setService(current: Service | undefined, old: Service | undefined): void {
    const key = keyText(keyOf(current ?? old ?? {}));
    if (current === undefined) this.#services.delete(key);
    else this.#services.set(key, current);
    this.#dirty.add(key);
  }

  setSlice(current: EndpointSlice | undefined, old: EndpointSlice | undefined): void {
    const left = old === undefined ? undefined : serviceKeyOf(old);
    const joined = current === undefined ? undefined : serviceKeyOf(current);
    // A slice whose label moves to another service leaves the first one.
    if (old !== undefined && left !== undefined && left !== joined) {
      const others = this.slicesOf(left).filter((slice) => slice.metadata?.name !== old.metadata?.name);
      if (others.length > 0) this.#slices.set(left, others);
      else this.#slices.delete(left);
      this.#dirty.add(left);
    }
    if (current !== undefined && joined !== undefined) {
      this.#slices.set(joined, withSlice(this.slicesOf(joined), current));
      this.#dirty.add(joined);
    }
  }

  setNode(node: NodeView): void {
    this.#node = node;
    for (const key of this.#services.keys()) this.#dirty.add(key);
  }

  /**
   * The whole table. An entry is made when it is asked for: 100,000 endpoints at once are 40 MB. What changes before the last one was
   * asked for is dirty, so it comes with the next take().
   */
  takeAll(): { readonly services: readonly string[]; readonly entries: Iterable<TableEntry> } {
    const services = [...new Set([...this.#services.keys(), ...this.#dirty])];
    this.#dirty.clear();
    this.#claims.clear();
    this.#claimants.clear();
    return { services, entries: this.#all() };
  }

  *#all(): Generator<TableEntry> {
    for (const service of this.#byPrecedence()) {
      const object = this.#services.get(service);
      const now = object === undefined ? [] : this.#work(service, object);
      // Who comes first has a key, and keeps it.
      const won = now.filter(({ key }) => !this.#claimants.has(key));
      this.#claimAll(service, now);
      yield* won;
    }
  }

  /** Recomputes what is dirty. */
  take(): Taken {
    const services = [...this.#dirty];
    this.#dirty.clear();
    const before = this.#datagramEntries(services);
    const fresh = new Map<string, readonly TableEntry[]>();
    const set = new Map<EntryKey, TableEntry>();
    /** Claimed more than once: who has it is seen when all claims are made. */
    const contested = new Set<EntryKey>();
    const left = new Set<EntryKey>();
    for (const key of services) {
      const service = this.#services.get(key);
      const now = service === undefined ? [] : this.#work(key, service);
      fresh.set(key, now);
      for (const name of this.#claims.get(key)?.keys ?? []) {
        this.#release(name, key);
        left.add(name);
      }
      for (const entry of now) {
        if (this.#claimants.has(entry.key)) contested.add(entry.key);
        else set.set(entry.key, entry);
      }
      this.#claimAll(key, now);
    }
    const remove: EntryKey[] = [];
    for (const name of left) {
      if (!this.#claimants.has(name)) remove.push(name);
      // Left by one service, and held by another that did not change.
      else if (!set.has(name)) contested.add(name);
    }
    for (const name of contested) {
      const entry = this.#won(name, (service) => fresh.get(service) ?? this.entriesOf(service));
      if (entry !== undefined) set.set(name, entry);
    }
    return { diff: { set: [...set.values()], remove }, services, before };
  }

  /** Of these services, as they are before anything changes. */
  #datagramEntries(services: Iterable<string>): TableEntry[] {
    const kept = new Map<EntryKey, TableEntry>();
    for (const service of services) {
      for (const { key } of this.#claims.get(service)?.entries ?? []) {
        const entry = this.entries.get(key);
        if (entry !== undefined) kept.set(key, entry);
      }
    }
    return [...kept.values()];
  }

  #work(key: string, service: Service): readonly TableEntry[] {
    return serviceEntries(service, this.slicesOf(key), this.#node);
  }

  #byPrecedence(): string[] {
    const claimants = Array.from(this.#services, ([service, { metadata }]) => ({
      since: metadata?.creationTimestamp ?? '',
      service,
    }));
    return claimants.sort(byPrecedence).map(({ service }) => service);
  }

  #claimAll(service: string, entries: readonly TableEntry[]): void {
    for (const { key } of entries) this.#claim(key, service);
    const kept = entries.every(({ frontend }) => frontend.protocol === 'TCP') ? undefined : entries;
    if (entries.length > 0) this.#claims.set(service, { keys: entries.map(({ key }) => key), entries: kept });
    else this.#claims.delete(service);
  }

  #claim(key: EntryKey, service: string): void {
    if (!this.#claimants.has(key)) return void this.#claimants.set(key, service);
    const others = listed(this.#claimants.get(key)).filter((other) => other !== service);
    this.#claimants.set(key, others.length === 0 ? service : [...others, service]);
  }

  #release(key: EntryKey, service: string): void {
    const [first, ...rest] = listed(this.#claimants.get(key)).filter((other) => other !== service);
    if (first === undefined) this.#claimants.delete(key);
    else this.#claimants.set(key, rest.length === 0 ? first : [first, ...rest]);
  }

  #won(key: EntryKey, entriesOf: (service: string) => readonly TableEntry[]): TableEntry | undefined {
    let best: TableEntry | undefined;
    for (const service of listed(this.#claimants.get(key))) {
      for (const entry of entriesOf(service)) {
        if (entry.key === key) best = best === undefined ? entry : winner(best, entry);
      }
    }
    return best;
  }
}

/** In place of the one with its name. A service's slices are in its namespace. */
function withSlice(slices: readonly EndpointSlice[], slice: EndpointSlice): readonly EndpointSlice[] {
  const place = slices.findIndex(({ metadata }) => metadata?.name === slice.metadata?.name);
  return place < 0 ? [...slices, slice] : slices.with(place, slice);
}

function listed(claimants: string | readonly string[] | undefined): readonly string[] {
  return claimants === undefined ? [] : typeof claimants === 'string' ? [claimants] : claimants;
}
