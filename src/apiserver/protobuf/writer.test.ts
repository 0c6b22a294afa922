/** What the writer writes, the reader reads. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { ProtobufWriter } from './writer.ts';
import { wireFields } from './wire.ts';

type Value = string | bigint | Message;
interface Message {
  readonly fields: readonly (readonly [number: number, value: Value])[];
}

function write(to: ProtobufWriter, { fields }: Message): void {
  for (const [number, value] of fields) {
    if (typeof value === 'string') to.text(number, value);
    else if (typeof value === 'bigint') to.integer(number, value);
    else to.message(number, () => write(to, value));
  }
}

/** Bytes do not say whether they are text or a message: what was written does. */
function read(bytes: Buffer, like: Message): Message {
  const found = [...wireFields(bytes)];
  assert.equal(found.length, like.fields.length);
  return {
    fields: found.map(({ number, value }, at) => {
      if (!Buffer.isBuffer(value)) return [number, BigInt(value)] as const;
      const written = like.fields[at]?.[1];
      return [number, typeof written === 'object' ? read(value, written) : value.toString('utf8')] as const;
    }),
  };
}

const message = fc.letrec<{ message: Message; value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6 },
    fc.string({ maxLength: 300, unit: 'binary' }),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    tie('message'),
  ),
  message: fc.record(
    { fields: fc.array(fc.tuple(fc.integer({ min: 1, max: 536_870_911 }), tie('value')), { maxLength: 8 }) },
    { noNullPrototype: true },
  ),
})).message;

test('any message comes back as it was written', () => {
  fc.assert(
    fc.property(message, (written) => {
      const writer = new ProtobufWriter();
      write(writer, written);
      assert.deepEqual(read(writer.bytes(), written), written);
    }),
    { numRuns: 500 },
  );
});

test('the bytes of the encoding guide; undefined is left out, zero is not', () => {
  const hex = (fill: (to: ProtobufWriter) => void): string => {
    const writer = new ProtobufWriter();
    fill(writer);
    return writer.bytes().toString('hex');
  };
  assert.equal(
    hex((to) => to.integer(1, 150)),
    '089601',
  );
  assert.equal(
    hex((to) => to.text(2, 'testing')),
    '120774657374696e67',
  );
  assert.equal(
    hex((to) => to.message(3, (inner) => inner.integer(1, 150))),
    '1a03089601',
  );
  assert.equal(
    hex((to) => to.integer(2, -2)),
    '10feffffffffffffffff01',
  );
  assert.equal(
    hex((to) =>
      to
        .flag(1, false)
        .text(2, '')
        .message(3, () => undefined),
    ),
    '080012001a00',
  );
  assert.equal(
    hex((to) => to.flag(1, undefined).text(2, undefined).integer(3, undefined)),
    '',
  );
});

test('messages whose length needs two, three and four bytes', () => {
  for (const length of [127, 128, 16_383, 16_384, 2_097_152]) {
    const text = 'ü'.repeat(length / 2);
    const bytes = new ProtobufWriter().message(1, (to) => to.message(2, (inner) => inner.text(3, text))).bytes();
    const [outer] = [...wireFields(bytes)];
    const [inner] = [...wireFields(outer?.value as Buffer)];
    const [field] = [...wireFields(inner?.value as Buffer)];
    assert.equal((field?.value as Buffer).toString('utf8'), text);
  }
});
