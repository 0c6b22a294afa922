/**
 * Sockets that say "somebody is here" to the kernel's own rules (nftables `socket`), for an address that is not this
 * machine's: bound, never read. The kernel closes them with the process, however it ends.
 */
import { closeSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import koffi from 'koffi';
import { socketAddress } from './datagrams.ts';

const kinds = { udp: 2, tcp: 1 } as const;
const nonBlockCloexec = 0o4000 | 0o2000000;
/** IP_FREEBIND of ip(7), IPV6_FREEBIND of linux/in6.h: binding to an address that is nobody's. */
const freeBind = { ipv4: { level: 0, name: 15 }, ipv6: { level: 41, name: 78 } } as const;

/** UDP and TCP at this address and port, until disposed. Throws where another socket has them. */
export function openPresence(address: string, port: number): Disposable {
  const open: number[] = [];
  const close = (): void => {
    for (const fd of open.splice(0)) closeSync(fd);
  };
  try {
    for (const kind of ['udp', 'tcp'] as const) open.push(boundSocket(kind, address, port));
  } catch (error) {
    close();
    throw error;
  }
  return { [Symbol.dispose]: close };
}

function boundSocket(kind: keyof typeof kinds, address: string, port: number): number {
  const libc = koffi.load(null);
  const call = <T>(prototype: string): T => libc.func(prototype) as T;
  const socket = call<(d: number, t: number, p: number) => number>('int socket(int, int, int)');
  const bind = call<(fd: number, name: Buffer, size: number) => number>('int bind(int, const void *, unsigned int)');
  const listen = call<(fd: number, backlog: number) => number>('int listen(int, int)');
  const setsockopt = call<(fd: number, level: number, name: number, value: Buffer, size: number) => number>(
    'int setsockopt(int, int, int, const void *, unsigned int)',
  );
  const check = (what: string, result: number): number => {
    if (result >= 0) return result;
    throw new Error(`${what} ${kind} ${address} port ${port}: ${getSystemErrorName(-koffi.errno())}`);
  };
  const name = socketAddress(address, port);
  const fd = check('socket', socket(name.readUInt16LE(0), kinds[kind] | nonBlockCloexec, 0));
  try {
    const free = name.length === 16 ? freeBind.ipv4 : freeBind.ipv6;
    check('setsockopt', setsockopt(fd, free.level, free.name, Buffer.from([1, 0, 0, 0]), 4));
    check('bind', bind(fd, name, name.length));
    if (kind === 'tcp') check('listen', listen(fd, 1));
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
