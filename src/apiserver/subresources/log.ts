/** GET pods/NAME/log: streamed from the node agent. */
import { request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { apiError } from '../../api/errors.ts';
import type { ResourceExchange, Server } from '../context.ts';
import { forbiddenField, invalidField, notSupportedField } from '../../api/field-errors.ts';
import type { FieldError } from '../../api/field-errors.ts';
import { badRequest, invalid } from '../errors.ts';
import { isTrue } from '../request-info.ts';
import { startStream } from '../http/respond.ts';
import { nodeRequest } from './node-tls.ts';
import { findPod, podTarget } from './pod-target.ts';

const passedOn = ['follow', 'previous', 'sinceSeconds', 'sinceTime', 'timestamps', 'tailLines', 'limitBytes', 'stream'];

export async function serveLog(exchange: ResourceExchange): Promise<void> {
  const { server, response } = exchange;
  const abort = new AbortController();
  response.body.once('close', () => abort.abort());
  const signal = AbortSignal.any([abort.signal, server.stopping]);
  const answer = await openLog(exchange, signal);
  startStream(response, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache, private' });
  try {
    await pipeline(answer, response.body, { signal });
  } catch (error) {
    // The reader went away, or the node did: either way there is nobody to tell.
    if (!signal.aborted) response.body.destroy(error instanceof Error ? error : undefined);
  }
}

/** What the node answers, once all is found to be right. */
export async function openLog(
  { server, info, query }: Pick<ResourceExchange, 'server' | 'info' | 'query'>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  findPod(server, info);
  refuseBadOptions(query, info.name);
  const { container, node } = podTarget(server, info, query.get('container') ?? '');
  const parameters = new URLSearchParams([...query].filter(([name]) => passedOn.includes(name)));
  const path = `/containerLogs/${info.namespace}/${info.name}/${container}?${parameters.toString()}`;
  const answer = await ask(server, query, path, signal, node);
  if (answer.statusCode !== 200) throw await refusal(answer);
  return answer;
}

/** Upstream: ValidatePodLogOptions. */
function refuseBadOptions(query: URLSearchParams, pod: string): void {
  const errors: FieldError[] = [];
  const minimum: Readonly<Record<string, number>> = { tailLines: 0, limitBytes: 1, sinceSeconds: 1 };
  const given = (name: string): boolean => (query.get(name) ?? '') !== '';
  if (given('sinceSeconds') && given('sinceTime'))
    errors.push(forbiddenField('', 'at most one of `sinceTime` or `sinceSeconds` may be specified'));
  for (const [field, least] of Object.entries(minimum)) {
    const text = query.get(field) ?? '';
    if (text === '') continue;
    if (!/^[-+]?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
    const why = `must be greater than ${least === 0 ? 'or equal to 0' : '0'}`;
    if (Number(text) < least) errors.push(invalidField(field, Number(text), why));
  }
  const sinceTime = query.get('sinceTime') ?? '';
  if (sinceTime !== '' && !isTime(sinceTime))
    throw badRequest(`parsing time ${JSON.stringify(sinceTime)} as "2006-01-02T15:04:05Z07:00": cannot parse it`);
  const stream = query.get('stream') ?? 'All';
  if (!streams.includes(stream)) errors.push(notSupportedField('stream', stream, [...streams].sort()));
  else if (stream !== 'All' && given('tailLines'))
    errors.push(forbiddenField('', '`tailLines` and specific `stream` are mutually exclusive for now'));
  if (errors.length > 0) throw invalid({ group: '', kind: 'PodLogOptions' }, pod, errors);
}

const streams = ['All', 'Stdout', 'Stderr'];

function isTime(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[-+]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text));
}

function ask(
  server: Server,
  query: URLSearchParams,
  path: string,
  signal: AbortSignal,
  node: Parameters<typeof nodeRequest>[1],
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options = nodeRequest(server, node, path);
  // The one who asks does not mind who answers: kubectl logs --insecure-skip-tls-verify-backend.
  const trusting = isTrue(query.get('insecureSkipTLSVerifyBackend')) ? { rejectUnauthorized: false } : {};
  const request = httpsRequest({ ...options, ...trusting, signal }, resolve);
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
