/**
 * The load balancer's own health and metrics, on loopback only: nothing of it is reachable from the internet side.
 *
 *   /healthz  200 while the kernel is as wanted, else 503 with the error
 *   /readyz   200 once everything that existed at the start is programmed
 *   /metrics  Prometheus text
 */
import type { Server, ServerResponse } from 'node:http';
import { inspect } from 'node:util';
import { createServer } from '../util/http.ts';

export interface HealthView {
  readonly ready: boolean;
  readonly failure: unknown;
  readonly addressesInUse: number;
  readonly servicesPending: number;
  readonly kernelRuns: number;
  /** node → may get connections now */
  readonly nodes: ReadonlyMap<string, boolean>;
}

export async function startHealthServer(port: number, view: () => HealthView): Promise<Server> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const now = view();
    if (path === '/healthz') send(response, now.failure === undefined ? 200 : 503, messageOf(now.failure) ?? 'ok');
    else if (path === '/readyz') send(response, now.ready ? 200 : 503, now.ready ? 'ok' : 'not yet');
    else if (path === '/metrics') {
      void metrics(now).then(
        (text) => send(response, 200, text),
        (error: unknown) => send(response, 500, messageOf(error) ?? 'error'),
      );
    } else send(response, 404, 'not found: try /healthz, /readyz or /metrics');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return server;
}

/** prom-client is loaded by the first scrape only. */
async function metrics(now: HealthView): Promise<string> {
  const { Gauge, Registry } = await import('prom-client');
  const registry = new Registry();
  const registers = [registry];
  const gauge = (name: string, help: string, value: number): void =>
    new Gauge({ name: `portolan_lb_${name}`, help, registers }).set(value);
  gauge('addresses_in_use', 'Addresses given to services', now.addressesInUse);
  gauge('services_pending', 'Services that wait for an address', now.servicesPending);
  gauge('kernel_syncs', 'Runs of the kernel programmer since the start', now.kernelRuns);
  gauge('kernel_in_sync', '1 while the kernel is as wanted', now.failure === undefined ? 1 : 0);
  const help = '1 while the node may get connections';
  const nodes = new Gauge({ name: 'portolan_lb_node_up', help, labelNames: ['node'], registers });
  for (const [node, up] of now.nodes) nodes.set({ node }, up ? 1 : 0);
  return registry.metrics();
}

function send(response: ServerResponse, code: number, text: string): void {
  response.writeHead(code, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text);
}

function messageOf(error: unknown): string | undefined {
  if (error === undefined) return undefined;
  return error instanceof Error ? error.message : inspect(error);
}
