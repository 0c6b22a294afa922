import assert from 'node:assert/strict';
import { duplexPair } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import test from 'node:test';
import { constants, createDeflate, deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { encodeFrame, FrameReader } from './frames.ts';
import type { Frame } from './frames.ts';
import { dictionary, encodeHeaders, HeaderInflater, parseBlock, plainBlock, SpdyError } from './header-block.ts';
import { createSession } from './session.ts';
import type { SpdyStream } from './session.ts';

const id = fc.integer({ min: 0, max: 0x7fffffff });
const number = fc.integer({ min: 0, max: 0xffffffff });
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const anyFrame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({ kind: fc.constant('data' as const), stream: id, data: bytes, fin: fc.boolean() }),
  ...(['synStream', 'synReply', 'headers'] as const).map((kind) =>
    fc.record({ kind: fc.constant(kind), stream: id, block: bytes, fin: fc.boolean() }),
  ),
  fc.record({ kind: fc.constant('rstStream' as const), stream: id, status: number }),
  fc.record({
    kind: fc.constant('settings' as const),
    entries: fc.array(
      fc.record({ id: fc.integer({ min: 0, max: 0xffffff }), value: number }).map((entry) => ({ ...entry })),
      { maxLength: 5 },
    ),
  }),
  fc.record({ kind: fc.constant('ping' as const), id: number }),
  fc.record({ kind: fc.constant('goAway' as const), lastStream: id, status: number }),
  fc.record({ kind: fc.constant('windowUpdate' as const), stream: id, delta: id }),
);
const anyHeaders = fc
  .array(fc.tuple(fc.stringMatching(/^[a-z-]{1,12}$/), fc.string({ maxLength: 40 })), { maxLength: 6 })
  .map((pairs) => new Map(pairs));

/** Pieces of one data frame are one again. */
function joined(frames: readonly Frame[]): Frame[] {
  const out: Frame[] = [];
  for (const frame of frames) {
    if (frame.kind === 'data' && frame.data.length === 0 && !frame.fin) continue;
    const last = out.at(-1);
    if (frame.kind !== 'data' || last?.kind !== 'data' || last.stream !== frame.stream || last.fin) out.push(frame);
    else out[out.length - 1] = { ...frame, data: Buffer.concat([last.data, frame.data]) };
  }
  return out;
}

test('frames survive the wire, however it cuts them', () => {
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 8 }), fc.integer({ min: 1, max: 50 }), (frames, step) => {
      const wire = Buffer.concat(frames.map(encodeFrame));
      const reader = new FrameReader();
      const read: Frame[] = [];
      for (let at = 0; at < wire.length; at += step) {
        for (const frame of reader.push(Buffer.from(wire.subarray(at, at + step)))) {
          read.push('block' in frame ? { ...frame, block: Buffer.from(frame.block) } : frame);
        }
      }
      assert.deepEqual(joined(read), joined(frames.map((frame) => ({ ...frame }))));
    }),
  );
});

test('whatever comes, only SpdyError comes out', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(bytes, anyFrame.map(encodeFrame)), { maxLength: 6 }), (chunks) => {
      const reader = new FrameReader();
      try {
        for (const chunk of chunks) for (const frame of reader.push(chunk)) assert.ok(frame.kind.length > 0);
      } catch (error) {
        assert.ok(error instanceof SpdyError, String(error));
      }
      try {
        parseBlock(Buffer.concat(chunks));
      } catch (error) {
        assert.ok(error instanceof SpdyError, String(error));
      }
    }),
  );
});

test('the dictionary is the draft’s: its checksum is in every stream that uses it', () => {
  assert.equal(deflateSync('x', { dictionary }).subarray(2, 6).toString('hex'), 'e3c6a7c2');
});

test('header blocks: a peer that compresses with the dictionary, and our own stored ones', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyHeaders, { minLength: 1, maxLength: 5 }), async (blocks) => {
      const deflate = createDeflate({ dictionary, flush: constants.Z_SYNC_FLUSH });
      const theirs = new HeaderInflater();
      const ours = new HeaderInflater();
      for (const [i, headers] of blocks.entries()) {
        const compressed = await new Promise<Buffer>((resolve) => {
          deflate.write(plainBlock(headers), () => resolve(deflate.read() as Buffer));
        });
        assert.deepEqual(await theirs.read(compressed), headers);
        assert.deepEqual(await ours.read(encodeHeaders(headers, i === 0)), headers);
      }
      deflate.destroy();
      theirs.close();
      ours.close();
    }),
    { numRuns: 30 },
  );
});

test('a header block that explodes or is nonsense ends with SpdyError', async () => {
  const bomb = deflateSync(Buffer.alloc(10_000_000), { dictionary });
  await assert.rejects(new HeaderInflater().read(bomb), SpdyError);
  await fc.assert(
    fc.asyncProperty(bytes, async (data) => {
      const inflater = new HeaderInflater();
      await inflater.read(data).catch((error: unknown) => assert.ok(error instanceof SpdyError, String(error)));
      inflater.close();
    }),
    { numRuns: 50 },
  );
});

test('streams of a session carry data both ways, half-close, and are reset alone', async () => {
  const [a, b] = duplexPair();
  const server = createSession(a, 'server', (stream) => {
    if (stream.headers.get('kind') === 'bad') throw new Error('refused');
    stream.pipe(stream);
  });
  const client = createSession(b, 'client', () => undefined);
  const echo = (text: Buffer): Promise<Buffer> => {
    const stream = client.open(new Map([['kind', 'echo']]));
    stream.end(text);
    return buffer(stream);
  };
  const big = Buffer.alloc(3_000_000, 'abc');
  const [one, two] = await Promise.all([echo(Buffer.from('one')), echo(big)]);
  assert.equal(one.toString(), 'one');
  assert.ok(two.equals(big));
  const refused = client.open(new Map([['kind', 'bad']]));
  await new Promise<void>((resolve) => refused.once('close', () => resolve()));
  assert.equal((await echo(Buffer.from('still there'))).toString(), 'still there');
  client.close();
  await new Promise<void>((resolve) => server.closed.addEventListener('abort', () => resolve(), { once: true }));
});

test('a session ends at nonsense and takes its streams along', async () => {
  const [a, b] = duplexPair();
  const seen: SpdyStream[] = [];
  const server = createSession(a, 'server', (stream) => void seen.push(stream));
  const client = createSession(b, 'client', () => undefined);
  client.open(new Map());
  b.write(Buffer.from('8004000100ffffff', 'hex'));
  await new Promise<void>((resolve) => server.closed.addEventListener('abort', () => resolve(), { once: true }));
  assert.equal(seen.length, 1);
  assert.ok(seen[0]?.destroyed);
});
