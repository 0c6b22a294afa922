/** HTTP/1.1 upgrades: exec, attach, port-forward, proxies and logs. Refusals are answered as plain HTTP with a Status. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { STATUS_CODES } from '../util/http.ts';
import { ApiError } from '../api/errors.ts';
import { remoteOf } from './aggregation/index.ts';
import { admitConnect } from './admission/webhooks/index.ts';
import { authenticate } from './auth/authenticate.ts';
import { authorizeRequest } from './auth/authorize.ts';
import { impersonate } from './auth/impersonate.ts';
import type { Server } from './context.ts';
import { badRequest, internalError, noSuchResource } from './errors.ts';
import { parseRequest, splitTarget } from './request-info.ts';

const streaming = new Set(['exec', 'attach', 'portforward']);
const proxied = new Set(['pods', 'services', 'nodes']);

export function upgrade(server: Server, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  socket.on('error', () => socket.destroy());
  connect(server, request, socket, head).catch((error: unknown) => refuse(socket, error));
}

async function connect(server: Server, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  const { path, query } = splitTarget(request.url);
  const info = parseRequest(request.method ?? 'GET', path, query);
  const { headers, rawHeaders } = request;
  const sender = await authenticate(
    { headers, rawHeaders, socket: request.socket as TLSSocket },
    server.pki,
    server.store,
  );
  const leave = server.quotas.enter(sender, true);
  socket.once('close', leave);
  const user = impersonate(request, sender, server.authorizer);
  authorizeRequest(server.authorizer, user, info, request.method ?? '', query);
  if (info.kind === 'path') throw noSuchResource();
  const kind = server.registry.find(info.group, info.version, info.plural);
  const remote = kind === undefined ? remoteOf(server.store, info.group, info.version) : undefined;
  if (remote !== undefined) {
    const { upgradeTo } = await import('./aggregation/proxy.ts');
    return upgradeTo(server, remote, user, { request, socket, head });
  }
  if (kind !== undefined) await admitConnect(server, kind, info, query, user);
  if (info.subresource === 'proxy' && proxied.has(kind?.resource.plural ?? '')) {
    const { upgradeProxy } = await import('./subresources/proxy/index.ts');
    await upgradeProxy(server, { info, query, request, socket, head }, path);
    return;
  }
  if (kind?.resource.plural === 'pods' && info.subresource === 'log') {
    const { serveLogSocket } = await import('./subresources/log-websocket.ts');
    await serveLogSocket(server, { info, query, request, socket, head });
    return;
  }
  if (kind?.resource.plural !== 'pods' || !streaming.has(info.subresource)) {
    throw badRequest('Upgrade request is only served for exec, attach and portforward of pods');
  }
  const { pipeToNode } = await import('./subresources/stream.ts');
  await pipeToNode(server, { info, query, request, socket, head });
}

function refuse(socket: Duplex, error: unknown): void {
  const known =
    error instanceof ApiError ? error : internalError(error instanceof Error ? error.message : String(error));
  const body = `${JSON.stringify(known.status)}\n`;
  socket.end(
    `HTTP/1.1 ${String(known.code)} ${STATUS_CODES[known.code] ?? 'Error'}\r\ncontent-type: application/json\r\n` +
      `content-length: ${String(Buffer.byteLength(body))}\r\nconnection: close\r\n\r\n${body}`,
  );
}
