/**
 * pods/proxy, services/proxy, nodes/proxy: one request passed on as it is, and its answer back. Redirects are the client's to follow.
 *
 *   client ── METHOD /api/v1/…/NAME/proxy/PATH?QUERY ── METHOD /PATH?QUERY ──> the address that target.ts has checked
 *
 * Upstream: apimachinery's pkg/util/proxy (UpgradeAwareHandler, Transport), httputil.ReverseProxy.
 */
import { request as httpsRequest } from 'node:https';
import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Readable } from 'node:stream';
import { createGunzip, createInflate } from 'node:zlib';
import { request as httpRequest } from '../../../util/http.ts';
import type { ResourceExchange, Server } from '../../context.ts';
import { noSuchResource, serviceUnavailable } from '../../errors.ts';
import { queryOf, requestHeaders, responseHeaders } from '../../http/forward.ts';
import { writeHead } from '../../http/respond.ts';
import { passRefusal, join } from '../stream.ts';
import type { Upgrade } from '../stream.ts';
import { rewriteHtml, rewriteUrl } from './rewrite.ts';
import type { Place } from './rewrite.ts';
import { proxyTarget } from './target.ts';
import type { ProxyTarget } from './target.ts';

interface Split {
  readonly prefix: string;
  /** '' or with its slash; never decoded. */
  readonly path: string;
}

function splitPath(path: string): Split {
  const match = /^(\/+api\/+v1\/+(?:namespaces\/+[^/]+\/+)?[^/]+\/+[^/]+\/+proxy)(\/.*)?$/.exec(path);
  if (match === null) throw noSuchResource();
  return { prefix: match[1] ?? '', path: match[2] ?? '' };
}

export async function serveProxy(exchange: ResourceExchange): Promise<void> {
  const { server, info, request, response } = exchange;
  const target = proxyTarget(server, info);
  const { prefix, path } = splitPath(exchange.path);
  const query = queryOf(request.url);
  // A page's relative links would lead one level too high.
  if (path === '' && (request.method === 'GET' || request.method === 'HEAD')) {
    writeHead(response, 301, { location: `${exchange.path}/${query}`, 'content-length': 0 });
    response.end();
    return;
  }
  const host = String(request.headers[':authority'] ?? request.headers.host ?? '');
  const headers = requestHeaders(request.headers, host, request.socket?.remoteAddress ?? '');
  headers['x-forwarded-uri'] = prefix + path;
  headers['x-forwarded-host'] = host;
  headers['x-forwarded-proto'] = 'https';
  const abort = new AbortController();
  response.body.once('close', () => abort.abort());
  const signal = AbortSignal.any([abort.signal, server.stopping]);
  const outgoing = open(target, { method: request.method, path: (path || '/') + query, headers, signal });
  const answer = await answered(outgoing, request.body);
  const place: Place = { prefix, backend: `${target.host}:${String(target.port)}`, host };
  await passAnswer(exchange, answer, place, signal);
}

function answered(outgoing: ClientRequest, body: Readable): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  outgoing.once('response', resolve);
  outgoing.once('error', (error) => reject(serviceUnavailable(`error trying to reach service: ${error.message}`)));
  // A back end may answer before it has read everything.
  pipeline(body, outgoing).catch(() => undefined);
  return promise;
}

async function passAnswer(
  { request, response }: ResourceExchange,
  answer: IncomingMessage,
  place: Place,
  signal: AbortSignal,
): Promise<void> {
  const headers = responseHeaders(answer.headers);
  if (headers['location'] !== undefined) headers['location'] = rewriteUrl(String(headers['location']), place);
  const isHtml = /^text\/html\s*(;|$)/i.test(answer.headers['content-type'] ?? '');
  const streams: NodeJS.ReadWriteStream[] = isHtml ? rewriting(answer.headers['content-encoding'], place) : [];
  if (streams.length > 0) {
    delete headers['content-length'];
    delete headers['content-encoding'];
  }
  writeHead(response, answer.statusCode ?? 502, headers);
  if (request.method === 'HEAD') {
    response.end();
    answer.resume();
    return;
  }
  try {
    // An answer that begins slowly (a log, events) is seen as it begins.
    response.flushHeaders();
    await pipeline([answer, ...streams, response.body], { signal });
  } catch {
    response.body.destroy();
  }
}

/** [] where the page comes in an encoding that we do not undo. */
function rewriting(encoding: string | undefined, place: Place): NodeJS.ReadWriteStream[] {
  if (encoding === undefined || encoding === 'identity') return [rewriteHtml(place)];
  if (encoding === 'gzip') return [createGunzip(), rewriteHtml(place)];
  return encoding === 'deflate' ? [createInflate(), rewriteHtml(place)] : [];
}

/** WebSocket and whatever else asks for an upgrade: after the answer, bytes. */
export async function upgradeProxy(server: Server, client: Upgrade, path: string): Promise<void> {
  const target = proxyTarget(server, client.info);
  const { headers, socket, url, method } = client.request;
  const rest = splitPath(path).path;
  const forwarded = requestHeaders(headers, headers.host ?? '', client.request.socket.remoteAddress ?? '');
  forwarded['connection'] = 'Upgrade';
  forwarded['upgrade'] = headers.upgrade ?? '';
  const outgoing = open(target, { method: method ?? 'GET', path: (rest || '/') + queryOf(url), headers: forwarded });
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const stop = (): void => void outgoing.destroy();
  server.stopping.addEventListener('abort', stop, { once: true });
  socket.once('close', () => {
    server.stopping.removeEventListener('abort', stop);
    stop();
  });
  outgoing.once('error', (error) => reject(serviceUnavailable(`error trying to reach service: ${error.message}`)));
  outgoing.once('upgrade', (answer, backend, head) => {
    join(client, answer, backend, head);
    resolve(undefined);
  });
  outgoing.once('response', (answer) => {
    passRefusal(client.socket, answer);
    resolve(undefined);
  });
  outgoing.end();
  await promise;
}

function open(
  { scheme, host, port, tls }: ProxyTarget,
  options: { method: string; path: string; headers: OutgoingHttpHeaders; signal?: AbortSignal },
): ClientRequest {
  const address = { ...options, host, port, agent: false };
  return scheme === 'https' ? httpsRequest({ ...tls, ...address }) : httpRequest(address);
}
