/** Objects of the same outline share their paths: they must be those that each would have had by itself. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { builtInType } from './built-in.ts';
import { compareObjects } from './compare.ts';
import { fieldsOfNew } from './created.ts';
import { ordered, setOfPaths } from './field-set.ts';
import { MergeError } from './merge-error.ts';
import { deducedValue } from './merge-type.ts';
import { emptyObject, filtered, withoutServerFields } from './ownership.ts';
import type { ManagedKind, ManagedObject } from './ownership.ts';

const nothing = fc.constantFrom<unknown>(null, undefined, '', 0, {}, [], { a: undefined }, { a: null });
/** Some look like what an outline is made of. */
const key = fc.constantFrom('a', 'app', '.', '?', '}', '1:a.', 'a.1:b', '2:a.}{', 'protocol', '');
const map = fc.dictionary(key, fc.oneof(fc.constantFrom<unknown>('x', 'y'), nothing), {
  maxKeys: 3,
  noNullPrototype: true,
});
const port = fc.record(
  {
    port: fc.constantFrom<unknown>(80, 81, '80', null),
    protocol: fc.constantFrom<unknown>('TCP', 'UDP', '', null),
    name: fc.constantFrom('a', 'b', ''),
    targetPort: fc.constantFrom<unknown>(1, 'http'),
  },
  { requiredKeys: [], noNullPrototype: true },
);
const service = fc.record(
  {
    metadata: fc.record(
      {
        labels: fc.oneof(map, nothing),
        annotations: fc.oneof(map, nothing),
        finalizers: fc.oneof(fc.array(fc.constantFrom('x', 'y', '1:x'), { maxLength: 2 }), nothing),
        ownerReferences: fc.array(fc.record({ uid: fc.constantFrom('u', 'v') }), { maxLength: 2 }),
      },
      { requiredKeys: [], noNullPrototype: true },
    ),
    spec: fc.record(
      {
        selector: fc.oneof(map, nothing),
        ports: fc.oneof(fc.array(port, { maxLength: 3 }), nothing),
        externalIPs: fc.oneof(fc.array(fc.constantFrom('1.2.3.4', '::1'), { maxLength: 2 }), nothing),
        sessionAffinityConfig: fc.oneof(map, nothing),
        type: fc.oneof(fc.constant('ClusterIP'), nothing),
      },
      { requiredKeys: [], noNullPrototype: true },
    ),
    status: fc.oneof(fc.record({ loadBalancer: fc.oneof(map, nothing) }), nothing),
  },
  { requiredKeys: ['metadata'], noNullPrototype: true },
);

const kinds: readonly ManagedKind[] = [builtInType('Service'), builtInType('Pod'), deducedValue].map((type) => ({
  type,
  apiVersion: 'v1',
  kind: 'Service',
  versions: new Set(['v1']),
  reset: setOfPaths([['f:status']]),
}));

function orRefused(work: () => object): object | string {
  try {
    return work();
  } catch (error) {
    if (error instanceof MergeError) return error.message;
    throw error;
  }
}

test('property: what a create owns is what the comparison with nothing finds, whatever was created before', () => {
  fc.assert(
    fc.property(fc.array(service, { minLength: 1, maxLength: 20 }), fc.constantFrom(...kinds), (objects, kind) => {
      for (const body of objects) {
        const object = { apiVersion: 'v1', kind: 'Service', ...body } as ManagedObject;
        const alone = orRefused(() =>
          ordered(withoutServerFields(filtered(kind, compareObjects(kind.type, emptyObject(kind), object)).changed)),
        );
        const shared = orRefused(() => fieldsOfNew(kind, object));
        assert.equal(JSON.stringify(shared), JSON.stringify(alone));
      }
    }),
    { numRuns: 300 },
  );
});
