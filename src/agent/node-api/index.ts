/**
 * The node's own API, HTTPS on 10250, for the API server alone (`kubectl logs`, `exec`, `attach`).
 *
 *   certificate or token ─ authorize ┬─ GET /healthz, /pods, /logs/, /metrics, /stats/summary   readings.ts
 *                                   ├─ GET /containerLogs/NS/POD/CONTAINER        logs.ts
 *                                   └─ upgrade (WebSocket or SPDY) /exec/…, /attach/… channels.ts, /portForward/… port-forward.ts
 * Upstream: pkg/kubelet/server/server.go.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { STATUS_CODES } from '../../util/http.ts';
import { log } from '../../util/log.ts';
import type { NodeContext } from '../node-context.ts';
import type { AgentServing } from '../options.ts';
import type { Pods } from '../pods.ts';
import { authorizeCall, authorizeCertificate } from './authorize.ts';
import { openChannels } from './channels.ts';
import type { Upgrade } from './channels.ts';
import { serveLogs } from './logs.ts';
import { HttpError, locate, locatePod } from './locate.ts';

const logger = log('agent');

const readings: ReadonlySet<string> = new Set(['pods', 'runningpods', 'logs', 'metrics', 'stats']);

/** Resolves when it listens. */
export async function serveNodeApi(
  context: NodeContext,
  pods: Pods,
  serving: AgentServing,
  signal: AbortSignal,
): Promise<void> {
  const server = createServer(
    {
      cert: serving.cert,
      key: serving.key,
      ca: serving.clientCa,
      requestCert: true,
      // Who has none may have a token; authorize.ts reads the verdict.
      rejectUnauthorized: false,
      // A command may be long, and it is in the URL.
      maxHeaderSize: 64 * 1024,
      minVersion: 'TLSv1.2',
    },
    (request, response) => {
      handle(context, pods, serving, request, response).catch((error: unknown) => answerError(response, error));
    },
  );
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    upgrade(context, pods, serving, request, socket, head).catch((error: unknown) => refuseUpgrade(socket, error));
  });
  server.on('tlsClientError', (error) => logger.debug({ err: error }, 'node API: connection refused'));
  signal.addEventListener(
    'abort',
    () => {
      server.close();
      server.closeAllConnections();
    },
    { once: true },
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(
      { port: serving.port ?? 10250, ...(serving.address === undefined ? {} : { host: serving.address }) },
      resolve,
    );
  });
}

async function handle(
  context: NodeContext,
  pods: Pods,
  serving: AgentServing,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  await authorizeCall(context.client, context.options.nodeName, request, serving.allowedNames);
  const url = new URL(request.url ?? '/', 'https://node');
  const [, root = ''] = url.pathname.split('/');
  if (request.method !== 'GET' && request.method !== 'HEAD') throw new HttpError(405, 'method not allowed');
  if (url.pathname === '/healthz') {
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end('ok');
  } else if (root === 'containerLogs') {
    await serveLogs(context, pods, url, response);
  } else if (root === 'exec' || root === 'attach' || root === 'portForward') {
    throw new HttpError(400, 'unable to upgrade: the request must be an upgrade');
  } else if (readings.has(root)) {
    const { serveReading } = await import('./readings.ts');
    serveReading(context, pods, root, url, response);
  } else throw new HttpError(404, '404 page not found');
}

async function upgrade(
  context: NodeContext,
  pods: Pods,
  serving: AgentServing,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  authorizeCertificate(request, serving.allowedNames);
  const url = new URL(request.url ?? '/', 'https://node');
  const client: Upgrade = { request, socket, head, query: url.searchParams };
  const [, root = ''] = url.pathname.split('/');
  if (root === 'portForward') {
    const { servePortForward } = await import('./port-forward.ts');
    await servePortForward(locatePod(pods, url), client);
    return;
  }
  if (root !== 'exec' && root !== 'attach') throw new HttpError(404, '404 page not found');
  const found = locate(pods, url);
  if (!found.worker.slots.view(found.container).running) {
    throw new HttpError(500, `container not found ("${found.container}")`);
  }
  const channels = await openChannels(client);
  if (root === 'exec') {
    const { serveExec } = await import('./exec.ts');
    serveExec(context, found.id, url.searchParams, channels);
  } else {
    const { serveAttach } = await import('./attach.ts');
    serveAttach(context, found, url.searchParams, channels);
  }
}

function answerError(response: ServerResponse, error: unknown): void {
  const { status, message } = describe(error);
  if (response.headersSent) response.destroy();
  else response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(message);
}

function refuseUpgrade(socket: Duplex, error: unknown): void {
  const { status, message } = describe(error);
  const headers: (readonly [string, string])[] = [
    ['Content-Type', 'text/plain; charset=utf-8'],
    ['Content-Length', String(Buffer.byteLength(message))],
    ['Connection', 'close'],
    ...(error instanceof HttpError ? error.headers : []),
  ];
  const lines = [
    `HTTP/1.1 ${String(status)} ${STATUS_CODES[status] ?? 'Error'}`,
    ...headers.map((pair) => pair.join(': ')),
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${message}`);
}

function describe(error: unknown): { readonly status: number; readonly message: string } {
  if (error instanceof HttpError) return { status: error.status, message: error.message };
  logger.error({ err: error }, 'node API request failed');
  return { status: 500, message: error instanceof Error ? error.message : String(error) };
}
