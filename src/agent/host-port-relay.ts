/** One port of the node's loopback, handed on to a pod: connections (TCP) or conversations (UDP). */
import { createSocket } from 'node:dgram';
import type { RemoteInfo, Socket as UdpSocket } from 'node:dgram';
import { connect, createServer, isIPv6 } from 'node:net';
import type { Socket } from 'node:net';
import { log } from '../util/log.ts';

export interface RelayInput {
  readonly protocol: string;
  readonly address: string;
  readonly port: number;
  readonly podIp: string;
  readonly podPort: number;
}

export interface Relay {
  close(): void;
}

const logger = log('agent');
const udpIdleMs = 60_000;
const mostConversations = 1024;

export function openRelay(input: RelayInput): Relay {
  return input.protocol === 'udp' ? relayUdp(input) : relayTcp(input);
}

function refused(input: RelayInput, error: Error): void {
  logger.warn({ ...input, err: error.message }, 'host port is not open on loopback');
}

function relayTcp(input: RelayInput): Relay {
  const sockets = new Set<Socket>();
  const track = (socket: Socket, other: () => Socket): void => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => other().resetAndDestroy());
  };
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    const pod = connect({ host: input.podIp, port: input.podPort, allowHalfOpen: true });
    track(client, () => pod);
    track(pod, () => client);
    pod.once('connect', () => {
      client.pipe(pod);
      pod.pipe(client);
    });
  });
  server.on('error', (error) => refused(input, error));
  server.listen({ host: input.address, port: input.port });
  return {
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function relayUdp(input: RelayInput): Relay {
  const type = (address: string): 'udp4' | 'udp6' => (isIPv6(address) ? 'udp6' : 'udp4');
  const conversations = new Map<string, { readonly socket: UdpSocket; readonly timer: NodeJS.Timeout }>();
  const server = createSocket(type(input.address));
  const begin = (key: string, from: RemoteInfo): UdpSocket => {
    const socket = createSocket(type(input.podIp));
    const end = (): void => {
      if (!conversations.delete(key)) return;
      clearTimeout(timer);
      socket.close();
    };
    const timer = setTimeout(end, udpIdleMs);
    timer.unref();
    socket.on('message', (data) => {
      timer.refresh();
      server.send(data, from.port, from.address);
    });
    socket.on('error', end);
    conversations.set(key, { socket, timer });
    return socket;
  };
  server.on('message', (data, from) => {
    const key = `${from.address} ${String(from.port)}`;
    const known = conversations.get(key);
    known?.timer.refresh();
    if (known === undefined && conversations.size >= mostConversations) return;
    (known?.socket ?? begin(key, from)).send(data, input.podPort, input.podIp);
  });
  server.on('error', (error) => refused(input, error));
  server.bind({ address: input.address, port: input.port });
  return {
    close() {
      server.close();
      for (const { socket, timer } of conversations.values()) {
        clearTimeout(timer);
        socket.close();
      }
      conversations.clear();
    },
  };
}
