/**
 * Sockets that live in another network namespace than their process: a socket keeps the namespace it was made in.
 *
 *   socketsIn('/proc/1/ns/net') ─┬─ udp('IPv4')   dgram.Socket, to be connected
 *                                └─ tcp('IPv4')   net.Socket, to be connected
 *
 * Only `socket(2)` is called in there (by the main thread, in one synchronous step); Node adopts the descriptor. Without
 * a path they are ordinary sockets, and nothing native is loaded.
 */
import dgram from 'node:dgram';
import net from 'node:net';

export type SocketFamily = 'IPv4' | 'IPv6';

export interface SocketFactory {
  udp(family: SocketFamily): dgram.Socket;
  tcp(family: SocketFamily): net.Socket;
}

const domain = { IPv4: 2, IPv6: 10 } as const;
const kind = { stream: 1, datagram: 2 } as const;
const nonBlocking = 0o4000;
const closeOnExec = 0o2000000;

/** Node types leave it out: the handle is not read before it is connected. */
interface AdoptedSocketOptions extends net.SocketConstructorOpts {
  readonly manualStart: boolean;
}

export async function socketsIn(netns: string | undefined): Promise<SocketFactory> {
  if (netns === undefined) return { udp: (family) => newUdp(family), tcp: () => new net.Socket() };
  const [{ withNetns }, { default: koffi }] = await Promise.all([import('./netns.ts'), import('koffi')]);
  const socket = koffi.load(null).func('int socket(int, int, int)') as (d: number, t: number, p: number) => number;
  const open = (family: SocketFamily, type: number): number => {
    const fd = withNetns(netns, () => socket(domain[family], type | nonBlocking | closeOnExec, 0));
    if (fd < 0) throw new Error(`socket(${family}) in ${netns} failed: errno ${koffi.errno()}`);
    return fd;
  };
  return {
    udp: (family) => newUdp(family).bind({ fd: open(family, kind.datagram), exclusive: true }),
    tcp: (family) => {
      const options: AdoptedSocketOptions = { fd: open(family, kind.stream), manualStart: true };
      return new net.Socket(options);
    },
  };
}

/** Its peers are given as addresses, so nothing is looked up: Node's resolver would cost a turn of the event loop. */
function newUdp(family: SocketFamily): dgram.Socket {
  const version = family === 'IPv4' ? 4 : 6;
  return dgram.createSocket({
    type: version === 4 ? 'udp4' : 'udp6',
    lookup: (address, _options, callback) => callback(null, address, version),
  });
}
