/**
 * kube-proxy's metrics, under kube-proxy's names, so that its dashboards and alerts work. Counted in plain numbers and written
 * as text when somebody asks: a proxy that nobody scrapes pays nothing.
 *
 * Upstream: pkg/proxy/metrics/metrics.go.
 */
import type { TableEntry } from '../model/index.ts';
import type { Pass } from './syncer.ts';
import type { TableStore } from './table-store.ts';

/** A histogram: cumulative counts per upper bound, in seconds. */
class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;
  #total = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.#sum += value;
    this.#total++;
    for (let i = this.#bounds.length - 1; i >= 0 && value <= (this.#bounds[i] ?? 0); i--) {
      this.#counts[i] = (this.#counts[i] ?? 0) + 1;
    }
  }

  *lines(name: string): Generator<string> {
    for (const [i, bound] of this.#bounds.entries())
      yield `${name}_bucket{le="${String(bound)}"} ${String(this.#counts[i])}`;
    yield `${name}_bucket{le="+Inf"} ${String(this.#total)}`;
    yield `${name}_sum ${String(this.#sum)}`;
    yield `${name}_count ${String(this.#total)}`;
  }
}

const syncBounds = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i);
const programmingBounds = [0.25, 0.5, 1, 2, 3, 4, 5, 10, 15, 30, 60, 120, 180, 240, 300];
/** On a slice: when the pod or service changed that it was written for. */
const triggerAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';

export class Metrics {
  serviceChanges = 0;
  endpointChanges = 0;
  syncFailures = 0;
  lastQueued = 0;
  readonly flowsForgotten = { IPv4: 0, IPv6: 0 };
  readonly conntrackSeconds = new Histogram(syncBounds);
  readonly #syncSeconds = new Histogram(syncBounds);
  readonly #fullSeconds = new Histogram(syncBounds);
  readonly #partialSeconds = new Histogram(syncBounds);
  readonly #programmingSeconds = new Histogram(programmingBounds);
  readonly #probes = new Map<string, number>();
  #lastSync = 0;
  readonly #noLocal = { internal: new Set<string>(), external: new Set<string>() };

  applied({ applied, full, services, diff }: Pass, store: TableStore): void {
    const seconds = applied.milliseconds / 1000;
    this.#syncSeconds.observe(seconds);
    (full ? this.#fullSeconds : this.#partialSeconds).observe(seconds);
    this.#lastSync = Date.now();
    for (const entry of diff.set) this.#countNoLocal(entry);
    for (const key of diff.remove) for (const keys of Object.values(this.#noLocal)) keys.delete(key);
    // What was there before the start says nothing about our speed.
    if (!full) for (const service of services) this.#observeProgramming(store, service);
  }

  probed(path: string, code: number): void {
    const name = `kubeproxy_proxy_${path.slice(1)}_total{code="${String(code)}"}`;
    this.#probes.set(name, (this.#probes.get(name) ?? 0) + 1);
  }

  text(): string {
    return [...this.#lines(), ''].join('\n');
  }

  *#lines(): Generator<string> {
    const value = function* (type: string, name: string, number: number): Generator<string> {
      yield `# TYPE ${name} ${type}`;
      yield `${name} ${String(number)}`;
    };
    const histogram = function* (name: string, counted: Histogram): Generator<string> {
      yield `# TYPE ${name} histogram`;
      yield* counted.lines(name);
    };
    yield* histogram('kubeproxy_sync_proxy_rules_duration_seconds', this.#syncSeconds);
    yield* histogram('kubeproxy_sync_full_proxy_rules_duration_seconds', this.#fullSeconds);
    yield* histogram('kubeproxy_sync_partial_proxy_rules_duration_seconds', this.#partialSeconds);
    yield* histogram('kubeproxy_network_programming_duration_seconds', this.#programmingSeconds);
    yield* histogram('kubeproxy_conntrack_reconciler_sync_duration_seconds', this.conntrackSeconds);
    yield* value('gauge', 'kubeproxy_sync_proxy_rules_last_timestamp_seconds', this.#lastSync / 1000);
    yield* value('gauge', 'kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds', this.lastQueued / 1000);
    yield* value('counter', 'kubeproxy_sync_proxy_rules_service_changes_total', this.serviceChanges);
    yield* value('counter', 'kubeproxy_sync_proxy_rules_endpoint_changes_total', this.endpointChanges);
    yield* value('counter', 'kubeproxy_sync_proxy_rules_nftables_sync_failures_total', this.syncFailures);
    yield '# TYPE kubeproxy_sync_proxy_rules_no_local_endpoints_total gauge';
    for (const [policy, keys] of Object.entries(this.#noLocal)) {
      yield `kubeproxy_sync_proxy_rules_no_local_endpoints_total{traffic_policy="${policy}"} ${String(keys.size)}`;
    }
    yield '# TYPE kubeproxy_conntrack_reconciler_deleted_entries_total counter';
    for (const [family, count] of Object.entries(this.flowsForgotten)) {
      yield `kubeproxy_conntrack_reconciler_deleted_entries_total{ip_family="${family}"} ${String(count)}`;
    }
    for (const [name, count] of this.#probes) yield `${name} ${String(count)}`;
    yield* value('gauge', 'process_resident_memory_bytes', process.memoryUsage.rss());
  }

  #countNoLocal({ key, frontend, internal, external }: TableEntry): void {
    const lacks = { internal: frontend.kind === 'ClusterIP', external: frontend.kind !== 'ClusterIP' };
    const verdicts = { internal: internal.verdict, external: external.verdict };
    for (const policy of ['internal', 'external'] as const) {
      if (lacks[policy] && frontend.policy === 'Local' && verdicts[policy] === 'drop') this.#noLocal[policy].add(key);
      else this.#noLocal[policy].delete(key);
    }
  }

  #observeProgramming(store: TableStore, service: string): void {
    for (const slice of store.slicesOf(service)) {
      const trigger = Date.parse(slice.metadata?.annotations?.[triggerAnnotation] ?? '');
      const version = `${slice.metadata?.name ?? ''} ${String(trigger)}`;
      if (Number.isNaN(trigger) || this.#observed.get(service) === version) continue;
      this.#observed.set(service, version);
      this.#programmingSeconds.observe(Math.max(0, Date.now() - trigger) / 1000);
    }
    if (!store.services.has(service)) this.#observed.delete(service);
  }

  /** The slice version that was last measured, so that another slice's change does not count it again. */
  readonly #observed = new Map<string, string>();
}
