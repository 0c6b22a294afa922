/**
 * Netlink messages as bytes: written into one growing buffer, read back as views. The layouts are those of
 * linux/netlink.h and linux/netfilter/nfnetlink.h.
 *
 *   [ length type flags seq port | family version res_id | attribute … ] [ next message ] …
 *                                   attribute: [ length type | bytes, padded to 4 | nested attributes ]
 */

export const nlm = { request: 1, multi: 2, ack: 4, dumpInterrupted: 0x10, excl: 0x200, dump: 0x300, create: 0x400 };

const nested = 0x8000;
const typeMask = 0x3fff;

export class NetlinkWriter {
  #bytes: Buffer;
  #length = 0;
  #message = 0;

  constructor(size = 4096) {
    this.#bytes = Buffer.alloc(size);
  }

  get length(): number {
    return this.#length;
  }

  /** What was written; valid until the next write. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** A message with netfilter's general header. */
  begin(type: number, flags: number, family: number, sequence: number, resource = 0): void {
    this.#reserve(20);
    this.#message = this.#length;
    const at = this.#length;
    this.#bytes.fill(0, at, at + 20);
    this.#bytes.writeUInt16LE(type, at + 4);
    this.#bytes.writeUInt16LE(flags, at + 6);
    this.#bytes.writeUInt32LE(sequence, at + 8);
    this.#bytes.writeUInt8(family, at + 16);
    this.#bytes.writeUInt16BE(resource, at + 18);
    this.#length += 20;
  }

  end(): void {
    this.#bytes.writeUInt32LE(this.#length - this.#message, this.#message);
  }

  attribute(type: number, value: Uint8Array): void {
    const size = (value.length + 3) & ~3;
    this.#header(4 + value.length, type, 4 + size);
    this.#bytes.set(value, this.#length - size);
    for (let at = this.#length - size + value.length; at < this.#length; at++) this.#bytes[at] = 0;
  }

  text(type: number, value: string): void {
    this.attribute(type, Buffer.from(`${value}\0`));
  }

  u32be(type: number, value: number): void {
    this.#header(8, type, 8);
    this.#bytes.writeUInt32BE(value >>> 0, this.#length - 4);
  }

  /** Returns where the nest began, for `close`. */
  open(type: number): number {
    this.#header(0, type | nested, 4);
    return this.#length - 4;
  }

  close(start: number): void {
    const size = this.#length - start;
    if (size > 0xffff) throw new RangeError(`netlink attribute of ${String(size)} bytes: at most 65535 fit`);
    this.#bytes.writeUInt16LE(size, start);
  }

  #header(length: number, type: number, total: number): void {
    this.#reserve(total);
    this.#bytes.writeUInt16LE(length, this.#length);
    this.#bytes.writeUInt16LE(type, this.#length + 2);
    this.#length += total;
  }

  #reserve(size: number): void {
    if (this.#length + size <= this.#bytes.length) return;
    const bigger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + size));
    this.#bytes.copy(bigger, 0, 0, this.#length);
    this.#bytes = bigger;
  }
}

export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** Everything after the 16 bytes of the general header. */
  readonly body: Buffer;
}

export function* messages(datagram: Buffer): Generator<NetlinkMessage> {
  let at = 0;
  while (at + 16 <= datagram.length) {
    const length = datagram.readUInt32LE(at);
    if (length < 16 || at + length > datagram.length) return;
    yield {
      type: datagram.readUInt16LE(at + 4),
      flags: datagram.readUInt16LE(at + 6),
      sequence: datagram.readUInt32LE(at + 8),
      body: datagram.subarray(at + 16, at + length),
    };
    at += (length + 3) & ~3;
  }
}

/** Calls visit for each attribute from `start` on. A callback, because a table has hundreds of thousands. */
export function attributes(bytes: Buffer, start: number, visit: (type: number, value: Buffer) => void): void {
  let at = start;
  while (at + 4 <= bytes.length) {
    const length = bytes.readUInt16LE(at);
    if (length < 4 || at + length > bytes.length) return;
    visit(bytes.readUInt16LE(at + 2) & typeMask, bytes.subarray(at + 4, at + length));
    at += (length + 3) & ~3;
  }
}

/** The first attribute of this type. */
export function attribute(bytes: Buffer, start: number, type: number): Buffer | undefined {
  let found: Buffer | undefined;
  attributes(bytes, start, (kind, value) => {
    if (kind === type) found ??= value;
  });
  return found;
}
