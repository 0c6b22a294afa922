/**
 * Port forwarding of clients without SPDY: for the i-th port, channel 2i is its data and 2i+1 its error, and each begins with the
 * port's number (16 bits, little endian) from our side. One connection a port.
 * Upstream: k8s.io/kubelet/pkg/cri/streaming/portforward/websocket.go.
 */
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { PodWorker } from '../pod-worker.ts';
import type { Upgrade } from './channels.ts';
import { HttpError } from './locate.ts';
import { dialPod } from './pod-dial.ts';
import { forwardError, portOf } from './port-forward.ts';
import { acceptWebSocket, chooseProtocol, keepAlive, messageBytes } from './websocket-channels.ts';

const protocols = ['v4.channel.k8s.io', 'v4.base64.channel.k8s.io'];

export async function serveLegacyPortForward(worker: PodWorker, upgrade: Upgrade): Promise<void> {
  const { query, request } = upgrade;
  const ports = [...query.getAll('ports'), ...query.getAll('port')].flatMap((text) => text.split(',')).map(checked);
  if (ports.length === 0) throw new HttpError(400, 'query parameter "port" is required');
  const protocol = chooseProtocol(request.headers['sec-websocket-protocol'], protocols);
  if (protocol === undefined)
    throw new HttpError(400, `none of the subprotocols ${String(request.headers['sec-websocket-protocol'])} is served`);
  const client = await acceptWebSocket(upgrade, protocol);
  keepAlive(client);
  const base64 = protocol.includes('base64');
  const send = (channel: number, data: Buffer): void => {
    if (client.readyState !== client.OPEN) return;
    if (base64) client.send(`${String.fromCharCode(0x30 + channel)}${data.toString('base64')}`);
    else client.send(Buffer.concat([Buffer.from([channel]), data]));
  };
  const inputs = ports.map((port, i) => open(worker, port, i * 2, client, send));
  client.on('message', (raw: Buffer | ArrayBuffer | Buffer[]) => {
    const message = messageBytes(raw);
    const channel = (message[0] ?? 0) - (base64 ? 0x30 : 0);
    const data = base64 ? Buffer.from(message.toString('latin1', 1), 'base64') : message.subarray(1);
    if (channel % 2 === 0) inputs[channel / 2]?.(data);
  });
}

function checked(text: string): number {
  try {
    return portOf(text);
  } catch (error) {
    throw new HttpError(400, error instanceof Error ? error.message : String(error));
  }
}

/** Returns how to give it what the client sends. */
function open(
  worker: PodWorker,
  port: number,
  channel: number,
  client: WebSocket,
  send: (channel: number, data: Buffer) => void,
): (data: Buffer) => void {
  const number = Buffer.alloc(2);
  number.writeUInt16LE(port);
  send(channel, number);
  send(channel + 1, number);
  const socket: Promise<Socket | undefined> = dialPod(worker.record, port).catch((error: unknown) => {
    send(channel + 1, Buffer.from(forwardError(worker, port, error)));
    return undefined;
  });
  void socket.then((opened) => {
    opened?.on('data', (data: Buffer) => send(channel, data));
    opened?.on('error', (error) => send(channel + 1, Buffer.from(forwardError(worker, port, error))));
    client.on('close', () => opened?.destroy());
  });
  return (data) => void socket.then((opened) => opened?.write(data));
}
