/** What is packed is read as it came. */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Endpoint } from '../api/gen/types.ts';
import { packSlice } from './pack.ts';

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
const word = fc.constantFrom('a', 'node-1', 'zone-b');
const zones = fc.array(fc.record({ name: word }), { minLength: 1, maxLength: 2 });
const shape = fc.record({
  addresses: fc.array(fc.oneof(fc.ipV4(), fc.ipV6()), { minLength: 1, maxLength: 3 }),
  ready: maybe(fc.boolean()),
  serving: maybe(fc.boolean()),
  terminating: maybe(fc.boolean()),
  nodeName: maybe(word),
  zone: maybe(word),
  forZones: maybe(zones),
});

/** As JSON has it: what is unset is not there. */
function endpointOf({ addresses, ready, serving, terminating, nodeName, zone, forZones }: ShapeOf): Endpoint {
  const hints = forZones === undefined ? undefined : { forZones };
  const endpoint = { addresses, conditions: { ready, serving, terminating }, nodeName, zone, hints };
  return JSON.parse(JSON.stringify(endpoint)) as Endpoint;
}

type ShapeOf = typeof shape extends fc.Arbitrary<infer T> ? T : never;

test('property: the endpoints of a packed slice are those it had', () => {
  fc.assert(
    fc.property(fc.array(shape), (shapes) => {
      const endpoints = shapes.map(endpointOf);
      const metadata = { name: 'web-1', namespace: 'n', uid: 'u', resourceVersion: '1', creationTimestamp: '' };
      // Pods are named in what comes, and not kept.
      const received = endpoints.map((one) => ({ ...one, targetRef: { kind: 'Pod', name: 'web-1-x' } }));
      const packed = packSlice({ metadata, addressType: 'IPv4', ports: [], endpoints: received });
      assert.deepEqual(packed.endpoints, endpoints);
    }),
  );
});
