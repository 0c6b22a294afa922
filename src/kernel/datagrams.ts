/**
 * A bound UDP socket that takes up to 64 datagrams with one system call and answers them with another.
 *
 *   Node's event ──> its one datagram ──> then whatever else waits: recvmmsg(2) ─> handle each ─> sendmmsg(2)
 *
 * Node reads and writes one datagram per system call and event: 53,000 echoes a second on a core where this gives 160,000.
 * Nothing waits for a batch to fill: a lone datagram is handled at once. All memory is laid out once: message headers,
 * their vectors, peers' addresses, and a slot per datagram in and out, which belong to the handler during its call only.
 */
import dgram from 'node:dgram';
import { closeSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import koffi from 'koffi';
import { familyOf, parseIp } from '../util/ip.ts';

/** `packet` is a slot of which the first `length` octets count; the answer goes into `out`. */
export type DatagramHandler = (packet: Buffer, length: number, peer: Peer, out: Buffer) => number;

export interface Peer {
  readonly address: string;
  readonly port: number;
}

export interface Datagrams {
  readonly port: number;
  /** For answers that come after the handler has returned. */
  send(packet: Buffer, peer: Peer): void;
  /** Beyond the kernel's own limit (net.core.rmem_max) where this process may. */
  setRecvBufferSize(size: number): void;
  close(): void;
}

/** What fits an answer: DNS over UDP sends at most 1232 octets. */
export const answerRoom = 1536;

const batchSize = 64;
/** Datagrams that are longer are cut off. */
const packetRoom = 4096;
/** After so many full batches the event loop gets its turn. */
const batchesInARow = 8;

/** `handle` returns how many octets of `out` to send; 0: nothing now. Rejects with the code of bind(2). */
export async function openDatagrams(
  address: string,
  port: number,
  handle: DatagramHandler,
  onError: (error: Error) => void,
): Promise<Datagrams> {
  const fd = boundSocket(address, port);
  const version = address.includes(':') ? 6 : 4;
  const socket = dgram.createSocket({
    type: version === 4 ? 'udp4' : 'udp6',
    // Peers are addresses: without this every answer would take a turn of the event loop for their "lookup".
    lookup: (name, _options, callback) => callback(null, name, version),
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ fd, exclusive: true }, () => {
      socket.off('error', reject);
      resolve();
    });
  });
  socket.on('error', onError);
  let open = true;
  const send = (packet: Buffer, peer: Peer): void => {
    // Port 0 can't be answered.
    if (open && peer.port !== 0) socket.send(packet, peer.port, peer.address);
  };
  const batch = new Batch(fd, handle);
  const out = Buffer.allocUnsafeSlow(answerRoom);
  socket.on('message', (packet, peer) => {
    const length = handle(packet, packet.length, peer, out);
    if (length > 0) send(Buffer.from(out.subarray(0, length)), peer);
    for (let turn = 0; open && turn < batchesInARow && batch.turn(); turn += 1);
  });
  return {
    port: socket.address().port,
    send,
    setRecvBufferSize: (size) => {
      if (!forceReceiveBuffer(fd, size)) socket.setRecvBufferSize(size);
    },
    close: () => {
      open = false;
      socket.close();
    },
  };
}

/** Sizes and places of struct mmsghdr, iovec and sockaddr_in6 of 64-bit Linux (x86_64 and aarch64 agree). */
const header = { size: 64, name: 0, nameLength: 8, vector: 16, vectors: 24, length: 56 } as const;
const vectorSize = 16;
const nameRoom = 32;
const dontWait = 0x40;

class Batch {
  readonly #fd: number;
  readonly #handle: DatagramHandler;
  readonly #words: Uint32Array;
  readonly #in = { headers: 0, vectors: 0, names: 0, packets: [] as Buffer[] };
  readonly #out = { headers: 0, vectors: 0, packets: [] as Buffer[] };
  readonly #memory: Buffer;
  readonly #inHeaders: Buffer;
  readonly #outHeaders: Buffer[];
  /** Clients come back: the text of an IPv4 address by its number. */
  readonly #texts = new Map<number, string>();

