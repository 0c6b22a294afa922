/**
 * DNS over TCP on one address (RFC 7766): many questions on a connection, answered as each is ready.
 *
 *   limits: connections in all and per client, questions under way per connection, unread answers, idle time
 */
import net from 'node:net';
import { log } from '../../util/log.ts';
import type { Listen } from '../options.ts';
import type { Responder } from './responder.ts';

const logger = log('dns');
const maxConnections = 1_000;
const maxPerClient = 100;
const maxUnderWay = 100;
const maxUnread = 128 << 10;
/** CoreDNS's idle time-out. */
const idleMs = 10_000;

export function serveTcp(listen: Listen, responder: Responder, signal: AbortSignal): Promise<Listen> {
  const connections = new Set<net.Socket>();
  const perClient = new Map<string, number>();
  // Half open: `printf … | nc` closes its side before it reads.
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const client = socket.remoteAddress ?? '';
    const count = (perClient.get(client) ?? 0) + 1;
    if (connections.size >= maxConnections || count > maxPerClient) {
      socket.destroy();
      return;
    }
    connections.add(socket);
    perClient.set(client, count);
    socket.on('close', () => {
      connections.delete(socket);
      const left = (perClient.get(client) ?? 1) - 1;
      if (left > 0) perClient.set(client, left);
      else perClient.delete(client);
    });
    serveConnection(socket, client, responder);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(
      { host: listen.address, port: listen.port, exclusive: true, ipv6Only: listen.address.includes(':') },
      () => {
        server.off('error', reject);
        server.on('error', (error) => logger.warn({ err: error }, 'TCP server'));
        const stop = (): void => {
          server.close();
          for (const socket of connections) socket.destroy();
        };
        signal.addEventListener('abort', stop, { once: true });
        const bound = server.address();
        resolve({
          address: listen.address,
          port: typeof bound === 'object' && bound !== null ? bound.port : listen.port,
        });
      },
    );
  });
}

function serveConnection(socket: net.Socket, address: string, responder: Responder): void {
  let received: Buffer = Buffer.alloc(0);
  let underWay = 0;
  let ended = false;
  const overloaded = (): boolean => underWay >= maxUnderWay || socket.writableLength > maxUnread;
  const next = (): void => {
    while (!overloaded() && received.length >= 2) {
      const end = 2 + received.readUInt16BE(0);
      if (received.length < end) break;
      const packet = received.subarray(2, end);
      received = received.subarray(end);
      underWay += 1;
      const isQuestion = responder.handle(packet, { address, transport: 'tcp' }, (answer) => {
        if (!socket.destroyed) socket.write(Buffer.concat([lengthOf(answer), answer]));
        done();
      });
      if (!isQuestion) {
        socket.destroy();
        return;
      }
    }
    if (overloaded()) socket.pause();
    else if (socket.isPaused()) socket.resume();
    if (ended && underWay === 0) socket.end();
  };
  const done = (): void => {
    underWay -= 1;
    // Not from within the loop above: it goes on by itself.
    queueMicrotask(next);
  };
  socket.setTimeout(idleMs, () => socket.destroy());
  socket.on('error', (error) => logger.debug({ client: address, err: error }, 'TCP connection'));
  socket.on('drain', next);
  socket.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    next();
  });
  socket.on('end', () => {
    ended = true;
    next();
  });
}

function lengthOf(packet: Buffer): Buffer {
  const length = Buffer.allocUnsafe(2);
  length.writeUInt16BE(packet.length);
  return length;
}
