/**
 * For tests: a small HTTPS API server with one kind (ConfigMap), whose history, connections and life the test holds in hand.
 *
 *   const server = await startTestServer();  server.put('a', '1');  server.compact();  server.cutWatches();  server.stop();
 */
import 'reflect-metadata';
import { once } from 'node:events';
import type http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { ApiError } from '../api/errors.ts';
import type { ConfigMap, Status } from '../api/gen/types.ts';
import type { Live } from '../api/object.ts';
import type { Kubeconfig } from './kubeconfig.ts';

type Live1 = Live<ConfigMap>;

interface HistoryEntry {
  readonly type: string;
  readonly object: Live1;
  readonly version: number;
}

export interface TestServer {
  readonly kubeconfig: Kubeconfig;
  /** Requests seen, as `GET /path?query`. */
  readonly requests: string[];
  readonly headers: http.IncomingHttpHeaders[];
  put(name: string, value: string): void;
  remove(name: string): void;
  /** Forgets the history: older watches get 410. */
  compact(): void;
  bookmark(): void;
  cutWatches(): void;
  readonly watches: number;
  /** Kills every connection and the listener. */
  stop(): Promise<void>;
  /** Listens again on the same port, with the same objects. */
  restart(): Promise<void>;
  /** Answers instead of the server when it returns a Status. */
  intercept?: (request: http.IncomingMessage) => Status | undefined;
}

export async function startTestServer(): Promise<TestServer> {
  const { key, cert } = await selfSigned();
  const objects = new Map<string, Live1>();
  const history: HistoryEntry[] = [];
  const watches = new Set<http.ServerResponse>();
  const sockets = new Set<Socket>();
  let revision = 10;
  let compacted = 0;
  let uids = 0;
  let port = 0;
  let server: https.Server;

  const record = (type: string, object: Live1): void => {
    const entry = { type, object, version: revision };
    history.push(entry);
    for (const response of watches) response.write(JSON.stringify({ type, object }) + '\n');
  };

  const list = (url: URL, response: http.ServerResponse): void => {
    const limit = Number(url.searchParams.get('limit') ?? 0) || Infinity;
    const from = Number(url.searchParams.get('continue') ?? 0);
    const all = [...objects.values()];
    const items = all.slice(from, from + limit);
    const more = from + limit < all.length ? { continue: String(from + limit) } : {};
    reply(response, 200, { kind: 'ConfigMapList', metadata: { resourceVersion: String(revision), ...more }, items });
  };

  const watch = (url: URL, response: http.ServerResponse): void => {
    const since = Number(url.searchParams.get('resourceVersion'));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    if (since < compacted) {
      response.end(JSON.stringify({ type: 'ERROR', object: gone() }) + '\n');
      return;
    }
    for (const { type, object, version } of history) {
      if (version > since) response.write(JSON.stringify({ type, object }) + '\n');
    }
    watches.add(response);
    response.once('close', () => watches.delete(response));
  };

  const handle = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    const url = new URL(request.url ?? '/', 'https://test');
    self.requests.push(`${request.method} ${request.url}`);
    self.headers.push(request.headers);
    const refused = self.intercept?.(request);
    if (refused !== undefined) reply(response, refused.code ?? 500, refused);
    else if (url.searchParams.get('watch') === 'true') watch(url, response);
    else list(url, response);
  };

  const listen = async (): Promise<void> => {
    server = https.createServer({ key, cert }, handle);
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  };

  await listen();
  const self: TestServer = {
    kubeconfig: { server: `https://127.0.0.1:${port}`, ca: cert },
    requests: [],
    headers: [],
    put(name, value) {
      revision += 1;
      const old = objects.get(name);
      const uid = old?.metadata.uid ?? `uid-${(uids += 1)}`;
      const creationTimestamp = '2026-01-01T00:00:00Z';
      const metadata = { name, namespace: 'default', uid, creationTimestamp, resourceVersion: String(revision) };
      const object = { metadata, data: { value } };
      objects.set(name, object);
      record(old === undefined ? 'ADDED' : 'MODIFIED', object);
    },
    remove(name) {
      const old = objects.get(name);
      if (old === undefined) return;
      revision += 1;
      objects.delete(name);
      record('DELETED', { ...old, metadata: { ...old.metadata, resourceVersion: String(revision) } });
    },
    compact() {
      revision += 1;
      compacted = revision;
      history.length = 0;
    },
    bookmark() {
      const object = { kind: 'ConfigMap', metadata: { resourceVersion: String(revision) } };
      for (const response of watches) response.write(JSON.stringify({ type: 'BOOKMARK', object }) + '\n');
    },
    cutWatches() {
      for (const response of watches) response.destroy();
      watches.clear();
    },
    get watches() {
      return watches.size;
    },
    async stop() {
      watches.clear();
      for (const socket of sockets) socket.destroy();
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
    restart: listen,
  };
  return self;
}

/** A call of a played agent: made again until the server answers, yes or no. It may be away, or may have closed the connection. */
export async function untilAnswered(call: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await call();
      return;
    } catch (error) {
      if (error instanceof ApiError && error.code < 500) return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function reply(response: http.ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function gone(): Status {
  return { kind: 'Status', status: 'Failure', code: 410, reason: 'Expired', message: 'too old resource version' };
}

async function selfSigned(): Promise<{ readonly key: string; readonly cert: string }> {
  const x509 = await import('@peculiar/x509');
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=test',
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true),
      new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }]),
    ],
  });
  const key = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return { key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`, cert: certificate.toString('pem') };
}
