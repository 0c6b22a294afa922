/**
 * What kube-proxy counts, in plain numbers: a proxy that nobody scrapes pays nothing. metrics-text.ts gives them kube-proxy's
 * names when somebody asks.
 *
 * Upstream: pkg/proxy/metrics/metrics.go.
 */
import type { Family, TableEntry } from '../model/index.ts';
import type { Pass } from './syncer.ts';
import type { TableStore } from './table-store.ts';

/** Counts per upper bound, in seconds; the last is for what is above all. */
export class Histogram {
  readonly bounds: readonly number[];
  readonly counts: Float64Array;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    let at = 0;
    while (at < this.bounds.length && value > (this.bounds[at] ?? 0)) at++;
    this.counts[at] = (this.counts[at] ?? 0) + 1;
    this.sum += value;
  }
}

/** ExponentialBuckets(0.001, 2, 15). */
const syncBounds = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i);
/** Quarters to half a second, seconds to a minute, then every 5 s to 2 minutes, every 30 s to 5. */
const programmingBounds = [0.25, 0.5, ...row(1, 1, 59), ...row(60, 5, 12), ...row(120, 30, 7)];
/** On a slice: when the pod or service changed that it was written for. */
const triggerAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';

export const families: readonly Family[] = ['IPv4', 'IPv6'];

export type TrafficPolicy = 'internal' | 'external';

export class Metrics {
  serviceChanges = 0;
  endpointChanges = 0;
  servicesPending = 0;
  endpointsPending = 0;
  syncFailures = 0;
  cleanupFailures = 0;
  /** Milliseconds since 1970. */
  lastQueued = 0;
  lastSync: Readonly<Record<Family, number>> = { IPv4: 0, IPv6: 0 };
  readonly flowsForgotten = { IPv4: 0, IPv6: 0 };
  readonly conntrackSeconds = perFamily(() => new Histogram(syncBounds));
  readonly syncSeconds = perFamily(() => new Histogram(syncBounds));
  readonly fullSeconds = perFamily(() => new Histogram(syncBounds));
  readonly partialSeconds = perFamily(() => new Histogram(syncBounds));
  readonly programmingSeconds = perFamily(() => new Histogram(programmingBounds));
  /** `healthz 200` -> how often. */
  readonly probes = new Map<string, number>();
  /** Keys whose Local policy finds nobody here. */
  readonly noLocal: Readonly<Record<TrafficPolicy, Record<Family, Set<string>>>> = {
    internal: perFamily(() => new Set<string>()),
    external: perFamily(() => new Set<string>()),
  };
  /** The slice version that was last measured, so that another slice's change does not count it again. */
  readonly #observed = new Map<string, string>();

  /** Counts the entries of a full pass, and hands them on. */
  *starting(entries: Iterable<TableEntry>): Generator<TableEntry> {
    for (const byFamily of Object.values(this.noLocal)) for (const keys of Object.values(byFamily)) keys.clear();
    for (const entry of entries) {
      this.#countNoLocal(entry);
      yield entry;
    }
  }

  applied({ applied, full, services, diff }: Pass, store: TableStore): void {
    this.servicesPending = this.endpointsPending = 0;
    const seconds = applied.milliseconds / 1000;
    const keys = [...diff.set.map(({ key }) => key), ...diff.remove];
    for (const family of full ? families : families.filter((one) => keys.some((key) => familyOfKey(key) === one))) {
      this.syncSeconds[family].observe(seconds);
      (full ? this.fullSeconds : this.partialSeconds)[family].observe(seconds);
      this.lastSync = { ...this.lastSync, [family]: Date.now() };
    }
    for (const entry of diff.set) this.#countNoLocal(entry);
    for (const key of diff.remove) {
      for (const byFamily of Object.values(this.noLocal)) byFamily[familyOfKey(key)].delete(key);
    }
    // What was there before the start says nothing about our speed.
    if (!full) for (const service of services) this.#observeProgramming(store, service);
  }

  probed(path: string, code: number): void {
    const name = `${path.slice(1)} ${String(code)}`;
    this.probes.set(name, (this.probes.get(name) ?? 0) + 1);
  }

  #countNoLocal({ key, frontend, internal, external }: TableEntry): void {
    const { kind, family, policy } = frontend;
    const lacks = (verdict: string): boolean => policy === 'Local' && verdict === 'drop';
    const set = (which: TrafficPolicy, isLacking: boolean): void => {
      if (isLacking) this.noLocal[which][family].add(key);
      else this.noLocal[which][family].delete(key);
    };
    set('internal', kind === 'ClusterIP' && lacks(internal.verdict));
    set('external', kind !== 'ClusterIP' && lacks(external.verdict));
  }

  #observeProgramming(store: TableStore, service: string): void {
    for (const slice of store.slicesOf(service)) {
      const trigger = Date.parse(slice.metadata?.annotations?.[triggerAnnotation] ?? '');
      const version = `${slice.metadata?.name ?? ''} ${String(trigger)}`;
      if (Number.isNaN(trigger) || this.#observed.get(service) === version) continue;
      this.#observed.set(service, version);
      const family = slice.addressType === 'IPv6' ? 'IPv6' : 'IPv4';
      this.programmingSeconds[family].observe(Math.max(0, Date.now() - trigger) / 1000);
    }
    if (!store.services.has(service)) this.#observed.delete(service);
  }
}

function perFamily<T>(make: () => T): Record<Family, T> {
  return { IPv4: make(), IPv6: make() };
}

function familyOfKey(key: string): Family {
  return key.includes(':') ? 'IPv6' : 'IPv4';
}

function row(first: number, step: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first + i * step);
}
