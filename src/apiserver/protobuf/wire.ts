/** Protocol buffers' wire format: tagged fields of varints, fixed numbers and byte strings. Every length is checked. */

export class WireError extends Error {}

export interface WireField {
  readonly number: number;
  /** Varints and fixed64 as bigint, fixed32 as number, the rest as bytes. */
  readonly value: bigint | number | Buffer;
}

export function* wireFields(bytes: Buffer): Generator<WireField> {
  const reader = new Reader(bytes);
  while (!reader.done) {
    const tag = Number(reader.varint());
    const number = tag >>> 3;
    if (number === 0) throw new WireError('illegal tag 0');
    yield { number, value: reader.value(tag & 7) };
  }
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  value(type: number): bigint | number | Buffer {
    switch (type) {
      case 0:
        return this.varint();
      case 1:
        return this.take(8).readBigUInt64LE();
      case 2:
        return this.take(Number(this.varint()));
      case 5:
        return this.take(4).readUInt32LE();
      default:
        throw new WireError(`illegal wireType ${String(type)}`);
    }
  }

  varint(): bigint {
    let result = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new WireError('unexpected EOF');
      result |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, result);
    }
    throw new WireError('integer overflow');
  }

  take(length: number): Buffer {
    if (length > this.#bytes.length - this.#at) throw new WireError('unexpected EOF');
    const part = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return part;
  }
}
