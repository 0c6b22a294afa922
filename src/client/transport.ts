/**
 * HTTP/1.1 to one API server: JSON in, JSON out, a Status becomes an ApiError, a network error keeps its code.
 *
 *   call()  ── kept-alive sockets, 30 s of silence at most ──> whole body
 *   open()  ── a socket of its own, no time-out ──> the response as it streams (watch)
 *
 * HTTP/1.1 and not 2: a watch has its own socket, so a slow watcher cannot hold up a write behind flow control.
 */
import { readFileSync } from 'node:fs';
import type http from 'node:http';
import https from 'node:https';
import { createSecureContext } from 'node:tls';
import { ApiError, apiError } from '../api/errors.ts';
import type { Status } from '../api/gen/types.ts';
import { Agent, request as httpRequest } from '../util/http.ts';
import type { Kubeconfig } from './kubeconfig.ts';

export interface CallBody {
  readonly contentType: string;
  readonly text: string;
}

export interface Transport {
  call(method: string, path: string, body?: CallBody): Promise<unknown>;
  /** A GET's body as it came, which is JSON. */
  read(path: string): Promise<Buffer>;
  open(path: string, signal: AbortSignal): Promise<http.IncomingMessage>;
  /** Drops idle connections; calls under way end by themselves. */
  close(): void;
}

/** One count of client-go's rest_client_requests_total. */
export interface RequestCount {
  readonly method: string;
  readonly host: string;
  /** `<error>`: no answer. */
  readonly code: string;
  readonly count: number;
}

const counts = new Map<string, RequestCount>();

/** All calls of this process, over all of its clients. */
export function requestCounts(): Iterable<RequestCount> {
  return counts.values();
}

function count(method: string, host: string, code: string): void {
  const key = `${method} ${host} ${code}`;
  counts.set(key, { method, host, code, count: (counts.get(key)?.count ?? 0) + 1 });
}

const silenceMs = 30_000;
/** A dead peer is noticed by TCP itself: probes start after this, ten of them a second apart (libuv). */
const keepAliveMs = 10_000;
const tokenAgeMs = 60_000;

export function createTransport(config: Kubeconfig, userAgent: string): Transport {
  const base = parseServer(config.server);
  const secure = base.protocol === 'https:';
  // One pool: the socket that a list leaves idle carries the watch that follows it, and saves a TLS handshake.
  const agent = agentOf(config, secure);
  const authorization = bearer(config);
  const prefix = base.pathname === '/' ? '' : base.pathname;

  const start = (method: string, path: string, body?: CallBody): http.ClientRequest => {
    const headers: http.OutgoingHttpHeaders = { accept: 'application/json', 'user-agent': userAgent };
    const token = authorization();
    if (token !== undefined) headers['authorization'] = token;
    if (body !== undefined) {
      headers['content-type'] = body.contentType;
      headers['content-length'] = Buffer.byteLength(body.text);
    }
    const host = base.hostname.replace(/^\[|\]$/g, '');
    const request = (secure ? https.request : httpRequest)({
      host,
      port: base.port === '' ? (secure ? 443 : 80) : Number(base.port),
      method,
      path: prefix + path,
      headers,
      agent,
    });
    let isCounted = false;
    const counted = (code: string): void => {
      if (!isCounted) count(method, base.host, code);
      isCounted = true;
    };
    request.once('response', ({ statusCode = 0 }) => counted(String(statusCode)));
    request.once('error', () => counted('<error>'));
    request.end(body?.text);
    return request;
  };

  const once = async (method: string, path: string, body?: CallBody): Promise<Answer> => {
    const request = start(method, path, body);
    request.setTimeout(silenceMs, () => request.destroy(silence(method, path)));
    return receive(method, path, await responseTo(request));
  };
  const whole = async (method: string, path: string, body?: CallBody): Promise<Answer> => {
    try {
      return await once(method, path, body);
    } catch (error) {
      // The server closed an idle connection while we picked it up. Only a read is safe to send twice.
      if (method === 'GET' && error instanceof StaleConnection) return await once(method, path, body);
      throw error instanceof StaleConnection ? error.cause : error;
    }
  };

  return {
    async call(method, path, body) {
      return decode(await whole(method, path, body));
    },
    async read(path) {
      const { bytes, isJson } = await whole('GET', path);
      if (!isJson) throw new Error(`GET ${path}: the answer is no JSON`);
      return bytes;
    },
    async open(path, signal) {
      signal.throwIfAborted();
      const request = start('GET', path);
      const abort = (): void => void request.destroy();
      signal.addEventListener('abort', abort, { once: true });
      request.once('close', () => signal.removeEventListener('abort', abort));
      const response = await responseTo(request).catch((error: unknown) => {
        throw error instanceof StaleConnection ? error.cause : error;
      });
      if (response.statusCode === 200) return response;
      await receive('GET', path, response);
      throw apiError(response.statusCode ?? 500, 'InternalError', `unexpected answer to watch ${path}`);
    },
    close() {
      agent.destroy();
    },
  };
}