  constructor(fd: number, handle: DatagramHandler) {
    this.#fd = fd;
    this.#handle = handle;
    const perMessage = 2 * (header.size + vectorSize) + nameRoom + packetRoom + answerRoom;
    const memory = Buffer.alloc(batchSize * perMessage);
    this.#memory = memory;
    this.#words = new Uint32Array(memory.buffer, memory.byteOffset, memory.length >> 2);
    let used = 0;
    const take = (size: number): number => (used += batchSize * size) - batchSize * size;
    const base = koffi.address(memory);
    const slots = (size: number): { readonly at: number; readonly buffers: Buffer[] } => {
      const at = take(size);
      const buffers = Array.from({ length: batchSize }, (_, i) => memory.subarray(at + i * size, at + (i + 1) * size));
      return { at, buffers };
    };
    const direction = (room: number) => {
      const part = { headers: take(header.size), vectors: take(vectorSize), ...slots(room) };
      for (let i = 0; i < batchSize; i += 1) {
        const at = part.headers + i * header.size;
        const vector = part.vectors + i * vectorSize;
        memory.writeBigUInt64LE(base + BigInt(vector), at + header.vector);
        memory.writeBigUInt64LE(1n, at + header.vectors);
        memory.writeBigUInt64LE(base + BigInt(part.at + i * room), vector);
        memory.writeBigUInt64LE(BigInt(room), vector + 8);
      }
      return part;
    };
    const [incoming, outgoing, names] = [direction(packetRoom), direction(answerRoom), take(nameRoom)];
    for (let i = 0; i < batchSize; i += 1) {
      memory.writeBigUInt64LE(base + BigInt(names + i * nameRoom), incoming.headers + i * header.size);
    }
    this.#in = { headers: incoming.headers, vectors: incoming.vectors, names, packets: incoming.buffers };
    this.#out = { headers: outgoing.headers, vectors: outgoing.vectors, packets: outgoing.buffers };
    this.#inHeaders = memory.subarray(incoming.headers, incoming.headers + batchSize * header.size);
    this.#outHeaders = Array.from({ length: batchSize }, (_, i) =>
      memory.subarray(outgoing.headers + i * header.size, outgoing.headers + batchSize * header.size),
    );
  }

  /** false: nothing waits any more. */
  turn(): boolean {
    const words = this.#words;
    for (let i = 0; i < batchSize; i += 1) {
      words[(this.#in.headers + i * header.size + header.nameLength) >> 2] = nameRoom;
    }
    const count = library().recvmmsg(this.#fd, this.#inHeaders, batchSize, dontWait, null);
    if (count <= 0) return false;
    let answers = 0;
    for (let i = 0; i < count; i += 1) {
      const [packet, out] = [this.#in.packets[i], this.#out.packets[answers]];
      const peer = this.#peer(i);
      if (packet === undefined || out === undefined || peer.port === 0) continue;
      const length = this.#handle(
        packet,
        words[(this.#in.headers + i * header.size + header.length) >> 2] ?? 0,
        peer,
        out,
      );
      if (length > 0) this.#answer(answers++, i, length);
    }
    this.#send(answers);
    return count === batchSize;
  }

  /** The answer's header points to where the question's peer stands. */
  #answer(at: number, question: number, length: number): void {
    const words = this.#words;
    const from = (this.#in.headers + question * header.size) >> 2;
    const to = (this.#out.headers + at * header.size) >> 2;
    words[to] = words[from] ?? 0;
    words[to + 1] = words[from + 1] ?? 0;
    words[to + (header.nameLength >> 2)] = words[from + (header.nameLength >> 2)] ?? 0;
    words[(this.#out.vectors + at * vectorSize + 8) >> 2] = length;
  }

  /** What one peer refuses (a firewall, a route that is gone) is lost as any datagram may be; the others get theirs. */
  #send(answers: number): void {
    for (let sent = 0; sent < answers;) {
      const headers = this.#outHeaders[sent];
      if (headers === undefined) return;
      const count = library().sendmmsg(this.#fd, headers, answers - sent, dontWait);
      sent += Math.max(1, count);
    }
  }

  #peer(i: number): Peer {
    const at = this.#in.names + i * nameRoom;
    const memory = this.#memory;
    const port = memory.readUInt16BE(at + 2);
    if (memory.readUInt16LE(at) === inet) return { address: this.#text(memory.readUInt32BE(at + 4)), port };
    const groups = Array.from({ length: 8 }, (_, group) => memory.readUInt16BE(at + 8 + 2 * group).toString(16));
    const scope = memory.readUInt32LE(at + 24);
    return { address: `${groups.join(':')}${scope === 0 ? '' : `%${scope}`}`, port };
  }

  #text(address: number): string {
    let text = this.#texts.get(address);
    if (text === undefined) {
      text = [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
      if (this.#texts.size >= 4096) this.#texts.clear();
      this.#texts.set(address, text);
    }
    return text;
  }
}

const inet = 2;
const inet6 = 10;
const datagramNonBlockCloexec = 2 | 0o4000 | 0o2000000;
const ipProtoIpv6 = 41;
const ipv6Only = 26;
/** SO_RCVBUFFORCE of socket(7); these numbers are those of x86_64 and aarch64. */
const solSocket = 1;
const receiveBufferForce = 33;

function boundSocket(address: string, port: number): number {
  const { socket, bind, setsockopt } = library();
  const six = familyOf(address) === 'IPv6';
  const fd = socket(six ? inet6 : inet, datagramNonBlockCloexec, 0);
  if (fd < 0) throw systemError('socket', koffi.errno(), address, port);
  if (six) setsockopt(fd, ipProtoIpv6, ipv6Only, Buffer.from([1, 0, 0, 0]), 4);
  const name = socketAddress(address, port);
  if (bind(fd, name, name.length) === 0) return fd;
  const errno = koffi.errno();
  closeSync(fd);
  throw systemError('bind', errno, address, port);
}

/** false: needs CAP_NET_ADMIN. */
function forceReceiveBuffer(fd: number, size: number): boolean {
  const value = Buffer.alloc(4);
  value.writeInt32LE(size);
  return library().setsockopt(fd, solSocket, receiveBufferForce, value, value.length) === 0;
}

/** struct sockaddr_in or sockaddr_in6. */
export function socketAddress(address: string, port: number): Buffer {
  const ip = parseIp(address);
  if (ip === undefined) throw new Error(`${address} is not an address`);
  const six = ip.family === 'IPv6';
  const name = Buffer.alloc(six ? 28 : 16);
  name.writeUInt16LE(six ? inet6 : inet, 0);
  name.writeUInt16BE(port, 2);
  if (six) name.set(Buffer.from(ip.value.toString(16).padStart(32, '0'), 'hex'), 8);
  else name.writeUInt32BE(Number(ip.value), 4);
  return name;
}

function systemError(call: string, errno: number, address: string, port: number): Error {
  const code = getSystemErrorName(-errno);
  return Object.assign(new Error(`${call} ${code} ${address}:${port}`), {
    code,
    errno: -errno,
    syscall: call,
    address,
    port,
  });
}

interface Library {
  readonly socket: (domain: number, type: number, protocol: number) => number;
  readonly bind: (fd: number, address: Buffer, length: number) => number;
  readonly setsockopt: (fd: number, level: number, name: number, value: Buffer, length: number) => number;
  readonly recvmmsg: (fd: number, headers: Buffer, count: number, flags: number, timeout: null) => number;
  readonly sendmmsg: (fd: number, headers: Buffer, count: number, flags: number) => number;
}

let loaded: Library | undefined;

function library(): Library {
  if (loaded !== undefined) return loaded;
  const libc = koffi.load(null);
  const found = <T>(prototype: string): T => libc.func(prototype) as T;
  loaded = {
    socket: found('int socket(int domain, int type, int protocol)'),
    bind: found('int bind(int fd, const void *addr, unsigned int len)'),
    setsockopt: found('int setsockopt(int fd, int level, int name, const void *value, unsigned int len)'),
    recvmmsg: found('int recvmmsg(int fd, void *headers, unsigned int count, int flags, void *timeout)'),
    sendmmsg: found('int sendmmsg(int fd, void *headers, unsigned int count, int flags)'),
  };
  return loaded;
}
