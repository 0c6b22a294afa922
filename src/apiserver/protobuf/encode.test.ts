/** The encoder against the decoder, for every kind that is served, and against bytes that client-go made. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import fc from 'fast-check';
import { buildKinds } from '../../api/kinds/index.ts';
import { groupVersionOf } from '../../api/resources.ts';
import { decodeProtobuf } from './decode.ts';
import { encodeItem, encodeList, encodeProtobuf, watchFrame } from './encode.ts';
import { fieldsOf, messageOf } from './messages.ts';
import type { Field } from './messages.ts';
import { wireFields } from './wire.ts';

const text = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }).filter((value) => value !== '__proto__');
const second = fc
  .date({ min: new Date('1800-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
  .map((date) => `${date.toISOString().slice(0, 19)}Z`);
const schema = fc.record(
  { $ref: text, type: text, maximum: fc.double({ noNaN: true, noDefaultInfinity: true }), required: filled(text) },
  { requiredKeys: [], noNullPrototype: true },
);
/** A null is no value where a field is. */
/** Read from its text: -0 has none. */
const json = fc
  .json()
  .filter((text) => text !== 'null' && !text.includes('__proto__'))
  .map((text) => JSON.parse(text) as unknown);

function filled<T>(item: fc.Arbitrary<T>): fc.Arbitrary<T[]> {
  return fc.array(item, { minLength: 1, maxLength: 2 });
}

const special: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  string: text,
  bytes: fc.uint8Array({ minLength: 1, maxLength: 9 }).map((bytes) => Buffer.from(bytes).toString('base64')),
  bool: fc.constant(true),
  int32: fc.integer().filter((value) => value !== 0),
  int64: fc.maxSafeInteger().filter((value) => value !== 0),
  uint32: fc.nat().map((value) => value + 1),
  uint64: fc.maxSafeNat().map((value) => value + 1),
  double: fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0)),
  'meta.v1.Time': second,
  'meta.v1.MicroTime': fc
    .tuple(second, fc.nat(999_999))
    .map(([time, micros]) => `${time.slice(0, 19)}.${String(micros).padStart(6, '0')}Z`),
  'api.resource.Quantity': fc.constantFrom('0', '100m', '1Gi', '1500'),
  'util.intstr.IntOrString': fc.oneof(fc.integer(), text),
  'meta.v1.FieldsV1': fc.constant({ 'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } } }),
  'runtime.RawExtension': json,
  'apiextensions.v1.JSON': json,
  'authorization.v1.ExtraValue': filled(text),
  'authentication.v1.ExtraValue': filled(text),
  'certificates.v1.ExtraValue': filled(text),
  'apiextensions.v1.JSONSchemaPropsOrArray': fc.oneof(schema, filled(schema)),
  'apiextensions.v1.JSONSchemaPropsOrBool': fc.oneof(fc.boolean(), schema),
  'apiextensions.v1.JSONSchemaPropsOrStringArray': fc.oneof(filled(text), schema),
};

/** Each field there or not; deep down only what has no message of its own. */
function messageValue(message: string, depth: number): fc.Arbitrary<Record<string, unknown>> {
  const fields = fieldsOf(message).filter(({ type }) => depth > 0 || type in special);
  const inlined = fields.filter(({ inline }) => inline).map(({ type }) => messageValue(type, depth));
  const own = Object.fromEntries(
    fields.filter(({ inline }) => !inline).map((field) => [field.name, fieldValue(field, depth)]),
  );
  const sparse = fc.record(own, { requiredKeys: [], noNullPrototype: true });
  return fc
    .tuple(sparse, ...inlined)
    .map((parts) => Object.assign({}, ...parts.toReversed()) as Record<string, unknown>);
}

function fieldValue({ type, shape }: Field, depth: number): fc.Arbitrary<unknown> {
  const one = special[type] ?? messageValue(type, depth - 1);
  switch (shape) {
    case 'one':
      return one;
    case 'list':
      return filled(one);
    case 'map':
      return fc.dictionary(text, one, { minKeys: 1, maxKeys: 2, noNullPrototype: true });
  }
}

test('what is encoded comes back, for every kind', () => {
  for (const { resource } of buildKinds()) {
    const apiVersion = groupVersionOf(resource);
    const message = messageOf(apiVersion, resource.kind);
    assert.ok(message !== undefined, `${apiVersion} ${resource.kind}`);
    const object = messageValue(message, 3).map((value) => ({ apiVersion, kind: resource.kind, ...value }));
    fc.assert(
      fc.property(object, (value) => {
        assert.deepEqual(decodeProtobuf(encodeProtobuf(value) ?? Buffer.alloc(0)), value);
      }),
      { numRuns: 12 },
    );
  }
});

/** Go writes what is zero and no pointer, too: read, both say the same. */
test('the bytes of client-go (v0.36) for the same objects', () => {
  const recorded = JSON.parse(readFileSync(new URL('recorded.json', import.meta.url), 'utf8')) as readonly {
    readonly object: object;
    readonly bytes: string;
  }[];
  for (const { object, bytes } of recorded) {
    const theirs = decodeProtobuf(Buffer.from(bytes, 'base64'));
    const ours = decodeProtobuf(encodeProtobuf(object) ?? Buffer.alloc(0));
    assert.deepEqual(theirs, ours);
    assert.deepEqual(ours, object);
  }
});

test('JSON of its own that is false, 0 or empty text stays', () => {
  for (const data of [false, 0, '']) {
    const revision = { apiVersion: 'apps/v1', kind: 'ControllerRevision', data, revision: 1 };
    assert.deepEqual(decodeProtobuf(encodeProtobuf(revision) ?? Buffer.alloc(0)), revision);
  }
});

test('lists hold their items without their kinds, as one encoding of the whole would', () => {
  const item = { metadata: { name: 'a' }, data: { k: 'v' } };
  const metadata = { resourceVersion: '7', remainingItemCount: 0 };
  const raw = encodeItem('v1', 'ConfigMap', item);
  const list = encodeList('v1', 'ConfigMapList', metadata, [raw, raw]);
  const whole = { apiVersion: 'v1', kind: 'ConfigMapList', metadata, items: [item, item] };
  assert.deepEqual(list, encodeProtobuf(whole));
  assert.deepEqual(decodeProtobuf(list), whole);
});

test('Status, metadata and discovery have messages; Tables, custom kinds and strangers with built-in names have not', () => {
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: 'no', code: 404 };
  assert.deepEqual(decodeProtobuf(encodeProtobuf(status) ?? Buffer.alloc(0)), status);
  assert.ok(encodeProtobuf({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: { name: 'a' } }));
  assert.ok(encodeProtobuf({ kind: 'APIVersions', versions: ['v1'] }));
  assert.equal(encodeProtobuf({ kind: 'Table', apiVersion: 'meta.k8s.io/v1', rows: [] }), undefined);
  assert.equal(encodeProtobuf({ kind: 'Deployment', apiVersion: 'apps.example.com/v1' }), undefined);
  assert.equal(encodeProtobuf({ major: '1' }), undefined);
});

test('a frame of a watch: four bytes of length, then type and object', () => {
  const object = encodeProtobuf({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'a' } }) ?? Buffer.alloc(0);
  const frame = watchFrame('ADDED', object);
  assert.equal(frame.readUInt32BE(0), frame.length - 4);
  const [type, extension] = [...wireFields(frame.subarray(4))].map(({ value }) => value as Buffer);
  assert.equal(type?.toString(), 'ADDED');
  const [raw] = [...wireFields(extension ?? Buffer.alloc(0))];
  assert.deepEqual(raw?.value, object);
});
