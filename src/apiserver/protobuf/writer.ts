/**
 * Writes protocol buffers' wire format, field by field, into one growing buffer: the other direction of wire.ts. It knows no
 * message; who calls it brings the field numbers.
 *
 *   new ProtobufWriter().text(1, '2.0').message(2, (info) => info.text(1, 'Kubernetes')).bytes()
 *
 * A value that is undefined is left out; '', 0 and false are written, as members of a oneof must be.
 */
export class ProtobufWriter {
  #buffer = Buffer.allocUnsafe(4096);
  #at = 0;

  /** `prefix`: what stands before the first field. */
  constructor(prefix?: Buffer) {
    if (prefix !== undefined) this.#at = prefix.copy(this.#buffer);
  }

  text(number: number, value: string | undefined): this {
    if (value === undefined) return this;
    const length = Buffer.byteLength(value);
    this.#tag(number, lengthDelimited).#varint(length).#reserve(length);
    this.#at += this.#buffer.write(value, this.#at, length);
    return this;
  }

  /** int32, int64, uint32, uint64 and enumerations. A negative number takes ten bytes, as in every int64. */
  integer(number: number, value: number | bigint | undefined): this {
    if (value === undefined) return this;
    return this.#tag(number, varint).#varint(value);
  }

  flag(number: number, value: boolean | undefined): this {
    return this.integer(number, value === undefined ? undefined : Number(value));
  }

  bytesField(number: number, value: Buffer): this {
    this.#tag(number, lengthDelimited).#varint(value.length).#reserve(value.length);
    this.#at += value.copy(this.#buffer, this.#at);
    return this;
  }

  double(number: number, value: number): this {
    this.#tag(number, fixed64).#reserve(8);
    this.#at = this.#buffer.writeDoubleLE(value, this.#at);
    return this;
  }

  /** The message's length goes before it and is known after it: one byte is kept for it, a longer one moves the message. */
  message(number: number, write: (to: this) => void): this {
    this.#tag(number, lengthDelimited).#reserve(1);
    const start = ++this.#at;
    write(this);
    const length = this.#at - start;
    const more = varintSize(length) - 1;
    if (more > 0) {
      this.#reserve(more);
      this.#buffer.copyWithin(start + more, start, this.#at);
    }
    this.#at = start - 1;
    this.#varint(length);
    this.#at += length;
    return this;
  }

  /** A copy of exactly what was written. */
  bytes(): Buffer<ArrayBuffer> {
    return Buffer.from(this.#buffer.subarray(0, this.#at));
  }

  #tag(number: number, type: number): this {
    return this.#varint(number * 8 + type);
  }

  #varint(value: number | bigint): this {
    this.#reserve(10);
    // Nearly every number is a tag or a length; BigInt would cost ten times as much.
    if (typeof value === 'number' && value >= 0 && value <= 0x7fffffff) {
      let rest = value;
      while (rest > 0x7f) {
        this.#buffer[this.#at++] = (rest & 0x7f) | 0x80;
        rest >>>= 7;
      }
      this.#buffer[this.#at++] = rest;
      return this;
    }
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest > 0x7fn) {
      this.#buffer[this.#at++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#buffer[this.#at++] = Number(rest);
    return this;
  }

  #reserve(more: number): void {
    if (this.#at + more <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + more));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}

const varint = 0;
const fixed64 = 1;
const lengthDelimited = 2;

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) size++;
  return size;
}
