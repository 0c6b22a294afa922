/**
 * The streams of a remote command over SPDY/3.1: one stream each, named by its header `streamtype`. kubectl before 1.31, and
 * whatever falls back from WebSocket.
 * Upstream: k8s.io/kubelet/pkg/cri/streaming/remotecommand/httpstream.go.
 */
import type { IncomingMessage } from 'node:http';
import { createSession } from '../spdy/index.ts';
import type { SpdySession, SpdyStream } from '../spdy/index.ts';
import { parseSize, statusText } from './channels.ts';
import type { Channels, TerminalSize, Upgrade, Wanted } from './channels.ts';
import { HttpError } from './locate.ts';

/** '' is a client of Kubernetes 1.0, which does not negotiate. */
const protocols = ['v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io'] as const;
const creationTimeoutMs = 30_000;
/** The client closes when it has read everything; it must not be waited for forever. */
const lingerMs = 10_000;

type StreamType = 'error' | 'stdin' | 'stdout' | 'stderr' | 'resize';

export function openSpdyChannels(upgrade: Upgrade, wanted: Wanted): Promise<Channels> {
  const protocol = spdyProtocol(upgrade.request, protocols);
  const resizable = wanted.tty && /^v[34]\./.test(protocol);
  const expected = new Set<string>(['error']);
  for (const name of ['stdin', 'stdout', 'stderr'] as const) if (wanted[name]) expected.add(name);
  if (resizable) expected.add('resize');
  const streams = new Map<StreamType, SpdyStream>();
  const { promise, resolve, reject } = Promise.withResolvers<Channels>();
  const session = acceptSpdy(upgrade, protocol, (stream) => {
    const type = stream.headers.get('streamtype') ?? '';
    if (!expected.delete(type)) throw new Error(`unexpected stream type: "${type}"`);
    streams.set(type as StreamType, stream);
    // The reply to the last one goes out first.
    if (expected.size === 0) queueMicrotask(() => resolve(channelsOf(session, streams, protocol.startsWith('v4'))));
  });
  const late = setTimeout(() => session.close(), creationTimeoutMs);
  const gone = (): void => reject(new HttpError(500, 'timed out waiting for client to create streams'));
  session.closed.addEventListener('abort', gone, { once: true });
  return promise.finally(() => clearTimeout(late));
}

/** The protocol that both sides speak; throws what upstream's httpstream.Handshake answers. */
export function spdyProtocol(request: IncomingMessage, served: readonly string[]): string {
  const offered = [request.headers['x-stream-protocol-version'] ?? []].flat().join(',');
  if (offered.trim() === '') return '';
  const names = offered.split(',').map((name) => name.trim());
  const chosen = served.find((name) => names.includes(name));
  if (chosen !== undefined) return chosen;
  const list = (items: readonly string[]): string => `[${items.join(' ')}]`;
  throw new HttpError(
    403,
    `unable to upgrade: unable to negotiate protocol: client supports ${list(names)}, server accepts ${list(served)}`,
    served.map((name): [string, string] => ['X-Accepted-Stream-Protocol-Versions', name]),
  );
}

export function acceptSpdy(upgrade: Upgrade, protocol: string, onStream: (stream: SpdyStream) => void): SpdySession {
  const { socket, head } = upgrade;
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: SPDY/3.1'];
  if (protocol !== '') lines.push(`X-Stream-Protocol-Version: ${protocol}`);
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  if (head.length > 0) socket.unshift(head);
  return createSession(socket, 'server', onStream);
}

function channelsOf(session: SpdySession, streams: ReadonlyMap<StreamType, SpdyStream>, structured: boolean): Channels {
  const resizes: ((size: TerminalSize) => void)[] = [];
  followSizes(streams.get('resize'), (size) => {
    for (const call of resizes) call(size);
  });
  const output = (to: 'stdout' | 'stderr'): SpdyStream | undefined => {
    const stream = streams.get(to);
    return stream?.writable === true ? stream : undefined;
  };
  return {
    // Streams wait for their readers by themselves.
    start: () => undefined,
    onInput: (call) => void streams.get('stdin')?.on('data', call),
    onInputEnd: (call) => void streams.get('stdin')?.on('end', call),
    onResize: (call) => void resizes.push(call),
    onClose: (call) => session.closed.addEventListener('abort', call, { once: true }),
    send: (to, data) => void output(to)?.write(data),
    pump(source, to) {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      const stream = output(to);
      if (stream === undefined) source.resume();
      else source.pipe(stream, { end: false });
      stream?.once('close', () => source.resume());
      source.on('close', () => resolve(undefined));
      source.on('error', () => resolve(undefined));
      return promise;
    },
    finish(status) {
      const text = statusText(status, structured);
      streams.get('error')?.end(text);
      for (const type of ['stdout', 'stderr', 'stdin'] as const) streams.get(type)?.end();
      const linger = setTimeout(() => session.close(), lingerMs);
      session.closed.addEventListener('abort', () => clearTimeout(linger), { once: true });
    },
  };
}

/** Sizes come as JSON objects, one after the other. */
function followSizes(stream: SpdyStream | undefined, call: (size: TerminalSize) => void): void {
  let rest = '';
  stream?.on('data', (data: Buffer) => {
    const texts = (rest + data.toString('utf8')).split('}');
    rest = (texts.pop() ?? '').slice(0, 1000);
    for (const text of texts) {
      const size = parseSize(`${text}}`);
      if (size !== undefined) call(size);
    }
  });
}
