/**
 * The streams of a remote command over one WebSocket: each message begins with its channel.
 *
 *   0 stdin   1 stdout   2 stderr   3 error (one Status, at the end)   4 resize   255 close (v5: the next byte names the stream)
 *
 * KEP-4006; upstream: k8s.io/apimachinery/pkg/util/remotecommand, kubelet's pkg/kubelet/.../websocket.go.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import type { Status } from '../../api/gen/types.ts';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { HttpError } from './locate.ts';

export const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

const protocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];
const pingMs = 30_000;
/** More than this unsent: the program is made to wait. */
const highWater = 1 << 20;

export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

export interface Channels {
  /** Everyone listens now: what the client has sent so far is delivered, and what comes. */
  start(): void;
  onInput(call: (data: Buffer) => void): void;
  onInputEnd(call: () => void): void;
  onResize(call: (size: TerminalSize) => void): void;
  /** The other side has gone. */
  onClose(call: () => void): void;
  /** Resolves when all of it has been handed over. */
  pump(source: Readable, to: 1 | 2): Promise<void>;
  send(to: 1 | 2, data: Buffer): void;
  /** The end of the command. */
  finish(status: Status): void;
}

export function openChannels(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  query: URLSearchParams,
): Promise<Channels> {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  const protocol = protocols.find((name) => offered.includes(name));
  if (protocol === undefined) {
    throw new HttpError(400, `none of the subprotocols ${offered.join(', ')} is served: ${protocols.join(', ')} are`);
  }
  const server = new WebSocketServer({ noServer: true, handleProtocols: () => protocol, maxPayload: 32 << 20 });
  return new Promise((resolve) => {
    server.handleUpgrade(request, socket, head, (socket) => resolve(channelsOf(socket, query)));
  });
}

function channelsOf(socket: WebSocket, query: URLSearchParams): Channels {
  const inputs: ((data: Buffer) => void)[] = [];
  const inputEnds: (() => void)[] = [];
  const resizes: ((size: TerminalSize) => void)[] = [];
  let early: Buffer[] | undefined = [];
  const ping = setInterval(() => socket.ping(), pingMs);
  socket.on('close', () => clearInterval(ping));
  socket.on('error', () => socket.terminate());
  const receive = (message: Buffer): void => {
    const data = message.subarray(1);
    if (message[0] === channel.stdin && data.length > 0) for (const call of inputs) call(data);
    else if (message[0] === channel.resize) for (const call of resizes) call(parseSize(data));
    else if (message[0] === channel.close && data[0] === channel.stdin) for (const call of inputEnds) call();
  };
  // What the client sends before the command is there must not be lost.
  socket.on('message', (data: Buffer | ArrayBuffer | Buffer[]) => {
    const message = Buffer.isBuffer(data) ? data : Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
    if (early !== undefined) early.push(message);
    else receive(message);
  });
  const send = (to: number, data: Buffer): void => {
    if (socket.readyState === socket.OPEN) socket.send(Buffer.concat([Buffer.from([to]), data]));
  };
  // Tells the client that the command is on its way (upstream: an empty message on the first writable channel).
  const asked = (name: string, old: string): boolean => ['1', 'true'].includes(query.get(name) ?? query.get(old) ?? '');
  send(
    asked('output', 'stdout') ? channel.stdout : asked('error', 'stderr') ? channel.stderr : channel.error,
    Buffer.alloc(0),
  );

  return {
    start() {
      const waiting = early ?? [];
      early = undefined;
      for (const message of waiting) receive(message);
    },
    onInput: (call) => void inputs.push(call),
    onInputEnd: (call) => void inputEnds.push(call),
    onResize: (call) => void resizes.push(call),
    onClose: (call) => void socket.on('close', call),
    send,
    pump(source, to) {
      source.on('data', (data: Buffer) => {
        send(to, data);
        if (socket.bufferedAmount < highWater) return;
        source.pause();
        const drained = setInterval(() => {
          if (socket.bufferedAmount >= highWater && socket.readyState === socket.OPEN) return;
          clearInterval(drained);
          source.resume();
        }, 10);
      });
      return new Promise((resolve) => {
        source.on('close', resolve);
        source.on('error', () => resolve());
      });
    },
    finish(status) {
      send(channel.error, Buffer.from(JSON.stringify(status)));
      socket.close(1000);
    },
  };
}

function parseSize(data: Buffer): TerminalSize {
  const size = JSON.parse(data.toString('utf8')) as { Width?: number; Height?: number };
  return { width: size.Width ?? 0, height: size.Height ?? 0 };
}

export const success: Status = { metadata: {}, status: 'Success' };

/** Upstream: kubelet's streaming/remotecommand/exec.go. */
export function exitStatus(code: number): Status {
  if (code === 0) return success;
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: command terminated with exit code ${String(code)}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
  };
}
