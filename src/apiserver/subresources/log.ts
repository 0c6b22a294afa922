/** GET pods/NAME/log: streamed from the node agent. */
import { request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { apiError } from '../../api/errors.ts';
import type { ResourceExchange } from '../context.ts';
import { invalid } from '../errors.ts';
import { startStream } from '../http/respond.ts';
import { nodeRequest } from './node-tls.ts';
import { podTarget } from './pod-target.ts';

const passedOn = ['follow', 'previous', 'sinceSeconds', 'sinceTime', 'timestamps', 'tailLines', 'limitBytes', 'stream'];

export async function serveLog(exchange: ResourceExchange): Promise<void> {
  const { server, info, query, response } = exchange;
  refuseBadCounts(query);
  const { container, node } = podTarget(server, info, query.get('container') ?? '');
  const parameters = new URLSearchParams([...query].filter(([name]) => passedOn.includes(name)));
  const path = `/containerLogs/${info.namespace}/${info.name}/${container}?${parameters.toString()}`;
  const abort = new AbortController();
  response.once('close', () => abort.abort());
  const signal = AbortSignal.any([abort.signal, server.stopping]);
  const answer = await ask(exchange, path, signal, node);
  if (answer.statusCode !== 200) throw await refusal(answer);
  startStream(response, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache, private' });
  try {
    await pipeline(answer, response as NodeJS.WritableStream, { signal });
  } catch (error) {
    // The reader went away, or the node did: either way there is nobody to tell.
    if (!signal.aborted) response.destroy(error instanceof Error ? error : undefined);
  }
}

function refuseBadCounts(query: URLSearchParams): void {
  const minimum: Readonly<Record<string, number>> = { tailLines: 0, sinceSeconds: 1, limitBytes: 1 };
  for (const [field, least] of Object.entries(minimum)) {
    const text = query.get(field);
    if (text === null || (/^-?\d+$/.test(text) && Number(text) >= least)) continue;
    const message = `Invalid value: ${text}: must be greater than ${least === 0 ? 'or equal to 0' : '0'}`;
    throw invalid({ group: '', kind: 'PodLogOptions' }, '', [{ type: 'FieldValueInvalid', field, message }]);
  }
}

function ask(
  { server }: ResourceExchange,
  path: string,
  signal: AbortSignal,
  node: Parameters<typeof nodeRequest>[1],
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options = nodeRequest(server, node, path);
  const request = httpsRequest({ ...options, signal }, resolve);
  request.once('error', (error) =>
    reject(
      apiError(
        500,
        'InternalError',
        `Internal error occurred: Get "https://${node.host}:${String(node.port)}${path}": ${error.message}`,
      ),
    ),
  );
  request.end();
  return promise;
}

async function refusal(answer: IncomingMessage): Promise<Error> {
  let text = '';
  answer.setEncoding('utf8');
  for await (const chunk of answer as AsyncIterable<string>) {
    text += chunk;
    if (text.length > 64 * 1024) break;
  }
  const code = answer.statusCode ?? 500;
  const reason = code === 400 ? 'BadRequest' : code === 404 ? 'NotFound' : 'InternalError';
  return apiError(code, reason, text.trim() === '' ? `the node agent answered ${String(code)}` : text.trim());
}
