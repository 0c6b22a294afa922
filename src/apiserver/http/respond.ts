/**
 * Answers: JSON text (or YAML or protobuf made of it), Status, gzip for the big ones, warnings. HTTP/1.1 and HTTP/2 alike.
 */
import { gzip } from 'node:zlib';
import type { Status } from '../../api/gen/types.ts';
import type { Exchange } from '../context.ts';
import { encodeProtobuf } from '../protobuf/encode.ts';
import type { Rendered } from '../render.ts';
import type { HeaderValue, Outgoing } from './messages.ts';
import { mediaTypes, preferredEncoding } from './negotiate.ts';
import type { Form } from './negotiate.ts';
import { addWarnings } from './warnings.ts';

/** Below this gzip costs more than it saves (upstream: 128 KB). */
const gzipFrom = 128 * 1024;

export type Replying = Pick<Exchange, 'request' | 'response' | 'query'>;

/** Writes `json` (an already serialized document) in the encoding that the client prefers. */
export async function sendJson(
  to: Replying,
  code: number,
  json: string,
  warnings: readonly string[] = [],
): Promise<void> {
  const encoding = preferredEncoding(to.request);
  const bytes = encoding === 'protobuf' ? encodeProtobuf(JSON.parse(json) as object) : undefined;
  // What has no message is JSON whatever was asked for.
  await sendRendered(to, code, bytes ?? json, { encoding: encoding === 'yaml' ? 'yaml' : 'json' }, warnings);
}

/** Writes what `render.ts` made for this form. */
export async function sendRendered(
  to: Replying,
  code: number,
  rendered: Rendered,
  { encoding }: Pick<Form, 'encoding'>,
  warnings: readonly string[] = [],
): Promise<void> {
  if (typeof rendered !== 'string') return send(to, code, mediaTypes.protobuf, rendered, warnings);
  const yaml = encoding === 'yaml';
  const text = yaml
    ? await toYaml(rendered)
    : pretty(to, rendered)
      ? `${JSON.stringify(JSON.parse(rendered), undefined, 2)}\n`
      : `${rendered}\n`;
  await send(to, code, yaml ? mediaTypes.yaml : mediaTypes.json, text, warnings);
}

/** Upstream: apiserver pkg/server/mux/pathrecorder.go, for what no part of it knows. */
export function sendNoSuchPath(to: Replying): Promise<void> {
  const nosniff = { 'x-content-type-options': 'nosniff' };
  return send(to, 404, 'text/plain; charset=utf-8', '404 page not found\n', [], nosniff);
}

export async function send(
  to: Replying,
  code: number,
  type: string,
  content: string | Buffer,
  warnings: readonly string[] = [],
  more: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { request, response } = to;
  const headers: Record<string, HeaderValue> = {
    'content-type': type,
    'cache-control': 'no-cache, private',
    ...more,
  };
  addWarnings(response, warnings);
  let body = typeof content === 'string' ? Buffer.from(content) : content;
  if (body.length >= gzipFrom && /\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) {
    body = await compress(body);
    headers['content-encoding'] = 'gzip';
    headers['vary'] = [response.getHeader('vary') ?? [], 'Accept-Encoding'].flat().join(', ');
  }
  headers['content-length'] = body.length;
  if (response.over) return;
  writeHead(response, code, headers);
  if (request.method === 'HEAD') response.end();
  else response.end(body);
}

export async function sendStatus(to: Replying, status: Status): Promise<void> {
  const retry = status.details?.retryAfterSeconds;
  if (retry !== undefined && !to.response.headersSent) to.response.setHeader('retry-after', String(retry));
  await sendJson(to, status.code ?? 500, JSON.stringify(status));
}

export function writeHead(response: Outgoing, code: number, headers: Readonly<Record<string, HeaderValue>>): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.statusCode = code;
}

/** For streams: the head goes out now, not with the first byte. */
export function startStream(response: Outgoing, headers: Readonly<Record<string, string>>): void {
  writeHead(response, 200, headers);
  response.flushHeaders();
}

function pretty(to: Replying, json: string): boolean {
  const asked = to.query.get('pretty');
  return asked !== null && asked !== '0' && asked !== 'false' && json.length < 4 * 1024 * 1024;
}

async function toYaml(json: string): Promise<string> {
  const { stringify } = await import('yaml');
  return stringify(JSON.parse(json), { lineWidth: 0, aliasDuplicateObjects: false });
}

function compress(body: Buffer): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  gzip(body, { level: 1 }, (error, result) => (error === null ? resolve(result) : reject(error)));
  return promise;
}
