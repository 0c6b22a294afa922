/**
 * What load balancers and people ask the proxy itself.
 *
 *   10256   /healthz  200 while the kernel is programmed and the node stays;  /livez  200 while it is programmed
 *   10249   /proxyMode  /metrics  /healthz          on 127.0.0.1 only
 *
 * Healthy: nothing failed since the last success, and no change has been waiting for two minutes.
 * Upstream: pkg/proxy/healthcheck/proxy_health.go, cmd/kube-proxy/app/server.go.
 */
import type http from 'node:http';
import { createServer } from '../util/http.ts';
import { log } from '../util/log.ts';
import { closed, listen } from './listen.ts';
import type { Metrics } from './metrics.ts';
import type { MetricsText } from './metrics-text.ts';
import type { Bind, ProxyOptions } from './options.ts';

const healthzDefault: Bind = { port: 10256 };
const metricsDefault: Bind = { address: '127.0.0.1', port: 10249 };
const staleMs = 120_000;

const logger = log('proxy');

export class StatusServer {
  readonly #servers: readonly (readonly [http.Server, Bind])[];
  readonly #metrics: Metrics;
  readonly #eligible: () => boolean;
  #lastUpdated = Date.now();
  /** The oldest change that is not in the kernel. */
  #queuedSince: number | undefined;
  #failing = false;
  /** Made by the first scrape. */
  #page: Promise<MetricsText> | undefined;

  constructor(options: ProxyOptions, metrics: Metrics, eligible: () => boolean) {
    this.#metrics = metrics;
    this.#eligible = eligible;
    const health = (request: http.IncomingMessage, response: http.ServerResponse): void => {
      this.#answerHealth(request, response);
    };
    const status = (request: http.IncomingMessage, response: http.ServerResponse): void => {
      this.#answerStatus(request, response);
    };
    this.#servers = [
      ...(options.healthz === false ? [] : [[server(health), options.healthz ?? healthzDefault] as const]),
      ...(options.metrics === false ? [] : [[server(status), options.metrics ?? metricsDefault] as const]),
    ];
  }

  queued(): void {
    this.#queuedSince ??= Date.now();
    this.#metrics.lastQueued = Date.now();
  }

  applied(): void {
    this.#queuedSince = undefined;
    this.#failing = false;
    this.#lastUpdated = Date.now();
  }

  failed(): void {
    this.#failing = true;
  }

  get healthy(): boolean {
    if (this.#queuedSince === undefined) return !this.#failing;
    return Date.now() - this.#queuedSince < staleMs;
  }

  async listen(): Promise<void> {
    for (const [listener, { address, port }] of this.#servers) {
      const error = await listen(listener, port, address);
      if (error !== undefined) logger.error({ port, address, err: error.message }, 'the proxy cannot answer here');
    }
  }

  async close(): Promise<void> {
    await Promise.all(
      this.#servers.map(([listener]) => {
        listener.closeAllConnections();
        return closed(listener);
      }),
    );
  }

  #answerHealth(request: http.IncomingMessage, response: http.ServerResponse): void {
    const path = pathOf(request);
    if (path !== '/healthz' && path !== '/livez') return notFound(response);
    const eligible = this.#eligible();
    const code = this.healthy && (path === '/livez' || eligible) ? 200 : 503;
    this.#metrics.probed(path, code);
    const now = new Date();
    // A healthy proxy with nothing to do is up to date now.
    const lastUpdated = this.healthy ? now : new Date(this.#lastUpdated);
    response.writeHead(code, { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' });
    response.end(
      JSON.stringify({
        lastUpdated: lastUpdated.toISOString(),
        currentTime: now.toISOString(),
        ...(path === '/healthz' ? { nodeEligible: eligible } : {}),
      }),
    );
  }

  #answerStatus(request: http.IncomingMessage, response: http.ServerResponse): void {
    const path = pathOf(request);
    if (path === '/proxyMode') return text(response, 200, 'nftables');
    if (path === '/healthz') return text(response, 200, 'ok');
    if (path === '/metrics') return void this.#answerMetrics(response);
    notFound(response);
  }

  async #answerMetrics(response: http.ServerResponse): Promise<void> {
    try {
      const made = (this.#page ??= import('./metrics-text.ts').then(({ metricsText }) => metricsText(this.#metrics)));
      const page = await made;
      text(response, 200, await page.text(), page.type);
    } catch (error) {
      logger.error({ err: error }, 'the metrics cannot be written');
      text(response, 500, 'the metrics cannot be written\n');
    }
  }
}

function server(handler: http.RequestListener): http.Server {
  return createServer({ requestTimeout: 5_000, headersTimeout: 5_000 }, handler);
}

function pathOf(request: http.IncomingMessage): string {
  return (request.url ?? '').split('?', 1)[0] ?? '';
}

function notFound(response: http.ServerResponse): void {
  text(response, 404, '404 page not found\n');
}

function text(response: http.ServerResponse, code: number, body: string, type = 'text/plain'): void {
  response.writeHead(code, { 'content-type': type, 'x-content-type-options': 'nosniff' }).end(body);
}
