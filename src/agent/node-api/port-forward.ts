/**
 * `kubectl port-forward`: each forwarded connection is a pair of SPDY streams, `data` and `error`, joined by their request id.
 *
 *   Upgrade: SPDY/3.1                                            the socket carries the session
 *   Upgrade: websocket, SPDY/3.1+portforward.k8s.io (KEP-4006)   its binary messages carry the session
 *   Upgrade: websocket, v4.channel.k8s.io, ?ports=…              no session: two channels a port, legacy-port-forward.ts
 *
 * Upstream: k8s.io/kubelet/pkg/cri/streaming/portforward/httpstream.go, apiserver's pkg/util/proxy/websocket.go (tunnel).
 */
import type { Socket } from 'node:net';
import type { PodWorker } from '../pod-worker.ts';
import { createSession } from '../spdy/index.ts';
import type { SpdyStream } from '../spdy/index.ts';
import { isSpdy } from './channels.ts';
import type { Upgrade } from './channels.ts';
import { HttpError } from './locate.ts';
import { dialPod } from './pod-dial.ts';
import { acceptSpdy, spdyProtocol } from './spdy-channels.ts';

const protocol = 'portforward.k8s.io';
const tunnel = `SPDY/3.1+${protocol}`;
const creationTimeoutMs = 30_000;

export async function servePortForward(worker: PodWorker, upgrade: Upgrade): Promise<void> {
  if (worker.slots.running().length === 0) {
    throw new HttpError(500, `unable to forward port because pod is not running. Current status=${phaseOf(worker)}`);
  }
  const pairs = createPairs((data, error, port) => void forward(worker, data, error, port));
  if (isSpdy(upgrade.request)) {
    acceptSpdy(upgrade, spdyProtocol(upgrade.request, [protocol]), pairs);
    return;
  }
  const { acceptWebSocket, chooseProtocol, keepAlive } = await import('./websocket-channels.ts');
  const offered = upgrade.request.headers['sec-websocket-protocol'];
  if (chooseProtocol(offered, [tunnel]) === tunnel) {
    const { createWebSocketStream } = await import('ws');
    const socket = await acceptWebSocket(upgrade, tunnel);
    keepAlive(socket);
    createSession(createWebSocketStream(socket), 'server', pairs);
    return;
  }
  const { serveLegacyPortForward } = await import('./legacy-port-forward.ts');
  await serveLegacyPortForward(worker, upgrade);
}

function phaseOf(worker: PodWorker): string {
  return worker.pod.status?.phase ?? 'Pending';
}

interface Pair {
  readonly timer: NodeJS.Timeout;
  data?: SpdyStream;
  error?: SpdyStream;
}

/** Takes streams in any order, calls back with those that belong together. */
function createPairs(call: (data: SpdyStream, error: SpdyStream, port: number) => void): (stream: SpdyStream) => void {
  const pairs = new Map<string, Pair>();
  const begin = (request: string): Pair => {
    const timer = setTimeout(() => {
      const pair = pairs.get(request);
      pairs.delete(request);
      pair?.error?.end(`(request=${request}) timed out waiting for streams`);
      pair?.data?.destroy();
    }, creationTimeoutMs);
    const pair: Pair = { timer };
    pairs.set(request, pair);
    return pair;
  };
  return (stream) => {
    const port = portOf(stream.headers.get('port') ?? '');
    const type = stream.headers.get('streamtype') ?? '';
    if (type !== 'data' && type !== 'error') throw new Error(`invalid stream type "${type}"`);
    // Clients without request ids open the error stream first: their ids are two apart.
    const request = stream.headers.get('requestid') ?? String(type === 'error' ? stream.id : stream.id - 2);
    const pair = pairs.get(request) ?? begin(request);
    if (pair[type] !== undefined) {
      pair.error?.end(`error processing stream for request ${request}: ${type} stream already assigned`);
      throw new Error('assigned already');
    }
    pair[type] = stream;
    stream.once('close', () => {
      if (pairs.get(request) !== pair) return;
      clearTimeout(pair.timer);
      pairs.delete(request);
    });
    if (pair.data === undefined || pair.error === undefined) return;
    clearTimeout(pair.timer);
    pairs.delete(request);
    call(pair.data, pair.error, port);
  };
}

export function portOf(text: string): number {
  const port = Number(text);
  if (text === '') throw new Error('"port" header is required');
  if (!/^\d+$/.test(text) || port > 65535) throw new Error(`unable to parse "${text}" as a port`);
  if (port < 1) throw new Error(`port "${text}" must be > 0`);
  return port;
}

async function forward(worker: PodWorker, data: SpdyStream, error: SpdyStream, port: number): Promise<void> {
  error.resume();
  let socket: Socket;
  try {
    socket = await dialPod(worker.record, port);
  } catch (cause) {
    error.end(forwardError(worker, port, cause));
    data.end();
    data.resume();
    return;
  }
  // Each direction ends by itself; a side that is gone takes the other along.
  data.pipe(socket);
  socket.pipe(data);
  socket.on('error', (cause) => {
    error.end(forwardError(worker, port, cause));
    data.destroy();
  });
  socket.on('close', () => {
    if (!error.writableEnded) error.end();
    if (!data.writableEnded) data.end();
    data.resume();
  });
  data.on('close', () => socket.destroy());
}

export function forwardError(worker: PodWorker, port: number, cause: unknown): string {
  const why = cause instanceof Error ? cause.message : String(cause);
  return `error forwarding port ${String(port)} to pod ${worker.record.uid}, uid : ${why}`;
}
