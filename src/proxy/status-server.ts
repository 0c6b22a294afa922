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
import { answer, json, plainText } from './answer.ts';
import { keepListening } from './listen.ts';
import type { Listening } from './listen.ts';
import { families } from './metrics.ts';
import type { Metrics } from './metrics.ts';
import type { MetricsText } from './metrics-text.ts';
import type { Bind, ProxyOptions } from './options.ts';

const healthzDefault: Bind = { port: 10256 };
const metricsDefault: Bind = { address: '127.0.0.1', port: 10249 };
const staleMs = 120_000;
/** As Go writes a time that nobody set. */
const zeroTime = '0001-01-01T00:00:00Z';

const logger = log('proxy');

export class StatusServer {
  /** With the reason of the event when it cannot listen (upstream: cmd/kube-proxy/app/server.go). */
  readonly #servers: readonly (readonly [http.Server, Bind, string])[];
  readonly #metrics: Metrics;
  readonly #eligible: () => boolean;
  #listening: readonly Listening[] = [];
  /** When the kernel last had everything. */
  #lastUpdated: Date | undefined;
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
      ...(options.healthz === false
        ? []
        : [[server(health), options.healthz ?? healthzDefault, 'FailedToStartProxierHealthcheck'] as const]),
      ...(options.metrics === false
        ? []
        : [[server(status), options.metrics ?? metricsDefault, 'FailedToStartMetricServer'] as const]),
    ];
  }

  queued(): void {
    this.#queuedSince ??= Date.now();
    this.#metrics.lastQueued = Date.now();
  }

  applied(): void {
    this.#queuedSince = undefined;
    this.#failing = false;
    this.#lastUpdated = new Date();
  }

  /** The tables were looked at while nothing was to be written, and are right: what failed before is over. */
  stands(): void {
    this.#failing = false;
  }

  failed(): void {
    this.#failing = true;
  }

  get healthy(): boolean {
    if (this.#queuedSince === undefined) return !this.#failing;
    return Date.now() - this.#queuedSince < staleMs;
  }

  /** `warn`: the first refusal of each address; it is tried again until it is free. */
  listen(warn: (reason: string, text: string) => void): void {
    this.#listening = this.#servers.map(([listener, where, reason]) =>
      keepListening(listener, where, (error) => {
        logger.error({ ...where, err: error.message }, 'the proxy cannot answer here yet');
        warn(reason, error.message);
        return true;
      }),
    );
  }

  async close(): Promise<void> {
    for (const [listener] of this.#servers) listener.closeAllConnections();
    await Promise.all(this.#listening.map((one) => one.close()));
  }

  #answerHealth(request: http.IncomingMessage, response: http.ServerResponse): void {
    const path = pathOf(request);
    if (path !== '/healthz' && path !== '/livez') return notFound(response);
    const { healthy } = this;
    const nodeEligible = path === '/healthz' ? this.#eligible() : undefined;
    const code = healthy && nodeEligible !== false ? 200 : 503;
    this.#metrics.probed(path, code);
    const currentTime = new Date();
    const lastUpdated = this.#lastUpdated;
    const body = {
      // Who is well and has nothing to do is up to date now.
      lastUpdated: code === 200 ? currentTime : (lastUpdated ?? zeroTime),
      currentTime,
      nodeEligible,
      healthy,
      // One pass writes both families.
      ...(lastUpdated === undefined
        ? {}
        : { status: Object.fromEntries(families.map((family) => [family, { lastUpdated, healthy }])) }),
    };
    answer(response, code, json, JSON.stringify(body));
  }

  #answerStatus(request: http.IncomingMessage, response: http.ServerResponse): void {
    const path = pathOf(request);
    if (path === '/proxyMode') return answer(response, 200, plainText, 'nftables');
    if (path === '/healthz') return answer(response, 200, plainText, 'ok');
    if (path === '/metrics') return void this.#answerMetrics(response);
    notFound(response);
  }

  async #answerMetrics(response: http.ServerResponse): Promise<void> {
    try {
      const made = (this.#page ??= import('./metrics-text.ts').then(({ metricsText }) => metricsText(this.#metrics)));
      const page = await made;
      answer(response, 200, page.type, await page.text());
    } catch (error) {
      logger.error({ err: error }, 'the metrics cannot be written');
      answer(response, 500, plainText, 'the metrics cannot be written\n');
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
  answer(response, 404, plainText, '404 page not found\n');
}
