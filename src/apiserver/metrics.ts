/**
 * Counters that cost one addition each; prom-client is loaded when /metrics is first asked for, and filled from them.
 */
import { groupResourceOf } from '../api/resources.ts';
import type { Resource } from '../api/resources.ts';
import type { Store } from '../store/index.ts';

export class Tally {
  readonly values = new Map<string, number>();

  add(of: string | Resource, amount = 1): void {
    const key = typeof of === 'string' ? of : groupResourceOf(of);
    this.values.set(key, (this.values.get(key) ?? 0) + amount);
  }
}

export interface Metrics {
  /** `VERB RESOURCE CODE` */
  readonly requests: Tally;
  readonly watchers: Tally;
}

export function createMetrics(): Metrics {
  return { requests: new Tally(), watchers: new Tally() };
}

export async function renderMetrics(metrics: Metrics, store: Store): Promise<{ type: string; text: string }> {
  const { Registry, Gauge, Counter, collectDefaultMetrics } = await import('prom-client');
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'apiserver_request_total',
    help: 'Counter of apiserver requests broken out for each verb, resource and HTTP response code.',
    labelNames: ['verb', 'resource', 'code'],
    registers: [registry],
  });
  for (const [key, value] of metrics.requests.values) {
    const [verb = '', resource = '', code = ''] = key.split(' ');
    requests.inc({ verb, resource, code }, value);
  }
  const watchers = new Gauge({
    name: 'apiserver_longrunning_requests',
    help: 'Gauge of all active long-running apiserver requests.',
    labelNames: ['verb', 'resource'],
    registers: [registry],
  });
  for (const [resource, value] of metrics.watchers.values) watchers.set({ verb: 'WATCH', resource }, value);
  new Gauge({
    name: 'portolan_store_revision',
    help: 'Revision of the last durable write.',
    registers: [registry],
  }).set(store.revision);
  const text = await registry.metrics();
  return { type: registry.contentType, text };
}
