/**
 * One request from its first byte to its answer.
 *
 *   URL ─ RequestInfo ─ authenticate ─ authorize ─┬─ resource: verb × (object | subresource)
 *                                                 └─ path: discovery, OpenAPI, health, version, metrics
 *   anything thrown ─ ApiError ─ Status
 */
import { groupResourceOf } from '../api/resources.ts';
import { whenLoaded } from '../util/lazy.ts';
import { ApiError } from '../api/errors.ts';
import { log } from '../util/log.ts';
import { remoteOf } from './aggregation/index.ts';
import { authenticate } from './auth/authenticate.ts';
import { serveComponents } from './components.ts';
import { authorizeRequest } from './auth/authorize.ts';
import { impersonate } from './auth/impersonate.ts';
import type { Exchange, ResourceExchange, Server } from './context.ts';
import { internalError, methodNotAllowed, noSuchResource } from './errors.ts';
import type { Incoming, Outgoing } from './http/messages.ts';
import { sendNoSuchPath, sendStatus } from './http/respond.ts';
import { addWarnings } from './http/warnings.ts';
import { servePath } from './paths/index.ts';
import { isTrue, parseRequest, splitTarget } from './request-info.ts';
import type { RequestInfo, ResourceRequest } from './request-info.ts';
import { serveReview } from './reviews.ts';
import { createNamelessBinding, serveSubresource } from './subresources/index.ts';
import { create } from './verbs/create.ts';
import { deleteCollection } from './verbs/deletecollection.ts';
import { remove } from './verbs/delete.ts';
import { getObject } from './verbs/get.ts';
import { listObjects } from './verbs/list.ts';
import { patch } from './verbs/patch.ts';
import { update } from './verbs/update.ts';
import { watchObjects } from './verbs/watch.ts';

const methods: ReadonlySet<string> = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);

/** Never rejects. */
export async function handle(server: Server, request: Incoming, response: Outgoing): Promise<void> {
  request.body.on('error', () => undefined);
  if (!request.http2) response.body.on('error', () => undefined);
  const { path, query } = splitTarget(request.url);
  const info = parseRequest(request.method, path, query);
  const to = { request, response, query };
  try {
    await serve(info, { server, request, response, path, query });
  } catch (error) {
    await answerError(to, info, error).catch((failure: unknown) => {
      log('apiserver').error({ error: String(failure), path }, 'answer failed');
      response.body.destroy();
    });
  }
  const what = info.kind === 'path' ? '- -' : `${info.verb.toUpperCase()} ${info.plural}`;
  server.metrics.requests.add(`${what} ${String(response.statusCode)}`);
  // A body that nobody read would hold the connection.
  request.body.resume();
}

async function serve(info: RequestInfo, half: Omit<Exchange, 'user'>): Promise<void> {
  const { server, request, query } = half;
  const sender = await authenticate(request, server.pki, server.store);
  const leave = server.quotas.enter(sender, isLasting(info, query));
  try {
    const user = impersonate(request, sender, server.authorizer);
    authorizeRequest(server.authorizer, user, info, request.method, query);
    await dispatch({ ...half, user }, info);
  } finally {
    leave();
  }
}

/** Watches, logs that are followed, and whatever a back end makes of a proxied request. */
function isLasting(info: RequestInfo, query: URLSearchParams): boolean {
  if (info.kind === 'path') return false;
  if (info.verb === 'watch' || info.subresource === 'proxy') return true;
  return info.subresource === 'log' && isTrue(query.get('follow'));
}

function dispatch(exchange: Exchange, info: RequestInfo): Promise<void> {
  const { server, request } = exchange;
  if (info.kind === 'path') return serveNamelessPath(exchange, info.path);
  const kind = server.registry.find(info.group, info.version, info.plural);
  if (kind === undefined) return serveUnregistered(exchange, info);
  refuseOddMethod(request, info);
  return serveResource({ ...exchange, info, kind });
}

/** Discovery of a group's version is with who serves it. */
async function serveNamelessPath(exchange: Exchange, path: string): Promise<void> {
  const [root, group = '', version, ...more] = path.split('/').filter((part) => part !== '');
  const isVersion = root === 'apis' && version !== undefined && more.length === 0;
  if (isVersion && (await servedElsewhere(exchange, group, version))) return;
  await servePath(exchange);
}