class StaleConnection extends Error {}

function parseServer(server: string): URL {
  const url = URL.canParse(server) ? new URL(server) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new Error(`kubeconfig: server "${server}" must be a URL such as https://10.10.10.250:6443`);
  }
  return url;
}

function agentOf(config: Kubeconfig, secure: boolean): http.Agent {
  const common = { keepAlive: true, keepAliveMsecs: keepAliveMs, maxFreeSockets: 8 };
  if (!secure) return new Agent(common);
  return new https.Agent({
    ...common,
    rejectUnauthorized: config.insecureSkipTlsVerify !== true,
    // Parsed once, not for every connection.
    secureContext: createSecureContext({ ca: config.ca, cert: config.clientCert, key: config.clientKey }),
    ...(config.tlsServerName === undefined ? {} : { servername: config.tlsServerName }),
  });
}

function bearer(config: Kubeconfig): () => string | undefined {
  const { token, tokenFile } = config;
  if (tokenFile === undefined) return () => (token === undefined ? undefined : `Bearer ${token}`);
  let value: string | undefined;
  let readAt = -Infinity;
  return () => {
    const now = performance.now();
    if (now - readAt > tokenAgeMs) {
      value = `Bearer ${readFileSync(tokenFile, 'utf8').trim()}`;
      readAt = now;
    }
    return value;
  };
}

function responseTo(request: http.ClientRequest): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve);
    request.on('error', (error: NodeJS.ErrnoException) => {
      const stale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      reject(stale ? new StaleConnection(error.message, { cause: error }) : error);
    });
    request.once('socket', (socket) => socket.setKeepAlive(true, keepAliveMs));
    request.once('close', () => reject(Object.assign(new Error('connection closed'), { code: 'ECONNRESET' })));
  });
}

function silence(method: string, path: string): Error {
  return Object.assign(new Error(`${method} ${path}: no answer for ${silenceMs / 1000} s`), { code: 'ETIMEDOUT' });
}

/** Of a request that was done. */
interface Answer {
  readonly bytes: Buffer;
  readonly isJson: boolean;
}

async function receive(method: string, path: string, response: http.IncomingMessage): Promise<Answer> {
  const bytes = await bodyOf(response);
  const code = response.statusCode ?? 500;
  const answer = { bytes, isJson: (response.headers['content-type'] ?? '').includes('json') };
  if (code >= 200 && code < 300) return answer;
  throw failure(code, answer, method, path, response.headers['retry-after']);
}

/** Taken as it comes: an iterator would gather the pieces of a large list and copy them once more. */
function bodyOf(response: http.IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.once('end', () =>
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)),
    );
    response.once('error', reject);
    response.once('close', () => reject(Object.assign(new Error('connection closed'), { code: 'ECONNRESET' })));
  });
}

function decode({ bytes, isJson }: Answer): unknown {
  const text = bytes.toString('utf8');
  return (isJson ? parse(text) : undefined) ?? text;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Not every answer is a Status (a proxy in between, a crash): the code then says what client-go would. */
function failure(code: number, answer: Answer, method: string, path: string, retryAfter: string | undefined): ApiError {
  const text = answer.bytes.toString('utf8');
  const status = (answer.isJson ? parse(text) : undefined) as Status | null | undefined;
  if (status?.kind === 'Status' && status.status === 'Failure') return new ApiError({ ...status, code });
  const reasons: Readonly<Record<number, string>> = {
    400: 'BadRequest',
    401: 'Unauthorized',
    403: 'Forbidden',
    404: 'NotFound',
    405: 'MethodNotAllowed',
    409: 'Conflict',
    410: 'Gone',
    422: 'Invalid',
    429: 'TooManyRequests',
    503: 'ServiceUnavailable',
    504: 'Timeout',
  };
  const seconds = Number(retryAfter);
  const message = `${method} ${path}: the server answered ${code}: ${text.slice(0, 200).trim()}`;
  return apiError(code, reasons[code] ?? (code >= 500 ? 'InternalError' : 'Unknown'), message, {
    ...(seconds > 0 ? { retryAfterSeconds: seconds } : {}),
  });
}
