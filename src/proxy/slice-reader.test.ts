/** A list is read as JSON.parse and packSlice would: what a proxy sees is the same. */
import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { EndpointSlice } from '../api/gen/types.ts';
import type { Live } from '../api/object.ts';
import { packSlice } from './pack.ts';
import { readSlices } from './slice-reader.ts';

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
const word = fc.oneof({ weight: 5, arbitrary: fc.constantFrom('a', 'node-1', '') }, fc.string({ unit: 'binary' }));
const conditions = fc.record({
  ready: maybe(fc.boolean()),
  serving: maybe(fc.boolean()),
  terminating: maybe(fc.boolean()),
});
const zones = fc.array(fc.record({ name: fc.constantFrom('z', 'zone-b') }), { minLength: 1, maxLength: 2 });
const endpoint = fc.record({
  conditions: maybe(conditions),
  addresses: fc.array(fc.oneof(fc.ipV4(), fc.ipV6()), { minLength: 1, maxLength: 2 }),
  hostname: maybe(word),
  targetRef: fc.constant({ kind: 'Pod', name: 'web {"[', uid: 'u' }),
  nodeName: maybe(fc.constantFrom('node-1', 'node-22')),
  zone: maybe(fc.constantFrom('z', 'zone-b')),
  hints: maybe(fc.record({ forZones: maybe(zones), forNodes: maybe(zones) })),
});
const slice = fc.record({
  metadata: fc.record({
    name: fc.constantFrom('web-1', 'db-2'),
    namespace: fc.constant('shop'),
    uid: fc.constantFrom('u-1', 'u-2'),
    resourceVersion: fc.constant('7'),
    creationTimestamp: fc.constant('2026-01-01T00:00:00Z'),
    labels: maybe(fc.dictionary(fc.constantFrom('kubernetes.io/service-name', 'x', 'y'), word)),
    annotations: maybe(
      fc.dictionary(fc.constantFrom('endpoints.kubernetes.io/last-change-trigger-time', 'other'), word),
    ),
    managedFields: fc.constant([{ manager: 'm', fieldsV1: { 'f:endpoints': {} } }]),
  }),
  addressType: fc.constantFrom('IPv4', 'IPv6'),
  endpoints: fc.option(fc.array(endpoint, { maxLength: 4 })),
  ports: maybe(
    fc.array(fc.record({ name: maybe(word), port: fc.integer({ min: 1, max: 65_535 }), protocol: fc.constant('TCP') })),
  ),
});

function seen({ metadata, addressType, ports, endpoints }: Live<EndpointSlice>): unknown {
  return { metadata, addressType, ports, endpoints };
}

const listed = (text: string): readonly unknown[] => [...readSlices(Buffer.from(text)).items].map(seen);

describe('slice reader', () => {
  it('property: what it reads of a list is what is packed of its parsed objects', () => {
    fc.assert(
      fc.property(fc.array(slice, { maxLength: 3 }), fc.constantFrom(0, 2), (items, space) => {
        const metadata = { resourceVersion: '9', continue: 'next' };
        const text = JSON.stringify({ kind: 'EndpointSliceList', metadata, items }, undefined, space);
        const parsed = JSON.parse(text) as { items: Live<EndpointSlice>[] };
        assert.deepEqual(readSlices(Buffer.from(text)).metadata, metadata);
        assert.deepEqual(listed(text), parsed.items.map(packSlice).map(seen));
      }),
    );
  });

  it('takes members in any order, and a list of nothing', () => {
    const one = '{"endpoints":null,"addressType":"IPv4","metadata":{"uid":"u","name":"a"}}';
    const [read] = listed(`{"items":[${one}],"metadata":{"resourceVersion":"3"}}`) as { metadata: object }[];
    assert.deepEqual(read?.metadata, { name: 'a', uid: 'u', resourceVersion: '', creationTimestamp: '', labels: {} });
    assert.deepEqual(listed('{"metadata":{},"items":null}'), []);
    assert.deepEqual(listed('{"metadata":{},"items":[]}'), []);
  });

  it('refuses what is no list: nobody must take it for an empty one', () => {
    for (const wrong of [
      '{}',
      '{"metadata":{}}',
      '{"items":[]}',
      '"items"',
      '<html>',
      '',
      '{"metadata":{},"items":{}}',
    ]) {
      assert.throws(() => listed(wrong), SyntaxError, wrong);
    }
    assert.throws(() => listed('{"metadata":{},"items":[{"metadata":{"name":"a"}'), SyntaxError);
  });

  it('keeps one copy of the ports that slices share', () => {
    const text = '{"metadata":{"name":"a"},"ports":[{"port":80}]}';
    const [a, b] = [...readSlices(Buffer.from(`{"metadata":{},"items":[${text},${text}]}`)).items];
    assert.equal(a?.ports, b?.ports);
  });
});
