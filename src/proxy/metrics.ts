/**
 * What kube-proxy counts, in plain numbers: a proxy that nobody scrapes pays nothing. metrics-text.ts gives them kube-proxy's
 * names when somebody asks.
 *
 * Upstream: pkg/proxy/metrics/metrics.go.
 */
import type { EndpointSlice } from '../api/gen/types.ts';
import type { Family, TableEntry } from '../model/index.ts';
import type { Pass } from './syncer.ts';

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
  /** Keys whose Local policy finds nobody here, with their service ports: of several addresses, they count once. */
  readonly noLocal: Readonly<Record<TrafficPolicy, Record<Family, Map<string, string>>>> = {
    internal: perFamily(() => new Map<string, string>()),
    external: perFamily(() => new Map<string, string>()),
  };
  /** Of changes that are not in the kernel yet: when what they tell of happened. */
  #triggers: { readonly family: Family; readonly at: number }[] = [];
  /** What was there before says nothing about our speed. */
  readonly #started = Date.now();

  /** Counts the entries of a full pass, and hands them on. */
  *starting(entries: Iterable<TableEntry>): Generator<TableEntry> {
    for (const byFamily of Object.values(this.noLocal)) for (const keys of Object.values(byFamily)) keys.clear();
    for (const entry of entries) {
      this.#countNoLocal(entry);
      yield entry;
    }
  }

  sliceChanged(current: EndpointSlice | undefined, old: EndpointSlice | undefined): void {
    this.endpointChanges++;
    this.endpointsPending++;
    const trigger = current?.metadata?.annotations?.[triggerAnnotation];
    // The controller writes another one, or none, with each change of the endpoints.
    if (trigger === undefined || trigger === old?.metadata?.annotations?.[triggerAnnotation]) return;
    const at = Date.parse(trigger);
    if (at > this.#started) this.#triggers.push({ family: current?.addressType === 'IPv6' ? 'IPv6' : 'IPv4', at });
  }

  applied({ applied, full, diff }: Pass): void {
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
    for (const { family, at } of this.#triggers) {
      this.programmingSeconds[family].observe(Math.max(0, Date.now() - at) / 1000);
    }
    this.#triggers = [];
  }

  probed(path: string, code: number): void {
    const name = `${path.slice(1)} ${String(code)}`;
    this.probes.set(name, (this.probes.get(name) ?? 0) + 1);
  }

  #countNoLocal({ key, frontend, internal, external }: TableEntry): void {
    const { kind, family, policy } = frontend;
    const lacks = (verdict: string): boolean => policy === 'Local' && verdict === 'drop';
    const set = (which: TrafficPolicy, isLacking: boolean): void => {
      const { service, portName } = frontend;
      if (isLacking) this.noLocal[which][family].set(key, `${service.namespace}/${service.name}:${portName}`);
      else this.noLocal[which][family].delete(key);
    };
    set('internal', kind === 'ClusterIP' && lacks(internal.verdict));
    set('external', kind !== 'ClusterIP' && lacks(external.verdict));
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
