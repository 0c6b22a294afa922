/**
 * SPDY/3.1 on the wire (draft 3.1, §2.2 and §2.6).
 *
 *   control: 1|version(15) type(16) flags(8) length(24) payload        data: 0|stream(31) flags(8) length(24) payload
 *
 * Data is handed on in the pieces in which it comes, so a frame of 16 MB needs no memory; control frames come whole.
 */
import { SpdyError } from './header-block.ts';

export type Frame =
  | { readonly kind: 'data'; readonly stream: number; readonly data: Buffer; readonly fin: boolean }
  | { readonly kind: 'synStream'; readonly stream: number; readonly block: Buffer; readonly fin: boolean }
  | { readonly kind: 'synReply'; readonly stream: number; readonly block: Buffer; readonly fin: boolean }
  | { readonly kind: 'headers'; readonly stream: number; readonly block: Buffer; readonly fin: boolean }
  | { readonly kind: 'rstStream'; readonly stream: number; readonly status: number }
  | { readonly kind: 'settings'; readonly entries: readonly { readonly id: number; readonly value: number }[] }
  | { readonly kind: 'ping'; readonly id: number }
  | { readonly kind: 'goAway'; readonly lastStream: number; readonly status: number }
  | { readonly kind: 'windowUpdate'; readonly stream: number; readonly delta: number };

export const rstStatus = { protocolError: 1, refusedStream: 3, cancel: 5, internalError: 6 } as const;

const version = 3;
const types = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;
const finFlag = 1;
const maxControl = 64 * 1024;

export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);
  /** The data frame whose payload is coming. */
  #data: { readonly stream: number; left: number; readonly fin: boolean } | undefined;

  /** What these bytes complete. Throws SpdyError. */
  *push(chunk: Buffer): Generator<Frame> {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = Buffer.alloc(0);
    for (;;) {
      if (this.#data !== undefined) {
        const piece = bytes.subarray(0, this.#data.left);
        bytes = bytes.subarray(piece.length);
        this.#data.left -= piece.length;
        const { stream, left, fin } = this.#data;
        if (left === 0) this.#data = undefined;
        if (piece.length > 0 || (left === 0 && fin))
          yield { kind: 'data', stream, data: piece, fin: fin && left === 0 };
        if (left > 0) return;
        continue;
      }
      const length = bytes.length < 8 ? 0 : bytes.readUIntBE(5, 3);
      const control = bytes.length > 0 && (bytes[0] ?? 0) >= 0x80;
      if (control && length > maxControl) throw new SpdyError(`a control frame of ${String(length)} bytes`);
      if (bytes.length < 8 || (control && bytes.length < 8 + length)) {
        // The rest must not hold the whole chunk in memory.
        this.#rest = Buffer.from(bytes);
        return;
      }
      const flags = bytes[4] ?? 0;
      if (control) {
        const frame = parseControl(bytes.readUInt32BE(0) & 0x7fffffff, flags, bytes.subarray(8, 8 + length));
        bytes = bytes.subarray(8 + length);
        if (frame !== undefined) yield frame;
      } else {
        this.#data = { stream: bytes.readUInt32BE(0), left: length, fin: (flags & finFlag) !== 0 };
        bytes = bytes.subarray(8);
      }
    }
  }
}

/** undefined: a type that the draft does not know, to be ignored. */
function parseControl(versionAndType: number, flags: number, payload: Buffer): Frame | undefined {
  const got = versionAndType >>> 16;
  if (got !== version) throw new SpdyError(`version ${String(got)} is not spoken`);
  const number = (at: number): number => {
    if (payload.length < at + 4) throw new SpdyError('a control frame is too short');
    return payload.readUInt32BE(at);
  };
  const stream = (): number => number(0) & 0x7fffffff;
  const fin = (flags & finFlag) !== 0;
  switch (versionAndType & 0xffff) {
    case types.synStream:
      // Stream, associated stream, priority and slot.
      if (payload.length < 10) throw new SpdyError('a SYN_STREAM frame is too short');
      return { kind: 'synStream', stream: stream(), block: payload.subarray(10), fin };
    case types.synReply:
      return { kind: 'synReply', stream: stream(), block: payload.subarray(4), fin };
    case types.headers:
      return { kind: 'headers', stream: stream(), block: payload.subarray(4), fin };
    case types.rstStream:
      return { kind: 'rstStream', stream: stream(), status: number(4) };
    case types.settings:
      return { kind: 'settings', entries: settings(number, payload.length) };
    case types.ping:
      return { kind: 'ping', id: number(0) };
    case types.goAway:
      return { kind: 'goAway', lastStream: stream(), status: number(4) };
    case types.windowUpdate:
      return { kind: 'windowUpdate', stream: stream(), delta: number(4) & 0x7fffffff };
    default:
      return undefined;
  }
}

function settings(number: (at: number) => number, length: number): { readonly id: number; readonly value: number }[] {
  const count = number(0);
  if (length < 4 + count * 8) throw new SpdyError('a SETTINGS frame is too short');
  return Array.from({ length: count }, (_, i) => ({ id: number(4 + i * 8) & 0xffffff, value: number(8 + i * 8) }));
}

export function encodeFrame(frame: Frame): Buffer {
  switch (frame.kind) {
    case 'data':
      return Buffer.concat([dataHead(frame.stream, frame.data.length, frame.fin), frame.data]);
    case 'synStream':
      return control(types.synStream, frame.fin, [numbers(frame.stream, 0), Buffer.alloc(2), frame.block]);
    case 'synReply':
      return control(types.synReply, frame.fin, [numbers(frame.stream), frame.block]);
    case 'headers':
      return control(types.headers, frame.fin, [numbers(frame.stream), frame.block]);
    case 'rstStream':
      return control(types.rstStream, false, [numbers(frame.stream, frame.status)]);
    case 'settings':
      return control(types.settings, false, [
        numbers(frame.entries.length, ...frame.entries.flatMap(({ id, value }) => [id, value])),
      ]);
    case 'ping':
      return control(types.ping, false, [numbers(frame.id)]);
    case 'goAway':
      return control(types.goAway, false, [numbers(frame.lastStream, frame.status)]);
    case 'windowUpdate':
      return control(types.windowUpdate, false, [numbers(frame.stream, frame.delta)]);
  }
}

export function dataHead(stream: number, length: number, fin: boolean): Buffer {
  return numbers(stream, ((fin ? finFlag : 0) << 24) | length);
}

function control(type: number, fin: boolean, parts: readonly Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = numbers((0x80000000 | (version << 16) | type) >>> 0, ((fin ? finFlag : 0) << 24) | length);
  return Buffer.concat([head, ...parts]);
}

function numbers(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => bytes.writeUInt32BE(value >>> 0, i * 4));
  return bytes;
}
