/**
 * The counts under CoreDNS's metric names and labels (coredns plugin/metrics/vars, plugin/cache, plugin/pkg/proxy), so
 * that dashboards made for it work. prom-client writes the text; it is loaded with the first scrape.
 */
import { Registry, collectDefaultMetrics } from 'prom-client';
import type { Metric } from 'prom-client';
import { rcodeName, typeName } from '../wire/index.ts';
import type { DnsMetrics, Histogram } from './counts.ts';

export interface Gauges {
  readonly cacheEntries: () => number;
  readonly cacheHits: () => number;
  readonly staleServed: () => number;
  readonly cacheMisses: () => number;
  readonly prefetches: () => number;
  readonly rejects: () => number;
  readonly version: string;
}

type Labels = Readonly<Record<string, string>>;

interface Value {
  readonly labels: Labels;
  readonly value: number;
  readonly metricName?: string;
}

/** One server block for all names, as in the Corefile that kubeadm writes. */
const block = { server: 'dns://:53', zone: '.', view: '' };
const cacheBlock = { server: 'dns://:53', zones: '.', view: '' };

export function exposition(metrics: DnsMetrics, gauges: Gauges): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const counter = (name: string, help: string, values: () => readonly Value[]): void =>
    registry.registerMetric(fed(name, help, 'counter', values));
  const gauge = (name: string, help: string, values: () => readonly Value[]): void =>
    registry.registerMetric(fed(name, help, 'gauge', values));
  const histogram = (name: string, help: string, values: () => readonly Value[]): void =>
    registry.registerMetric(fed(name, help, 'histogram', values));

  gauge('coredns_build_info', 'What answers, under the name that dashboards look for.', () => [
    { labels: { version: gauges.version, revision: 'portolan', goversion: '' }, value: 1 },
  ]);
  counter('coredns_dns_requests_total', 'Counter of DNS requests made per zone, protocol and family.', () =>
    [...metrics.requests].map(([key, value]) => ({ labels: { ...block, ...requestLabels(key) }, value })),
  );
  counter('coredns_dns_responses_total', 'Counter of response status codes.', () =>
    [...metrics.responses].map(([code, value]) => ({
      labels: { ...block, rcode: rcodeName(code), plugin: '' },
      value,
    })),
  );
  histogram(
    'coredns_dns_request_duration_seconds',
    'Histogram of the time (in seconds) each request took per zone.',
    () => buckets('coredns_dns_request_duration_seconds', metrics.seconds, block),
  );
  for (const [direction, sizes] of [
    ['request', metrics.requestBytes],
    ['response', metrics.responseBytes],
  ] as const) {
    const name = `coredns_dns_${direction}_size_bytes`;
    histogram(name, `Size of the ${direction} in bytes.`, () => [
      ...buckets(name, sizes.udp, { ...block, proto: 'udp' }),
      ...buckets(name, sizes.tcp, { ...block, proto: 'tcp' }),
    ]);
  }
  histogram('coredns_proxy_request_duration_seconds', 'Histogram of the time each request took.', () =>
    [...metrics.upstreams].flatMap(([to, byCode]) =>
      [...byCode].flatMap(([code, times]) =>
        buckets('coredns_proxy_request_duration_seconds', times, {
          proxy_name: 'forward',
          to,
          rcode: code < 0 ? 'FAILED' : rcodeName(code),
        }),
      ),
    ),
  );
  gauge('coredns_cache_entries', 'The number of elements in the cache.', () => [
    { labels: { ...cacheBlock, type: 'success' }, value: gauges.cacheEntries() },
  ]);
  counter('coredns_cache_hits_total', 'The count of cache hits.', () => [
    { labels: { ...cacheBlock, type: 'success' }, value: gauges.cacheHits() },
  ]);
  counter('coredns_cache_misses_total', 'The count of cache misses.', () => [
    { labels: cacheBlock, value: gauges.cacheMisses() },
  ]);
  counter('coredns_cache_served_stale_total', 'The number of requests served from stale cache entries.', () => [
    { labels: cacheBlock, value: gauges.staleServed() },
  ]);
  counter('coredns_cache_prefetch_total', 'The number of times the cache has prefetched a cached item.', () => [
    { labels: cacheBlock, value: gauges.prefetches() },
  ]);
  counter(
    'coredns_forward_max_concurrent_rejects_total',
    'Counter of queries rejected because too many were under way.',
    () => [{ labels: {}, value: gauges.rejects() }],
  );
  return registry;
}

/** A metric whose values are read where they are kept: prom-client only asks `get()` of it. */
function fed(name: string, help: string, type: string, values: () => readonly Value[]): Metric {
  const metric = {
    name,
    help,
    type,
    aggregator: 'sum',
    reset: () => {},
    get: async () => ({ name, help, type, aggregator: 'sum', values: values() }),
  };
  return metric as unknown as Metric;
}

function requestLabels(key: number): Labels {
  return { proto: (key & 1) !== 0 ? 'tcp' : 'udp', family: (key & 2) !== 0 ? '2' : '1', type: typeName(key >>> 2) };
}

function buckets(name: string, { bounds, counts, sum }: Histogram, labels: Labels): readonly Value[] {
  let total = 0;
  const values: Value[] = [];
  for (const [index, count] of counts.entries()) {
    total += count;
    const le = index < bounds.length ? String(bounds[index]) : '+Inf';
    values.push({ metricName: `${name}_bucket`, labels: { ...labels, le }, value: total });
  }
  values.push({ metricName: `${name}_sum`, labels, value: sum }, { metricName: `${name}_count`, labels, value: total });
  return values;
}
