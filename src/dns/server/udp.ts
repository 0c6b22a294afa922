/** DNS over UDP on one address: what is known by heart goes out with the batch, everything else when it is ready. */
import { answerRoom, openDatagrams } from '../../kernel/datagrams.ts';
import { log } from '../../util/log.ts';
import type { Listen } from '../options.ts';
import type { Client, Responder } from './responder.ts';

const logger = log('dns');
/** Bursts wait in the kernel while the process is busy elsewhere. */
const receiveBuffer = 2 << 20;

/** Resolves when bound, with the port that the kernel chose where 0 was asked for. */
export async function serveUdp(listen: Listen, responder: Responder, signal: AbortSignal): Promise<Listen> {
  const clients = new Clients();
  const datagrams = await openDatagrams(
    listen.address,
    listen.port,
    (packet, length, peer, out) => {
      const client = clients.get(peer.address);
      const known = responder.quick(packet, length, client, out);
      if (known > 0) return known;
      // An answer that is ready before this call returns goes with the others.
      let atOnce = 0;
      let late = false;
      responder.handle(packet.subarray(0, length), client, (answer) => {
        if (!late && answer.length <= answerRoom) {
          out.set(answer);
          atOnce = answer.length;
        } else datagrams.send(answer, peer);
      });
      late = true;
      return atOnce;
    },
    (error) => logger.warn({ err: error }, 'UDP socket'),
  );
  try {
    datagrams.setRecvBufferSize(receiveBuffer);
  } catch (error) {
    logger.debug({ err: error }, 'the receive buffer stays small');
  }
  if (signal.aborted) datagrams.close();
  else signal.addEventListener('abort', () => datagrams.close(), { once: true });
  return { address: listen.address, port: datagrams.port };
}

/** One object per address, not one per question. */
class Clients {
  readonly #known = new Map<string, Client>();

  get(address: string): Client {
    let client = this.#known.get(address);
    if (client === undefined) {
      if (this.#known.size >= 4096) this.#known.clear();
      this.#known.set(address, (client = { address, transport: 'udp' }));
    }
    return client;
  }
}
