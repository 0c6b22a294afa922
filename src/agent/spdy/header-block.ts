/**
 * The name/value blocks of SPDY/3.1 (draft 3.1, §2.6.10): one zlib stream per direction and session, begun with a dictionary.
 *
 *   encodeHeaders(pairs) ── stored deflate blocks, nothing is remembered ──> bytes        (we send few and short ones)
 *   HeaderInflater.read(bytes) ── the peer's stream, in order ──> pairs
 */
import { createInflate } from 'node:zlib';
import type { Inflate } from 'node:zlib';

export type Headers = ReadonlyMap<string, string>;

/** The peer does not keep to the protocol: the session ends. */
export class SpdyError extends Error {}

/** Uncompressed size of one block, as net/http's limit of headers is not: a peer needs some hundred bytes. */
const maxBlock = 64 * 1024;

const words = [
  'options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow',
  'authorization cache-control connection content-base content-encoding content-language content-length',
  'content-location content-md5 content-range content-type date etag expect expires from host if-match',
  'if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma',
  'proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade',
  'user-agent vary via warning www-authenticate method get status',
]
  .join(' ')
  .split(' ');
const laterWords = ['200 OK', 'version', 'HTTP/1.1', 'url', 'public', 'set-cookie', 'keep-alive', 'origin'];
const dictionaryTail =
  '100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505' +
  '203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden' +
  '404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable' +
  'Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT' +
  'chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,' +
  'text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.';

/** Draft 3.1, §2.6.10.1. */
export const dictionary: Buffer = Buffer.concat([
  ...[...words, ...laterWords].map((word) => prefixed(word)),
  Buffer.from(dictionaryTail, 'latin1'),
]);

function prefixed(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function plainBlock(headers: Headers): Buffer {
  return Buffer.concat([
    uint32(headers.size),
    ...[...headers].flatMap(([name, value]) => [prefixed(name), prefixed(value)]),
  ]);
}

/** RFC 1950 without a preset dictionary, the lowest level; it comes once, before the first block of a session. */
const zlibHeader = Buffer.from([0x78, 0x01]);

/** `first`: nothing was sent in this session yet. Never the last block of the zlib stream. */
export function encodeHeaders(headers: Headers, first: boolean): Buffer {
  const parts: Buffer[] = first ? [zlibHeader] : [];
  const block = plainBlock(headers);
  for (let at = 0; at < block.length; at += 0xffff) {
    const data = block.subarray(at, at + 0xffff);
    // RFC 1951 §3.2.4: not final, stored, length and its complement.
    const head = Buffer.from([0, 0, 0, 0, 0]);
    head.writeUInt16LE(data.length, 1);
    head.writeUInt16LE(data.length ^ 0xffff, 3);
    parts.push(head, data);
  }
  // As Z_SYNC_FLUSH ends: Go's reader hands out what it has at an empty block, and waits for more without one.
  return Buffer.concat([...parts, Buffer.from([0, 0, 0, 0xff, 0xff])]);
}

/** Blocks must be read in the order of their frames. */
export class HeaderInflater {
  #inflate: Inflate | undefined;

  async read(compressed: Buffer): Promise<Headers> {
    return parseBlock(await this.#expand(compressed));
  }

  close(): void {
    this.#inflate?.close();
  }

  #expand(compressed: Buffer): Promise<Buffer> {
    // A whole block fits into the readable side, so that what was written has come out when the write is done.
    const inflate = (this.#inflate ??= createInflate({
      dictionary,
      chunkSize: 2 * maxBlock,
      ...{ highWaterMark: 4 * maxBlock },
    }));
    return new Promise((resolve, reject) => {
      const settle = (error?: Error | null): void => {
        inflate.off('error', settle);
        inflate.off('readable', watch);
        if (error instanceof Error) reject(new SpdyError(`header block: ${error.message}`));
        else resolve((inflate.read() as Buffer | null) ?? Buffer.alloc(0));
      };
      const watch = (): void => {
        if (inflate.readableLength <= maxBlock) return;
        inflate.destroy();
        settle(new Error('too large'));
      };
      inflate.once('error', settle);
      inflate.on('readable', watch);
      if (inflate.destroyed) settle(new Error('the stream has failed before'));
      else inflate.write(compressed, settle);
    });
  }
}

export function parseBlock(block: Buffer): Headers {
  let at = 0;
  const number = (): number => {
    if (at + 4 > block.length) throw new SpdyError('header block: cut off');
    at += 4;
    return block.readUInt32BE(at - 4);
  };
  const text = (): string => {
    const length = number();
    if (length > block.length - at) throw new SpdyError('header block: cut off');
    at += length;
    return block.toString('utf8', at - length, at);
  };
  const headers = new Map<string, string>();
  const count = number();
  for (let i = 0; i < count; i += 1) {
    const name = text().toLowerCase();
    if (name === '' || headers.has(name)) throw new SpdyError('header block: a name is empty or there twice');
    headers.set(name, text());
  }
  return headers;
}
