/**
 * Counters that cost one addition each; prom-client is loaded when /metrics is first asked for, and filled from them.
 */
import { groupResourceOf } from '../api/resources.ts';
import type { Resource } from '../api/resources.ts';
import type { Store } from '../store/index.ts';

class Tally {
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
  /** `DECISION LEVEL VERSION MODE VERB RESOURCE SUBRESOURCE`, the last of which may be ''. */
  readonly podSecurity: Tally;
  /** `FATAL VERB RESOURCE SUBRESOURCE` */
  readonly podSecurityErrors: Tally;
}

export function createMetrics(): Metrics {
  return { requests: new Tally(), watchers: new Tally(), podSecurity: new Tally(), podSecurityErrors: new Tally() };
}

const counters: readonly {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly tally: keyof Metrics;
}[] = [
  {
    name: 'apiserver_request_total',
    help: 'Counter of apiserver requests broken out for each verb, resource and HTTP response code.',
    labelNames: ['verb', 'resource', 'code'],
    tally: 'requests',
  },
  {
    name: 'pod_security_evaluations_total',
    help: 'Number of policy evaluations that occurred, not counting ignored or exempt requests.',
    labelNames: ['decision', 'policy_level', 'policy_version', 'mode', 'request_operation', 'resource', 'subresource'],
    tally: 'podSecurity',
  },
  {
    name: 'pod_security_errors_total',
    help: 'Number of errors preventing normal evaluation. Non-fatal errors may result in the latest restricted profile being used for evaluation.',
    labelNames: ['fatal', 'request_operation', 'resource', 'subresource'],
    tally: 'podSecurityErrors',
  },
];

export async function renderMetrics(metrics: Metrics, store: Store): Promise<{ type: string; text: string }> {
  const { Registry, Gauge, Counter, collectDefaultMetrics } = await import('prom-client');
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const { name, help, labelNames, tally } of counters) {
    const counter = new Counter({ name, help, labelNames: [...labelNames], registers: [registry] });
    for (const [key, value] of metrics[tally].values) {
      const values = key.split(' ');
      counter.inc(Object.fromEntries(labelNames.map((label, index) => [label, values[index] ?? ''])), value);
    }
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
