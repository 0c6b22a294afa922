/**
 * A netfilter netlink socket in a network namespace: requests go out, answers come back in the same call. The kernel works
 * on a request inside of send(), so nothing here waits for anybody but the kernel.
 *
 *   const socket = openNetlink('/run/netns/portolan-node-1');
 *   socket.request(writer.bytes, seq)             throws NetlinkError (errno) when the kernel refuses
 *   socket.dump(writer.bytes, seq, visit)         every answer of a dump; false: the table changed meanwhile, ask again
 */
import { closeSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import koffi from 'koffi';
import { messages, nlm } from './netlink-message.ts';
import type { NetlinkMessage } from './netlink-message.ts';
import { withNetns } from './netns.ts';

export class NetlinkError extends Error {
  /** `ENOENT`, `EPERM`, … */
  readonly code: string;
  readonly errno: number;
  constructor(doing: string, errno: number) {
    const code = getSystemErrorName(-errno);
    const fix = code === 'EPERM' ? ': this needs root, or CAP_NET_ADMIN in the namespace' : '';
    super(`${doing}: ${code}${fix}`);
    this.name = 'NetlinkError';
    this.code = code;
    this.errno = errno;
  }
}

export interface NetlinkSocket {
  /** Sends and waits for the acknowledgement of the message with this sequence number. */
  request(bytes: Uint8Array, sequence: number): void;
  dump(bytes: Uint8Array, sequence: number, visit: (message: NetlinkMessage) => void): boolean;
  close(): void;
}

const afNetlink = 16;
const sockRaw = 3;
const sockCloexec = 0o2000000;
const netlinkNetfilter = 12;
const solSocket = 1;
const soReceiveBufferForce = 33;
const soSendBufferForce = 32;
const soReceiveTimeout = 20;
const solNetlink = 270;
const netlinkCapAck = 10;
const errorType = 2;
const doneType = 3;
const eintr = 4;

export function openNetlink(netns?: string): NetlinkSocket {
  const make = (): number => makeSocket();
  const fd = netns === undefined ? make() : withNetns(netns, make);
  const { send, recv } = library();
  const buffer = Buffer.allocUnsafe(256 * 1024);

  const receive = (): Buffer => {
    for (;;) {
      const length = Number(recv(fd, buffer, buffer.length, 0));
      if (length >= 0) return buffer.subarray(0, length);
      const errno = koffi.errno();
      if (errno !== eintr) throw new NetlinkError('netlink receive', errno);
    }
  };
  const transmit = (bytes: Uint8Array): void => {
    while (Number(send(fd, bytes, bytes.length, 0)) < 0) {
      const errno = koffi.errno();
      if (errno !== eintr) throw new NetlinkError(`netlink send of ${String(bytes.length)} bytes`, errno);
    }
  };

  return {
    request(bytes, sequence) {
      transmit(bytes);
      let failure = 0;
      for (;;) {
        for (const message of messages(receive())) {
          if (message.type !== errorType) continue;
          const errno = -message.body.readInt32LE(0);
          // The first refusal is the cause; the kernel names every message of the batch that it refused.
          if (errno !== 0 && failure === 0) failure = errno;
          if (message.sequence === sequence || errno !== 0) {
            if (failure !== 0) {
              drain(fd, buffer);
              throw new NetlinkError('netfilter refused the change', failure);
            }
            return;
          }
        }
      }
    },
    dump(bytes, sequence, visit) {
      transmit(bytes);
      let whole = true;
      for (;;) {
        for (const message of messages(receive())) {
          if (message.sequence !== sequence) continue;
          if ((message.flags & nlm.dumpInterrupted) !== 0) whole = false;
          if (message.type === doneType) return whole;
          if (message.type === errorType) {
            const errno = -message.body.readInt32LE(0);
            if (errno !== 0) throw new NetlinkError('netfilter refused the listing', errno);
            return whole;
          }
          visit(message);
        }
      }
    },
    close: () => closeSync(fd),
  };
}

/** Answers to the rest of a refused batch are of no use to the next request. */
function drain(fd: number, buffer: Buffer): void {
  const dontWait = 0x40;
  while (Number(library().recv(fd, buffer, buffer.length, dontWait)) > 0);
}

function makeSocket(): number {
  const { socket, bind, setsockopt } = library();
  const fd = socket(afNetlink, sockRaw | sockCloexec, netlinkNetfilter);
  if (fd < 0) throw new NetlinkError('netlink socket (does this kernel have nf_tables?)', koffi.errno());
  const address = Buffer.alloc(12);
  address.writeUInt16LE(afNetlink, 0);
  if (bind(fd, address, address.length) !== 0) {
    const errno = koffi.errno();
    closeSync(fd);
    throw new NetlinkError('netlink bind', errno);
  }
  // A whole table is one message, so that it is one transaction; without privilege the calls fail and the default stays.
  setsockopt(fd, solSocket, soSendBufferForce, int(64 << 20), 4);
  setsockopt(fd, solSocket, soReceiveBufferForce, int(8 << 20), 4);
  setsockopt(fd, solNetlink, netlinkCapAck, int(1), 4);
  // The kernel always answers; a bug here must not hang the process for ever.
  setsockopt(fd, solSocket, soReceiveTimeout, seconds(20), 16);
  return fd;
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

function seconds(value: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeBigInt64LE(BigInt(value));
  return bytes;
}

interface Library {
  readonly socket: (domain: number, type: number, protocol: number) => number;
  readonly bind: (fd: number, address: Uint8Array, length: number) => number;
  readonly setsockopt: (fd: number, level: number, name: number, value: Uint8Array, length: number) => number;
  readonly send: (fd: number, bytes: Uint8Array, length: number, flags: number) => number | bigint;
  readonly recv: (fd: number, bytes: Uint8Array, length: number, flags: number) => number | bigint;
}

let loaded: Library | undefined;

function library(): Library {
  if (loaded !== undefined) return loaded;
  const libc = koffi.load(null);
  const bind = <T>(prototype: string): T => libc.func(prototype) as T;
  loaded = {
    socket: bind('int socket(int domain, int type, int protocol)'),
    bind: bind('int bind(int fd, const void *addr, unsigned int len)'),
    setsockopt: bind('int setsockopt(int fd, int level, int name, const void *value, unsigned int len)'),
    send: bind('long send(int fd, const void *buf, size_t len, int flags)'),
    recv: bind('long recv(int fd, void *buf, size_t len, int flags)'),
  };
  return loaded;
}
