/**
 * A request for a group that another server serves: passed on as it is, its answer back; watches and upgrades too.
 *
 *   client ── METHOD /apis/GROUP/VERSION/… ── authenticated, authorized ── X-Remote-User … ──> an endpoint of the APIService's Service
 *
 * Upstream: kube-aggregator pkg/apiserver/handler_proxy.go, apimachinery pkg/util/proxy/upgradeaware.go.
 */
import type { ClientRequest, IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Duplex } from 'node:stream';
import type { User } from '../auth/user.ts';
import type { Exchange, Server } from '../context.ts';
import { queryOf, requestHeaders, responseHeaders } from '../http/forward.ts';
import { send, writeHead } from '../http/respond.ts';
import { DialError, goReason } from '../service-address.ts';
import type { Address } from '../service-address.ts';
import { join, passRefusal } from '../subresources/stream.ts';
import { addressOf, open, userHeaders } from './connect.ts';
import type { Remote } from './remote.ts';

export async function proxyTo(exchange: Exchange, remote: Remote): Promise<void> {
  const { server, request, response, user, path } = exchange;
  const address = reachable(server, remote);
  if (address === undefined) return refuse(exchange, 503, 'service unavailable');
  const abort = new AbortController();
  response.body.once('close', () => abort.abort());
  const signal = AbortSignal.any([abort.signal, server.stopping]);
  const headers = { ...requestHeaders(request.headers, '', request.socket?.remoteAddress ?? ''), ...userHeaders(user) };
  const sent = { method: request.method, path: path + queryOf(request.url), headers, signal };
  const outgoing = open(server, remote, address, sent);
  // An extension server may answer before it has read everything.
  pipeline(request.body, outgoing).catch(() => undefined);
  const answer = await answered(outgoing).catch((error: unknown) => goReason(error, address));
  if (typeof answer === 'string') return refuse(exchange, 503, `error trying to reach service: ${answer}`);
  const code = answer.statusCode ?? 502;
  if (code >= 300 && code <= 399 && answer.headers.location !== undefined) {
    answer.destroy();
    return send(exchange, 502, 'text/plain; charset=utf-8', redirected);
  }
  await passAnswer(exchange, answer, signal);
}

const redirected = 'the backend attempted to redirect this request, which is not permitted';

function reachable(server: Server, remote: Remote): Address | undefined {
  if (!remote.available) return undefined;
  try {
    return addressOf(server, remote);
  } catch (error) {
    if (error instanceof DialError) return undefined;
    throw error;
  }
}

function answered(outgoing: ClientRequest): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  outgoing.once('response', resolve);
  outgoing.once('error', reject);
  return promise;
}

/** As Go's http.Error. */
function refuse(exchange: Exchange, code: number, text: string): Promise<void> {
  return send(exchange, code, 'text/plain; charset=utf-8', `${text}\n`, [], { 'x-content-type-options': 'nosniff' });
}

async function passAnswer(
  { request, response }: Exchange,
  answer: IncomingMessage,
  signal: AbortSignal,
): Promise<void> {
  writeHead(response, answer.statusCode ?? 502, responseHeaders(answer.headers));
  if (request.method === 'HEAD') {
    response.end();
    answer.resume();
    return;
  }
  try {
    // A watch is seen to begin before its first event.
    response.flushHeaders();
    await pipeline([answer, response.body], { signal });
  } catch {
    response.body.destroy();
  }
}

export interface Upgrading {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

export async function upgradeTo(server: Server, remote: Remote, user: User, client: Upgrading): Promise<void> {
  const { request, socket } = client;
  const address = reachable(server, remote);
  if (address === undefined) return refuseUpgrade(socket, 'service unavailable');
  const headers = {
    ...requestHeaders(request.headers, '', request.socket.remoteAddress ?? ''),
    ...userHeaders(user),
    connection: 'Upgrade',
    upgrade: request.headers.upgrade ?? '',
  };
  const outgoing = open(server, remote, address, {
    method: request.method ?? 'GET',
    path: request.url ?? '/',
    headers,
  });
  const stop = (): void => void outgoing.destroy();
  server.stopping.addEventListener('abort', stop, { once: true });
  socket.once('close', () => {
    server.stopping.removeEventListener('abort', stop);
    stop();
  });
  const { promise, resolve } = Promise.withResolvers<undefined>();
  outgoing.once('error', (error) => {
    refuseUpgrade(socket, `error trying to reach service: ${goReason(error, address)}`);
    resolve(undefined);
  });
  outgoing.once('upgrade', (answer, backend, head) => {
    join(client, answer, backend, head);
    resolve(undefined);
  });
  outgoing.once('response', (answer) => {
    passRefusal(socket, answer);
    resolve(undefined);
  });
  outgoing.end();
  await promise;
}

function refuseUpgrade(socket: Duplex, text: string): void {
  const body = `${text}\n`;
  socket.end(
    `HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain; charset=utf-8\r\nx-content-type-options: nosniff\r\n` +
      `content-length: ${String(Buffer.byteLength(body))}\r\nconnection: close\r\n\r\n${body}`,
  );
}
