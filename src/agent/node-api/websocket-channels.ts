/**
 * The streams of a remote command over one WebSocket: each message begins with its channel.
 *
 *   0 stdin   1 stdout   2 stderr   3 error (one Status, at the end)   4 resize   255 close (v5: the next byte names the stream)
 *
 * With base64 the channel is a digit and the rest of the (text) message is encoded.
 * KEP-4006; upstream: k8s.io/kubelet/pkg/cri/streaming/remotecommand/websocket.go, apimachinery's httpstream/wsstream.
 */
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { parseSize, statusText } from './channels.ts';
import type { Channels, TerminalSize, Upgrade, Wanted } from './channels.ts';
import { HttpError } from './locate.ts';

const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

/** The newest first; '' is a client that names none. */
const protocols = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'channel.k8s.io',
  'base64.channel.k8s.io',
];
const pingMs = 30_000;
const pongMs = 500;
/** More than this unsent: the program is made to wait. */
const highWater = 1 << 20;

/** undefined: the client offers only what we do not speak. '' where it offers nothing. */
export function chooseProtocol(offered: string | undefined, served: readonly string[]): string | undefined {
  if (offered === undefined || offered.trim() === '') return '';
  const names = offered.split(',').map((name) => name.trim());
  return served.find((name) => names.includes(name));
}

export function openWebSocketChannels(upgrade: Upgrade, wanted: Wanted): Promise<Channels> {
  const offered = upgrade.request.headers['sec-websocket-protocol'];
  const protocol = chooseProtocol(offered, protocols);
  if (protocol === undefined) {
    throw new HttpError(400, `none of the subprotocols ${offered ?? ''} is served: ${protocols.join(', ')} are`);
  }
  return acceptWebSocket(upgrade, protocol).then(async (socket) => {
    const channels = channelsOf(socket, wanted, protocol);
    await clientReads(socket);
    return channels;
  });
}

export function acceptWebSocket({ request, socket, head }: Upgrade, protocol: string): Promise<WebSocket> {
  const server = new WebSocketServer({ noServer: true, handleProtocols: () => protocol, maxPayload: 32 << 20 });
  return new Promise((resolve) => server.handleUpgrade(request, socket, head, resolve));
}

export function messageBytes(data: Buffer | ArrayBuffer | Buffer[]): Buffer {
  return Buffer.isBuffer(data) ? data : Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}

/**
 * kubectl before 1.33 reads while it still makes its streams, and drops what comes for one that is not there yet
 * (client-go/tools/remotecommand/websocket.go). A pong shows that it reads; a client that gives none is not waited for.
 */
function clientReads(socket: WebSocket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      for (const event of ['pong', 'close'] as const) socket.off(event, done);
      resolve();
    };
    const timer = setTimeout(done, pongMs);
    for (const event of ['pong', 'close'] as const) socket.on(event, done);
    socket.ping();
  });
}

/** Proxies on the way close what is silent. */
export function keepAlive(socket: WebSocket): void {
  const ping = setInterval(() => socket.ping(), pingMs);
  socket.on('close', () => clearInterval(ping));
  socket.on('error', () => socket.terminate());
}

function channelsOf(socket: WebSocket, wanted: Wanted, protocol: string): Channels {
  const inputs: ((data: Buffer) => void)[] = [];
  const inputEnds: (() => void)[] = [];
  const resizes: ((size: TerminalSize) => void)[] = [];
  const base64 = protocol.includes('base64');
  let early: Buffer[] | undefined = [];
  keepAlive(socket);
  const receive = (raw: Buffer): void => {
    const number = base64 ? (raw[0] ?? 0) - 0x30 : raw[0];
    const data = base64 ? Buffer.from(raw.toString('latin1', 1), 'base64') : raw.subarray(1);
    if (number === channel.stdin && data.length > 0) for (const call of inputs) call(data);
    else if (number === channel.resize) {
      const size = parseSize(data.toString('utf8'));
      if (size !== undefined) for (const call of resizes) call(size);
    } else if (number === channel.close && data[0] === channel.stdin) for (const call of inputEnds) call();
  };
  // What the client sends before the command is there must not be lost.
  socket.on('message', (data: Buffer | ArrayBuffer | Buffer[]) => {
    const message = messageBytes(data);
    if (early !== undefined) early.push(message);
    else receive(message);
  });
  const sendTo = (to: number, data: Buffer): void => {
    if (socket.readyState !== socket.OPEN) return;
    if (base64) socket.send(`${String(to)}${data.toString('base64')}`);
    else socket.send(Buffer.concat([Buffer.from([to]), data]));
  };
  return {
    start() {
      // Tells the client that the command is on its way (upstream: an empty message on the first writable channel).
      sendTo(wanted.stdout ? channel.stdout : wanted.stderr ? channel.stderr : channel.error, Buffer.alloc(0));
      const waiting = early ?? [];
      early = undefined;
      for (const message of waiting) receive(message);
    },
    onInput: (call) => void inputs.push(call),
    onInputEnd: (call) => void inputEnds.push(call),
    onResize: (call) => void resizes.push(call),
    onClose: (call) => void socket.on('close', call),
    send: (to, data) => sendTo(channel[to], data),
    pump(source, to) {
      source.on('data', (data: Buffer) => {
        sendTo(channel[to], data);
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
      const text = statusText(status, protocol.startsWith('v'));
      if (text !== '') sendTo(channel.error, Buffer.from(text));
      socket.close(1000);
    },
  };
}
