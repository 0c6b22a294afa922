/** The patch engines on anything at all: what comes out is a document or an ApiError; and the directives against a dumb model. */
import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import fc from 'fast-check';
import { ApiError } from '../errors.ts';
import { applyJsonPatch, applyMergePatch, applyStrategicMergePatch, unknownOperationFields } from './index.ts';

const word = fc.constantFrom(
  'metadata',
  'spec',
  'containers',
  'ports',
  'finalizers',
  'name',
  'port',
  'a',
  '$patch',
  '__proto__',
);
const directive = fc.constantFrom(
  '$retainKeys',
  '$setElementOrder/ports',
  '$deleteFromPrimitiveList/finalizers',
  '$patch',
);
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom(null, true, 0, -1, 'x', 'delete', 'replace', 'merge', ''),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('map'),
  ),
  // Parsed, as bodies are: `__proto__` is a key of its own then.
  map: fc
    .array(fc.tuple(fc.oneof(word, directive), tie('value')), { maxLength: 4 })
    .map(
      (entries) =>
        JSON.parse(`{${entries.map(([key, value]) => `"${key}":${JSON.stringify(value)}`).join(',')}}`) as unknown,
    ),
}));
const pointer = fc.oneof(
  fc.string(),
  fc
    .array(fc.oneof(word, fc.constantFrom('0', '1', '-', '01', '~0', '~1', '')), { maxLength: 4 })
    .map((steps) => steps.map((step) => `/${step}`).join('')),
);
const operation = fc.record(
  {
    op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'other'),
    path: pointer,
    from: pointer,
    value: json.value,
  },
  { requiredKeys: [] },
);

function onlyOurErrors(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof ApiError, String(error));
  }
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
}

describe('any patch', () => {
  test('property: JSON patch', () => {
    fc.assert(
      fc.property(json.value, fc.oneof(fc.array(operation, { maxLength: 5 }), json.value), (object, patch) => {
        const before = JSON.stringify(object);
        onlyOurErrors(() => applyJsonPatch(object, patch));
        onlyOurErrors(() => unknownOperationFields(patch));
        assert.equal(JSON.stringify(object), before);
      }),
      { numRuns: 500 },
    );
  });

  test('property: merge patch and strategic merge patch', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('Pod', 'Service', 'Deployment', 'Nothing'),
        json.value,
        json.value,
        (type, object, patch) => {
          const before = JSON.stringify(object);
          onlyOurErrors(() => applyMergePatch(object, patch));
          onlyOurErrors(() => applyStrategicMergePatch(type, object, patch));
          assert.equal(JSON.stringify(object), before);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe('strategic merge patch against a dumb model', () => {
  interface Port {
    readonly port: number;
    readonly name?: string;
  }
  const port = fc.record(
    { port: fc.constantFrom(80, 81, 82, 83), name: fc.constantFrom('x', 'y') },
    { requiredKeys: ['port'], noNullPrototype: true },
  );
  const ports = fc.uniqueArray(port, { selector: (item) => item.port });
  const apply = (spec: object, patch: object): { ports?: Port[]; selector?: object } =>
    (applyStrategicMergePatch('Service', { spec }, { spec: patch }) as { spec: { ports?: Port[] } }).spec;
  const byPort = (list: readonly Port[]): Port[] => list.toSorted((a, b) => a.port - b.port);

  test('property: delete and merge of elements is delete and set of a map', () => {
    fc.assert(
      fc.property(ports, ports, fc.uniqueArray(fc.constantFrom(80, 81, 82, 83)), (before, merged, deleted) => {
        const model = new Map(before.map((item) => [item.port, item]));
        for (const key of deleted) model.delete(key);
        const kept = merged.filter((item) => !deleted.includes(item.port));
        for (const item of kept) model.set(item.port, { ...model.get(item.port), ...item });
        const patch = [...deleted.map((key) => ({ port: key, $patch: 'delete' })), ...kept];
        assert.deepEqual(byPort(apply({ ports: before }, { ports: patch }).ports ?? []), byPort([...model.values()]));
      }),
    );
  });

  test('property: replace takes the patch’s list', () => {
    fc.assert(
      fc.property(ports, ports, (before, after) => {
        assert.deepEqual(apply({ ports: before }, { ports: [{ $patch: 'replace' }, ...after] }).ports, after);
      }),
    );
  });

  test('property: $setElementOrder orders what it names and loses nothing', () => {
    fc.assert(
      fc.property(ports, fc.shuffledSubarray([80, 81, 82, 83]), (before, order) => {
        const patch = { '$setElementOrder/ports': order.map((key) => ({ port: key })) };
        const after = apply({ ports: before }, patch).ports ?? [];
        assert.deepEqual(byPort(after), byPort(before));
        const named = after.map((item) => item.port).filter((key) => order.includes(key));
        assert.deepEqual(
          named,
          order.filter((key) => before.some((item) => item.port === key)),
        );
      }),
    );
  });

  test('property: $deleteFromPrimitiveList is a difference, a list of values a union', () => {
    const values = fc.uniqueArray(fc.constantFrom('a/x', 'b/x', 'c/x'));
    fc.assert(
      fc.property(values, values, values, (before, gone, more) => {
        const patch = { '$deleteFromPrimitiveList/finalizers': gone, finalizers: more };
        const { metadata } = applyStrategicMergePatch(
          'Service',
          { metadata: { finalizers: before } },
          { metadata: patch },
        ) as {
          metadata: { finalizers: string[] };
        };
        const want = new Set(before).difference(new Set(gone)).union(new Set(more));
        assert.deepEqual(new Set(metadata.finalizers), want);
        assert.equal(metadata.finalizers.length, want.size);
      }),
    );
  });

  test('property: $retainKeys keeps no other', () => {
    const map = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('1', '2'), { noNullPrototype: true });
    fc.assert(
      fc.property(map, map, (before, after) => {
        const { selector } = apply({ selector: before }, { selector: { ...after, $retainKeys: Object.keys(after) } });
        assert.deepEqual(selector, after);
      }),
    );
  });
});
