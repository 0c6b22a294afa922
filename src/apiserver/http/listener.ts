/**
 * The sockets: TLS with optional client certificates, HTTP/2 by ALPN and HTTP/1.1 on the same port. Upgrades (exec, attach,
 * port-forward) come over HTTP/1.1.
 *
 * Bare node:http2 and node:https, no framework: routing is upstream's RequestInfo, not a route table, and a framework cost 75 ms
 * and 25 MB at every start for what `makeServer` below says in a few lines.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { constants, createSecureServer } from 'node:http2';
import type {
  Http2SecureServer,
  Http2ServerRequest,
  Http2ServerResponse,
  ServerHttp2Session,
  ServerHttp2Stream,
} from 'node:http2';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { messagesOfHttp1, messagesOfHttp2 } from './messages.ts';
import type { Messages } from './messages.ts';

export interface SendTimeouts {
  readonly headersMs: number;
  readonly requestMs: number;
  /** How often it is looked. */
  readonly checkMs: number;
}

export interface ListenerOptions {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer;
  readonly http2: boolean;
  readonly timeouts?: SendTimeouts;
  readonly onRequest: (messages: Messages) => void;
  readonly onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

export interface Listener {
  /** Resolves with `host:port`. */
  listen(host: string, port: number): Promise<string>;
  close(): Promise<void>;
}

/** Slow-loris: headers within 10 s, a whole request within 60 s. Watches are answers, these do not end them. */
const usualTimeouts: SendTimeouts = { headersMs: 10_000, requestMs: 60_000, checkMs: 5_000 };

export function createListener(options: ListenerOptions): Listener {
  const sockets = new Set<Socket>();
  const sessions = new Set<ServerHttp2Session>();
  const make = (): ReturnType<typeof createServer> => {
    const server = makeServer(options, sessions);
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.once('close', () => sockets.delete(socket));
    });
    return server;
  };
  const servers: ReturnType<typeof createServer>[] = [];
  return {
    async listen(host, port) {
      const server = make();
      servers.push(server);
      const { promise, resolve, reject } = Promise.withResolvers<undefined>();
      server.once('error', reject);
      server.listen({ host, port }, () => resolve(undefined));
      await promise;
      server.off('error', reject);
      const address = server.address() as AddressInfo;
      return address.family === 'IPv6'
        ? `[${address.address}]:${String(address.port)}`
        : `${address.address}:${String(address.port)}`;
    },
    async close() {
      const closed = servers.splice(0).map(async (server) => {
        const { promise, resolve } = Promise.withResolvers<undefined>();
        server.close(() => resolve(undefined));
        await promise;
      });
      for (const session of sessions) session.destroy();
      for (const socket of sockets) socket.destroy();
      await Promise.all(closed);
    },
  };
}

function makeServer(options: ListenerOptions, sessions: Set<ServerHttp2Session>): ReturnType<typeof createServer> {
  const { timeouts = usualTimeouts } = options;
  const tls = {
    cert: options.cert,
    key: options.key,
    ca: options.ca,
    requestCert: true,
    // A client without a certificate is let in as anonymous or with a token; the authenticator reads the verdict.
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    handshakeTimeout: 10_000,
    headersTimeout: timeouts.headersMs,
    requestTimeout: timeouts.requestMs,
    connectionsCheckingInterval: timeouts.checkMs,
    keepAliveTimeout: 120_000,
    maxHeaderSize: 64 * 1024,
  } as const;
  const onHttp1 = (request: IncomingMessage, response: ServerResponse): void => {
    options.onRequest(messagesOfHttp1(request, response));
  };
  const server = options.http2 ? secure() : createServer(tls, onHttp1);
  server.on('upgrade', options.onUpgrade);
  server.on('tlsClientError', (_error: Error, socket: TLSSocket) => socket.destroy());
  return server;

  function secure(): ReturnType<typeof createServer> {
    const settings = { maxConcurrentStreams: 1000 };
    const both = createSecureServer({ ...tls, allowHTTP1: true, maxSessionMemory: 64, settings });
    // Who listens to requests is given those of HTTP/2 through the compatibility layer, unless it is taken away before (messages.ts).
    both.removeAllListeners('newListener');
    both.on('request', onHttp1 as unknown as (request: Http2ServerRequest, response: Http2ServerResponse) => void);
    both.on(
      'stream',
      (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, rawHeaders: string[]) => {
        if (meetsExpectation(stream, headers)) options.onRequest(messagesOfHttp2(stream, headers, rawHeaders));
      },
    );
    endSlowUploads(both, timeouts);
    both.on('session', (session) => {
      sessions.add(session);
      session.once('close', () => sessions.delete(session));
      session.on('error', () => session.destroy());
    });
    both.on('sessionError', () => undefined);
    // With allowHTTP1 it has the members of an HTTPS server that are used here: upgrade, listen, close, address.
    return both as unknown as ReturnType<typeof createServer>;
  }
}

/** RFC 9110 §10.1.1: there is one thing that can be expected. */
function meetsExpectation(stream: ServerHttp2Stream, { expect }: IncomingHttpHeaders): boolean {
  if (expect === undefined) return true;
  if (expect === '100-continue') {
    stream.additionalHeaders({ ':status': 100 });
    return true;
  }
  stream.on('error', () => undefined);
  stream.respond({ ':status': 417 }, { endStream: true });
  return false;
}

/** HTTP/2 has no requestTimeout of its own. One timer looks after all uploads: one for each cost more than reading them. */
function endSlowUploads(server: Http2SecureServer, { requestMs, checkMs }: SendTimeouts): void {
  const deadlines = new Map<ServerHttp2Stream, number>();
  server.on('stream', (stream: ServerHttp2Stream) => {
    if (stream.endAfterHeaders) return;
    deadlines.set(stream, performance.now() + requestMs);
    stream.once('close', () => deadlines.delete(stream));
  });
  const timer = setInterval(() => {
    const now = performance.now();
    for (const [stream, deadline] of deadlines) {
      // The rest is younger.
      if (deadline > now) return;
      if (!stream.readableEnded) stream.close(constants.NGHTTP2_CANCEL);
    }
  }, checkMs);
  timer.unref();
  server.once('close', () => clearInterval(timer));
}
