/**
 * exec, attach, port-forward: after the checks the API server is a pipe. The client's upgrade is repeated to the node agent, and from
 * then on bytes go both ways untouched, so every subprotocol (v5.channel.k8s.io, v4, port-forward) passes.
 *
 *   client ══ upgrade ══ API server ══ upgrade ══ node agent /exec/NS/POD/CONTAINER?command=…
 */
import { request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { apiError } from '../../api/errors.ts';
import { STATUS_CODES } from '../../util/http.ts';
import type { Server } from '../context.ts';
import { badRequest } from '../errors.ts';
import { isTrue } from '../request-info.ts';
import type { ResourceRequest } from '../request-info.ts';
import { nodeRequest } from './node-tls.ts';
import { findPod, nodeAddress, podTarget } from './pod-target.ts';
import type { NodeAddress } from './pod-target.ts';

export interface Upgrade {
  readonly info: ResourceRequest;
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

export function refuseWithoutUpgrade(): never {
  throw badRequest('Upgrade request required');
}

export async function pipeToNode(server: Server, client: Upgrade): Promise<void> {
  const { node, path } = agentPath(server, client);
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const outgoing = httpsRequest({ ...nodeRequest(server, node, path), headers: forwardedHeaders(client.request) });
  const stop = (): void => {
    outgoing.destroy();
    client.socket.destroy();
  };
  server.stopping.addEventListener('abort', stop, { once: true });
  client.socket.once('close', () => {
    server.stopping.removeEventListener('abort', stop);
    outgoing.destroy();
  });
  outgoing.once('error', (error) => {
    reject(apiError(500, 'InternalError', `error dialing backend: ${error.message}`));
  });
  outgoing.once('upgrade', (answer, socket, head) => {
    join(client, answer, socket, head);
    resolve(undefined);
  });
  outgoing.once('response', (answer) => {
    passRefusal(client.socket, answer);
    resolve(undefined);
  });
  outgoing.end();
  await promise;
}

function agentPath(server: Server, { info, query }: Upgrade): { readonly node: NodeAddress; readonly path: string } {
  if (info.subresource === 'portforward') {
    const node = nodeAddress(server, findPod(server, info));
    const ports = new URLSearchParams(query.getAll('ports').map((port) => ['ports', port]));
    return { node, path: `/portForward/${info.namespace}/${info.name}?${ports.toString()}` };
  }
  const { container, node } = podTarget(server, info, query.get('container') ?? '');
  const parameters = streamParameters(query, info.subresource);
  return { node, path: `/${info.subresource}/${info.namespace}/${info.name}/${container}?${parameters.toString()}` };
}

function streamParameters(query: URLSearchParams, subresource: string): URLSearchParams {
  const flag = (name: string): boolean => isTrue(query.get(name));
  const flags = { input: flag('stdin'), output: flag('stdout'), error: flag('stderr'), tty: flag('tty') };
  if (!flags.input && !flags.output && !flags.error)
    throw badRequest('you must specify at least 1 of stdin, stdout, stderr');
  const command = query.getAll('command');
  if (subresource === 'exec' && command.length === 0)
    throw badRequest('you must specify at least one command for the container');
  const parameters = new URLSearchParams(command.map((word) => ['command', word]));
  for (const [name, on] of Object.entries(flags)) if (on) parameters.set(name, '1');
  return parameters;
}

/** The upgrade and its subprotocols; never the client's credentials. */
function forwardedHeaders({ headers }: IncomingMessage): Record<string, string> {
  const forwarded: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const wanted =
      name === 'upgrade' ||
      name === 'connection' ||
      name === 'x-stream-protocol-version' ||
      name.startsWith('sec-websocket-');
    if (wanted && value !== undefined) forwarded[name] = String(value);
  }
  const offered = forwarded['sec-websocket-protocol'];
  if (offered !== undefined) {
    forwarded['sec-websocket-protocol'] = offered
      .split(',')
      .map((text) => text.trim())
      .filter((text) => !text.startsWith('base64url.bearer.authorization.k8s.io.'))
      .join(', ');
  }
  return forwarded;
}

export function join(
  { socket, head }: Pick<Upgrade, 'socket' | 'head'>,
  answer: IncomingMessage,
  node: Duplex,
  nodeHead: Buffer,
): void {
  socket.write(headText(answer));
  if (nodeHead.length > 0) socket.write(nodeHead);
  if (head.length > 0) node.write(head);
  const end = (): void => {
    socket.destroy();
    node.destroy();
  };
  socket.on('error', end);
  node.on('error', end);
  // Half-closes pass on by pipe's end(); a side that is gone takes the other with it.
  socket.on('close', () => node.end());
  node.on('close', () => socket.end());
  socket.pipe(node);
  node.pipe(socket);
}

export function passRefusal(socket: Duplex, answer: IncomingMessage): void {
  socket.write(headText(answer, true));
  answer.on('error', () => socket.destroy());
  answer.pipe(socket);
}

function headText(answer: IncomingMessage, close = false): string {
  const code = answer.statusCode ?? 502;
  const lines = [`HTTP/1.1 ${String(code)} ${answer.statusMessage ?? STATUS_CODES[code] ?? ''}`];
  for (let i = 0; i + 1 < answer.rawHeaders.length; i += 2) {
    const name = answer.rawHeaders[i] ?? '';
    // The body is passed on without its framing and ended by closing.
    if (close && /^(transfer-encoding|connection)$/i.test(name)) continue;
    lines.push(`${name}: ${answer.rawHeaders[i + 1] ?? ''}`);
  }
  if (close) lines.push('connection: close');
  return `${lines.join('\r\n')}\r\n\r\n`;
}
