/**
 * HTTP on 9153: `/metrics`, and CoreDNS's `/health` (the process lives) and `/ready` (the cluster's names are known).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { log } from '../../util/log.ts';
import type { Listen } from '../options.ts';
import type { DnsMetrics } from './counts.ts';
import type { Gauges } from './exposition.ts';

export interface MetricsOptions {
  readonly metrics: DnsMetrics;
  readonly gauges: Gauges;
  readonly ready: () => boolean;
}

const logger = log('dns');

/** Resolves when bound. */
export async function serveMetrics(listen: Listen, options: MetricsOptions, signal: AbortSignal): Promise<Listen> {
  const { createServer } = await import('../../util/http.ts');
  const server = createServer((request, response) => {
    answer(request, response, options).catch((error: unknown) => {
      logger.error({ err: error }, 'metrics page failed');
      response.writeHead(500).end();
    });
  });
  server.headersTimeout = server.requestTimeout = 5_000;
  server.maxConnections = 32;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: listen.address, port: listen.port, exclusive: true }, () => {
      server.off('error', reject);
      server.on('error', (error) => logger.warn({ err: error }, 'metrics server'));
      const stop = (): void => {
        server.close();
        server.closeAllConnections();
      };
      signal.addEventListener('abort', stop, { once: true });
      const bound = server.address();
      resolve({
        address: listen.address,
        port: typeof bound === 'object' && bound !== null ? bound.port : listen.port,
      });
    });
  });
}

/** Kept with its options: default metrics may be collected once per registry only. */
const pages = new WeakMap<MetricsOptions, Promise<{ readonly contentType: string; metrics(): Promise<string> }>>();

async function answer(request: IncomingMessage, response: ServerResponse, options: MetricsOptions): Promise<void> {
  const path = request.url?.split('?')[0];
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end();
  } else if (path === '/metrics') {
    let page = pages.get(options);
    if (page === undefined) {
      page = import('./exposition.ts').then(({ exposition }) => exposition(options.metrics, options.gauges));
      pages.set(options, page);
    }
    const registry = await page;
    response.writeHead(200, { 'content-type': registry.contentType }).end(await registry.metrics());
  } else if (path === '/health') {
    response.writeHead(200).end('OK');
  } else if (path === '/ready') {
    response.writeHead(options.ready() ? 200 : 503).end(options.ready() ? 'OK' : 'kubernetes');
  } else {
    response.writeHead(404).end();
  }
}
