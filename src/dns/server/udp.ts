/** DNS over UDP on one address. */
import dgram from 'node:dgram';
import { log } from '../../util/log.ts';
import type { Listen } from '../options.ts';
import type { Responder } from './responder.ts';

const logger = log('dns');
/** Bursts wait in the kernel while the process is busy elsewhere. */
const receiveBuffer = 2 << 20;

/** Resolves when bound, with the port that the kernel chose where 0 was asked for. */
export function serveUdp(listen: Listen, responder: Responder, signal: AbortSignal): Promise<Listen> {
  const version = listen.address.includes(':') ? 6 : 4;
  const socket = dgram.createSocket({
    type: version === 4 ? 'udp4' : 'udp6',
    ipv6Only: version === 6,
    // Peers are addresses: without this every answer would take a turn of the event loop for their "lookup".
    lookup: (address, _options, callback) => callback(null, address, version),
  });
  return new Promise((resolve, reject) => {
    const cannotBind = (error: Error): void => reject(error);
    socket.once('error', cannotBind);
    socket.bind({ address: listen.address, port: listen.port, exclusive: true }, () => {
      socket.off('error', cannotBind);
      socket.on('error', (error) => logger.warn({ err: error }, 'UDP socket'));
      try {
        socket.setRecvBufferSize(receiveBuffer);
      } catch (error) {
        logger.debug({ err: error }, 'the receive buffer stays small');
      }
      signal.addEventListener('abort', () => socket.close(), { once: true });
      resolve({ address: listen.address, port: socket.address().port });
    });
    socket.on('message', (packet, { address, port }) => {
      // Port 0 can't be answered.
      if (port === 0) return;
      responder.handle(packet, { address, transport: 'udp' }, (answer) => {
        if (!signal.aborted) socket.send(answer, port, address);
      });
    });
  });
}
