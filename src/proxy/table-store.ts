/**
 * The node's logical table, kept up to date service by service: a change costs what that service has.
 *
 *   change of a Service or slice ─> dirty(service) ─> take() ─> TableDiff      for the data plane
 *   change of the Node           ─> allDirty()
 *
 * Two services may claim one key (an external IP); the older has it, and the other gets it when the older lets go.
 */
import type { EndpointSlice, Service } from '../api/gen/types.ts';
import type { TableDiff } from '../dataplane/index.ts';
import { serviceEntries, serviceKeyOf, winner } from '../model/index.ts';
import type { EntryKey, NodeView, TableEntry } from '../model/index.ts';
import { keyOf, keyText } from '../api/object.ts';

export interface Taken {
  readonly diff: TableDiff;
  readonly services: readonly string[];
  /** The touched entries as they were. */
  readonly before: readonly TableEntry[];
}

export class TableStore {
  #node: NodeView;
  readonly #services = new Map<string, Service>();
  readonly #slices = new Map<string, Map<string, EndpointSlice>>();
  /** What each service claims. */
  readonly #claims = new Map<string, readonly TableEntry[]>();
  /** Services that claim a key; nearly always one. */
  readonly #claimants = new Map<EntryKey, Set<string>>();
  readonly #entries = new Map<EntryKey, TableEntry>();
  readonly #dirty = new Set<string>();

  constructor(node: NodeView) {
    this.#node = node;
  }

  get entries(): ReadonlyMap<EntryKey, TableEntry> {
    return this.#entries;
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

  slicesOf(service: string): EndpointSlice[] {
    return [...(this.#slices.get(service)?.values() ?? [])];
  }

  /** What the service has on this node, won or not. */
  entriesOf(service: string): readonly TableEntry[] {
    return this.#claims.get(service) ?? [];
  }

  setService(current: Service | undefined, old: Service | undefined): void {
    const key = keyText(keyOf(current ?? old ?? {}));
    if (current === undefined) this.#services.delete(key);
    else this.#services.set(key, current);
    this.#dirty.add(key);
  }

  setSlice(current: EndpointSlice | undefined, old: EndpointSlice | undefined): void {
    for (const slice of [old, current]) {
      if (slice === undefined) continue;
      const service = serviceKeyOf(slice);
      if (service === undefined) continue;
      let slices = this.#slices.get(service);
      if (slices === undefined) this.#slices.set(service, (slices = new Map<string, EndpointSlice>()));
      // A slice whose label moves to another service leaves the first one.
      if (slice === current) slices.set(keyText(keyOf(slice)), slice);
      else slices.delete(keyText(keyOf(slice)));
      if (slices.size === 0) this.#slices.delete(service);
      this.#dirty.add(service);
    }
  }

  setNode(node: NodeView): void {
    this.#node = node;
    for (const key of this.#services.keys()) this.#dirty.add(key);
  }

  /** Recomputes what is dirty. */
  take(): Taken {
    const services = [...this.#dirty];
    this.#dirty.clear();
    const touched = new Set<EntryKey>();
    const before: TableEntry[] = [];
    for (const key of services) {
      const old = this.#claims.get(key) ?? [];
      const service = this.#services.get(key);
      const now = service === undefined ? [] : serviceEntries(service, this.slicesOf(key), this.#node);
      for (const entry of old) this.#release(entry.key, key);
      for (const entry of now) this.#claim(entry.key, key);
      if (now.length > 0) this.#claims.set(key, now);
      else this.#claims.delete(key);
      for (const entry of [...old, ...now]) touched.add(entry.key);
    }
    const set: TableEntry[] = [];
    const remove: EntryKey[] = [];
    for (const key of touched) {
      const old = this.#entries.get(key);
      const entry = this.#won(key);
      if (old !== undefined) before.push(old);
      if (entry !== undefined) this.#entries.set(key, entry);
      else this.#entries.delete(key);
      if (entry !== undefined) set.push(entry);
      else if (old !== undefined) remove.push(key);
    }
    return { diff: { set, remove }, services, before };
  }

  #claim(key: EntryKey, service: string): void {
    const claimants = this.#claimants.get(key);
    if (claimants === undefined) this.#claimants.set(key, new Set([service]));
    else claimants.add(service);
  }

  #release(key: EntryKey, service: string): void {
    const claimants = this.#claimants.get(key);
    claimants?.delete(service);
    if (claimants?.size === 0) this.#claimants.delete(key);
  }

  #won(key: EntryKey): TableEntry | undefined {
    let best: TableEntry | undefined;
    for (const service of this.#claimants.get(key) ?? []) {
      for (const entry of this.#claims.get(service) ?? []) {
        if (entry.key === key) best = best === undefined ? entry : winner(best, entry);
      }
    }
    return best;
  }
}
