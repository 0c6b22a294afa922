/** Protobuf bodies: what kubectl sends, and bytes that nobody should. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { decodeProtobuf, WireError } from './decode.ts';

const bytes = (...parts: (number | string | Buffer)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.from([part]) : Buffer.from(part))));

/** A length-delimited field. */
function field(number: number, value: string | Buffer): Buffer {
  const tag = (number << 3) | 2;
  return bytes(...(tag < 128 ? [tag] : [(tag & 127) | 128, tag >> 7]), Buffer.byteLength(value), value);
}

function varint(number: number, value: number): Buffer {
  return bytes(number << 3, value);
}

function envelope(apiVersion: string, kind: string, raw: Buffer): Buffer {
  return bytes('k8s\0', field(1, bytes(field(1, apiVersion), field(2, kind))), field(2, raw));
}

test('a ConfigMap as kubectl 1.32 writes it (recorded bytes)', () => {
  const recorded =
    '6b3873000a0f0a02763112' +
    '09436f6e6669674d6170121b0a110a01611200' +
    '1a0022002a0032003800420012060a017812' +
    '01791a002200';
  assert.deepEqual(decodeProtobuf(Buffer.from(recorded, 'hex')), {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'a' },
    data: { x: 'y' },
  });
});

test('pointers to zero stay, plain zeros go; int-or-string, quantities, bytes and embedded structs', () => {
  const deployment = envelope('apps/v1', 'Deployment', field(2, bytes(varint(1, 0), varint(5, 0))));
  assert.deepEqual(decodeProtobuf(deployment)['spec'], { replicas: 0 });
  const port = bytes(varint(3, 80), field(4, bytes(varint(1, 1), varint(2, 0), field(3, 'web'))), varint(5, 0));
  const service = envelope('v1', 'Service', field(2, field(1, port)));
  assert.deepEqual(decodeProtobuf(service)['spec'], { ports: [{ port: 80, targetPort: 'web' }] });
  const secret = envelope('v1', 'Secret', field(2, bytes(field(1, 'k'), field(2, 'v'))));
  assert.deepEqual(decodeProtobuf(secret)['data'], { k: 'dg==' });
  const volume = bytes(field(1, 'v'), field(2, field(19, field(1, field(1, 'cm')))));
  const pod = envelope('v1', 'Pod', field(2, field(1, volume)));
  assert.deepEqual(decodeProtobuf(pod)['spec'], { volumes: [{ name: 'v', configMap: { name: 'cm' } }] });
});

test('an unknown kind keeps its name; unknown fields are skipped', () => {
  assert.deepEqual(decodeProtobuf(envelope('x/v1', 'Widget', Buffer.alloc(0))), { apiVersion: 'x/v1', kind: 'Widget' });
  const service = envelope('v1', 'Service', bytes(field(1, field(1, 'a')), field(15, 'later'), varint(14, 1)));
  assert.deepEqual(decodeProtobuf(service)['metadata'], { name: 'a' });
});

test('whatever the bytes, only WireError comes out', () => {
  const kinds = fc.constantFrom('Pod', 'Service', 'Event', 'Node');
  fc.assert(
    fc.property(kinds, fc.uint8Array({ maxLength: 200 }), (kind, raw) => {
      for (const body of [
        envelope('v1', kind, Buffer.from(raw.subarray(0, 127))),
        bytes('k8s\0', Buffer.from(raw)),
        Buffer.from(raw),
      ]) {
        try {
          decodeProtobuf(body);
        } catch (error) {
          assert.ok(error instanceof WireError, String(error));
        }
      }
    }),
    { numRuns: 2000 },
  );
});
