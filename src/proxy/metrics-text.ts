/**
 * The counts under kube-proxy's metric names, labels and help texts, so that its dashboards and alerts work. prom-client writes
 * the text; it is loaded with the first scrape. How full the table of connections is has node_exporter's names.
 *
 * Upstream: pkg/proxy/metrics/metrics.go, component-base/metrics/prometheus/restclient/metrics.go.
 */
import { Registry, collectDefaultMetrics } from 'prom-client';
import type { Metric } from 'prom-client';
import { requestCounts } from '../client/index.ts';
import type { Family } from '../model/index.ts';
import { conntrackFill } from './conntrack-fill.ts';
import { families } from './metrics.ts';
import type { Histogram, Metrics } from './metrics.ts';

interface Value {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly metricName?: string;
}

const sync = 'kubeproxy_sync_proxy_rules';

export interface MetricsText {
  readonly type: string;
  text(): Promise<string>;
}

export function metricsText(metrics: Metrics): MetricsText {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const register = writer(registry);
  const byFamily = (of: (family: Family) => number): readonly Value[] =>
    families.map((family) => ({ labels: { ip_family: family }, value: of(family) }));
  const plain = (value: number): readonly Value[] => [{ labels: {}, value }];
  const probes = (path: string): readonly Value[] =>
    [...metrics.probes]
      .filter(([name]) => name.startsWith(`${path} `))
      .map(([name, value]) => ({ labels: { code: name.slice(path.length + 1) }, value }));

  register.histogram(`${sync}_duration_seconds`, 'SyncProxyRules latency in seconds', metrics.syncSeconds);
  register.histogram(
    'kubeproxy_sync_full_proxy_rules_duration_seconds',
    'SyncProxyRules latency in seconds for full resyncs',
    metrics.fullSeconds,
  );
  register.histogram(
    'kubeproxy_sync_partial_proxy_rules_duration_seconds',
    'SyncProxyRules latency in seconds for partial resyncs',
    metrics.partialSeconds,
  );
  register.histogram(
    'kubeproxy_network_programming_duration_seconds',
    'In Cluster Network Programming Latency in seconds',
    metrics.programmingSeconds,
  );
  register.histogram(
    'kubeproxy_conntrack_reconciler_sync_duration_seconds',
    'ReconcileConntrackFlowsLatency latency in seconds',
    metrics.conntrackSeconds,
  );
  register.gauge(`${sync}_last_timestamp_seconds`, 'The last time proxy rules were successfully synced', () =>
    byFamily((family) => metrics.lastSync[family] / 1000),
  );
  register.gauge(`${sync}_last_queued_timestamp_seconds`, 'The last time a sync of proxy rules was queued', () =>
    byFamily(() => metrics.lastQueued / 1000),
  );
  register.gauge(`${sync}_endpoint_changes_pending`, 'Pending proxy rules Endpoint changes', () =>
    plain(metrics.endpointsPending),
  );
  register.counter(`${sync}_endpoint_changes_total`, 'Cumulative proxy rules Endpoint changes', () =>
    plain(metrics.endpointChanges),
  );
  register.gauge(`${sync}_service_changes_pending`, 'Pending proxy rules Service changes', () =>
    plain(metrics.servicesPending),
  );
  register.counter(`${sync}_service_changes_total`, 'Cumulative proxy rules Service changes', () =>
    plain(metrics.serviceChanges),
  );
  register.counter(`${sync}_nftables_sync_failures_total`, 'Cumulative proxy nftables sync failures', () =>
    byFamily(() => metrics.syncFailures),
  );
  register.counter(`${sync}_nftables_cleanup_failures_total`, 'Cumulative proxy nftables cleanup failures', () =>
    byFamily(() => metrics.cleanupFailures),
  );
  register.gauge(
    `${sync}_no_local_endpoints_total`,
    'Number of services with a Local traffic policy and no endpoints',
    () =>
      (['internal', 'external'] as const).flatMap((policy) =>
        families.map((family) => ({
          labels: { ip_family: family, traffic_policy: policy },
          value: new Set(metrics.noLocal[policy][family].values()).size,
        })),
      ),
  );
  register.counter(
    'kubeproxy_conntrack_reconciler_deleted_entries_total',
    'Cumulative conntrack flows deleted by conntrack reconciler',
    () => byFamily((family) => metrics.flowsForgotten[family]),
  );
  register.gauge(
    'node_nf_conntrack_entries',
    'Number of currently allocated flow entries for connection tracking.',
    () => plain(conntrackFill()?.entries ?? 0),
  );
  register.gauge('node_nf_conntrack_entries_limit', 'Maximum size of connection tracking table.', () =>
    plain(conntrackFill()?.limit ?? 0),
  );
  register.counter('kubeproxy_proxy_healthz_total', 'Cumulative proxy healthz HTTP status', () => probes('healthz'));
  register.counter('kubeproxy_proxy_livez_total', 'Cumulative proxy livez HTTP status', () => probes('livez'));
  register.counter(
    'rest_client_requests_total',
    'Number of HTTP requests, partitioned by status code, method, and host.',
    () =>
      [...requestCounts()].map(({ code, method, host, count }) => ({ labels: { code, method, host }, value: count })),
  );
  return { type: registry.contentType, text: () => registry.metrics() };
}

interface Writer {
  counter(name: string, help: string, values: () => readonly Value[]): void;
  gauge(name: string, help: string, values: () => readonly Value[]): void;
  histogram(name: string, help: string, of: Readonly<Record<Family, Histogram>>): void;
}

/** Metrics whose values are read where they are kept: prom-client only asks `get()` of them. */
function writer(registry: Registry): Writer {
  const add = (name: string, help: string, type: string, values: () => readonly Value[]): void => {
    const get = async (): Promise<unknown> => ({ name, help, type, aggregator: 'sum', values: values() });
    registry.registerMetric({ name, help, type, aggregator: 'sum', reset: () => {}, get } as unknown as Metric);
  };
  return {
    counter: (name, help, values) => add(name, help, 'counter', values),
    gauge: (name, help, values) => add(name, help, 'gauge', values),
    histogram: (name, help, of) =>
      add(name, help, 'histogram', () => families.flatMap((family) => buckets(name, of[family], family))),
  };
}

function buckets(name: string, { bounds, counts, sum }: Histogram, family: Family): readonly Value[] {
  const labels = { ip_family: family };
  let total = 0;
  const values: Value[] = Array.from(counts, (count, i) => {
    total += count;
    const le = i < bounds.length ? String(bounds[i]) : '+Inf';
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: total };
  });
  values.push({ metricName: `${name}_sum`, labels, value: sum }, { metricName: `${name}_count`, labels, value: total });
  return values;
}
