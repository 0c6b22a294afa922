/** What is served outside of resources: discovery, schema, health, version, metrics. */
import type { Exchange } from '../context.ts';
import { methodNotAllowed, noSuchResource } from '../errors.ts';
import { send, sendJson, sendNoSuchPath } from '../http/respond.ts';
import { renderMetrics } from '../metrics.ts';
import { serveDiscovery } from './discovery.ts';
import { renderHealthMetrics, serveHealth } from './health.ts';
import { serveOpenId } from './openid.ts';
import { version } from './version.ts';

const roots: ReadonlySet<string> = new Set([
  '',
  '.well-known',
  'api',
  'apis',
  'healthz',
  'livez',
  'metrics',
  'openapi',
  'openid',
  'readyz',
  'version',
]);

export async function servePath(exchange: Exchange): Promise<void> {
  const { path, request, server } = exchange;
  const [root = '', group = ''] = path.slice(1).split('/');
  if (!roots.has(root)) return sendNoSuchPath(exchange);
  if (request.method !== 'GET' && request.method !== 'HEAD') throw methodNotAllowed();
  if (path === '/version' || path === '/version/')
    return sendJson(exchange, 200, JSON.stringify(version, undefined, 2));
  if (/^\/(healthz|livez|readyz)(\/|$)/.test(path)) return serveHealth(exchange);
  if (path.startsWith('/openapi/')) {
    const { serveOpenApi } = await import('./openapi.ts');
    return serveOpenApi(exchange);
  }
  if (path === '/metrics') {
    const { type, text } = await renderMetrics(server.metrics, server.store);
    return send(exchange, 200, type, text);
  }
  if (path === '/metrics/slis') {
    return send(exchange, 200, 'text/plain; version=0.0.4; charset=utf-8', renderHealthMetrics(server));
  }
  if (await serveDiscovery(exchange)) return;
  if (await serveOpenId(exchange)) return;
  const known = root === 'apis' ? server.registry.hasGroup(group) : root === 'api' || root === 'version';
  if (!known) return sendNoSuchPath(exchange);
  throw noSuchResource();
}