async function serveUnregistered(exchange: Exchange, info: ResourceRequest): Promise<void> {
  if (await servedElsewhere(exchange, info.group, info.version)) return;
  refuseOddMethod(exchange.request, info);
  if (await serveReview(exchange, info)) return;
  if (!exchange.server.registry.hasGroup(info.group)) return sendNoSuchPath(exchange);
  throw noSuchResource();
}

function refuseOddMethod({ method }: Incoming, { subresource }: ResourceRequest): void {
  if (subresource !== 'proxy' && !methods.has(method)) throw methodNotAllowed();
}

/** By the server that an APIService names. */
async function servedElsewhere(exchange: Exchange, group: string, version: string): Promise<boolean> {
  const { store, registry } = exchange.server;
  const remote = remoteOf(store, group, version);
  if (remote === undefined || registry.inGroupVersion(group, version).length > 0) return false;
  const { proxyTo } = await import('./aggregation/proxy.ts');
  await proxyTo(exchange, remote);
  return true;
}

async function serveResource(exchange: ResourceExchange): Promise<void> {
  const { info, kind } = exchange;
  if (kind.custom?.prepare !== undefined) await kind.custom.prepare();
  if (info.namespace !== '' && !kind.resource.namespaced) throw noSuchResource();
  if (kind.deprecation !== undefined) addWarnings(exchange.response, [kind.deprecation]);
  if (info.subresource !== '') {
    await serveSubresource(exchange);
    return;
  }
  if (kind.unstored !== undefined) return serveUnstored(exchange, kind.unstored);
  if (info.namespace === '' && kind.resource.namespaced && info.name !== '' && info.verb !== 'watch')
    throw noSuchResource();
  switch (info.verb) {
    case 'get':
      return whenLoaded(() => getObject(exchange));
    case 'list':
      return whenLoaded(() => listObjects(exchange));
    case 'watch':
      return watchObjects(exchange);
    case 'create':
      if (info.name !== '' || (kind.resource.namespaced && info.namespace === '')) throw methodNotAllowed();
      return create(exchange);
    case 'update':
      if (info.name === '') throw methodNotAllowed();
      return update(exchange, '');
    case 'patch':
      if (info.name === '') throw methodNotAllowed();
      return patch(exchange, '');
    case 'delete':
      return remove(exchange);
    case 'deletecollection':
      if (kind.resource.namespaced && info.namespace === '') throw methodNotAllowed();
      return deleteCollection(exchange);
    case 'connect':
      throw noSuchResource();
  }
}

async function serveUnstored(exchange: ResourceExchange, verbs: readonly string[]): Promise<void> {
  const { info, kind } = exchange;
  if (!verbs.includes(info.verb)) throw methodNotAllowed();
  if (info.verb === 'create' && (info.name !== '' || (kind.resource.namespaced && info.namespace === '')))
    throw methodNotAllowed();
  const serve = unstored[groupResourceOf(kind.resource)];
  if (serve === undefined) throw noSuchResource();
  await serve(exchange);
}

const unstored: Readonly<Record<string, (exchange: ResourceExchange) => Promise<void>>> = {
  bindings: createNamelessBinding,
  componentstatuses: serveComponents,
};

async function answerError(
  to: Pick<Exchange, 'request' | 'response' | 'query'>,
  info: RequestInfo,
  error: unknown,
): Promise<void> {
  if (to.response.over) return;
  if (to.response.headersSent) {
    to.response.body.destroy();
    return;
  }
  const known =
    error instanceof ApiError ? error : internalError(error instanceof Error ? error.message : String(error));
  if (!(error instanceof ApiError)) {
    const stack = error instanceof Error ? error.stack : String(error);
    log('apiserver').error({ error: stack, request: info }, 'request failed');
  }
  // An oversized body is still on its way; the connection cannot be used again.
  if (known.code === 413 && !to.request.http2) to.response.setHeader('connection', 'close');
  await sendStatus(to, known.status);
}
