import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ApiError } from '../errors.ts';
import { applyJsonPatch, applyMergePatch, applyStrategicMergePatch } from './index.ts';

function refused(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof ApiError, String(error));
    const cause = error.cause instanceof Error ? [error.cause.message] : [];
    return `${error.code} ${[error.message, ...cause].join(' | ')}`;
  }
  return assert.fail('was not refused');
}

describe('JSON patch', () => {
  const table: readonly (readonly [string, unknown, object[], unknown])[] = [
    ['add to map', { a: 1 }, [{ op: 'add', path: '/b', value: 2 }], { a: 1, b: 2 }],
    ['add to list', [1, 3], [{ op: 'add', path: '/1', value: 2 }], [1, 2, 3]],
    ['append', [1], [{ op: 'add', path: '/-', value: 2 }], [1, 2]],
    ['whole', { a: 1 }, [{ op: 'replace', path: '', value: [] }], []],
    ['remove', { a: [1, 2] }, [{ op: 'remove', path: '/a/0' }], { a: [2] }],
    [
      'replace what is not there, as upstream does',
      { a: {} },
      [{ op: 'replace', path: '/a/b', value: 1 }],
      { a: { b: 1 } },
    ],
    ['replace', { a: { b: 1 } }, [{ op: 'replace', path: '/a/b', value: null }], { a: { b: null } }],
    ['move', { a: 1, b: {} }, [{ op: 'move', from: '/a', path: '/b/c' }], { b: { c: 1 } }],
    [
      'copy',
      { a: { x: 1 } },
      [
        { op: 'copy', from: '/a', path: '/b' },
        { op: 'add', path: '/b/y', value: 2 },
      ],
      { a: { x: 1 }, b: { x: 1, y: 2 } },
    ],
    [
      'test',
      { a: { b: [1, { c: 2 }] } },
      [{ op: 'test', path: '/a', value: { b: [1, { c: 2 }] } }],
      { a: { b: [1, { c: 2 }] } },
    ],
    [
      'escapes',
      { 'a/b': 1, 'c~d': 2 },
      [
        { op: 'remove', path: '/a~1b' },
        { op: 'replace', path: '/c~0d', value: 3 },
      ],
      { 'c~d': 3 },
    ],
    ['test of what is not there against null', {}, [{ op: 'test', path: '/a', value: null }], {}],
  ];
  for (const [name, object, operations, want] of table) {
    test(name, () => {
      const before = structuredClone(object);
      assert.deepEqual(applyJsonPatch(object, operations), want);
      assert.deepEqual(object, before);
    });
  }

  test('refusals', () => {
    const generic = '422 the server rejected our request due to an error in our request';
    assert.equal(
      refused(() => applyJsonPatch({ a: 1 }, [{ op: 'test', path: '/a', value: 2 }])),
      `${generic} | testing value /a failed: test failed`,
    );
    assert.equal(
      refused(() => applyJsonPatch({}, [{ op: 'remove', path: '/a' }])),
      `${generic} | error in remove for path: '/a': Unable to remove nonexistent key: a: missing value`,
    );
    assert.equal(
      refused(() => applyJsonPatch({}, [{ op: 'add', path: '/a/b', value: 1 }])),
      `${generic} | add operation does not apply: doc is missing path: "/a/b": missing value`,
    );
    assert.equal(
      refused(() => applyJsonPatch([1], [{ op: 'add', path: '/5', value: 1 }])),
      `${generic} | error in add for path: '/5': Unable to access invalid index: 5: invalid index referenced`,
    );
    assert.match(
      refused(() => applyJsonPatch([1], [{ op: 'replace', path: '/01', value: 1 }])),
      /replace operation does not apply: doc is missing key: \/01: missing value/,
    );
    assert.match(
      refused(() => applyJsonPatch({ a: {} }, [{ op: 'move', from: '/a', path: '/a/b' }])),
      /move operation does not apply: doc is missing destination path: \/a\/b/,
    );
    assert.match(
      refused(() => applyJsonPatch({}, [{ op: 'merge', path: '' }])),
      /Unexpected kind: merge/,
    );
    assert.match(
      refused(() => applyJsonPatch({}, { op: 'add' })),
      /^400 .*must be a list/,
    );
    assert.match(
      refused(() => applyJsonPatch({}, [{ op: 'add', path: '/a' }])),
      /^400 .*must have "value"/,
    );
    assert.match(
      refused(() => applyJsonPatch({}, new Array(10001).fill({ op: 'test', path: '', value: {} }))),
      /^413 .*maximum operations in a JSON patch is 10000, got 10001/,
    );
    assert.match(
      refused(() => applyJsonPatch({}, [{ op: 'add', path: '/__proto__/polluted', value: 1 }])),
      /^400 .*not allowed/,
    );
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
  });

  test('copies can not blow up', () => {
    const doubling = new Array(40).fill({ op: 'copy', from: '/a', path: '/a/-' });
    assert.match(
      refused(() => applyJsonPatch({ a: ['x'.repeat(1000)] }, doubling)),
      /accumulated size increase of copy is \d+, exceeding the limit 3145728/,
    );
  });

  const json = fc.jsonValue({ maxDepth: 3 }).filter((value) => !JSON.stringify(value).includes('__proto__'));
  test('property: a whole-document replace gives the value; add then remove changes nothing', () => {
    fc.assert(
      fc.property(
        json,
        fc.dictionary(
          fc.string({ maxLength: 3 }).filter((key) => key !== '__proto__'),
          json,
          { noNullPrototype: true },
        ),
        (value, map) => {
          assert.deepEqual(applyJsonPatch(map, [{ op: 'replace', path: '', value }]), value);
          if (Object.hasOwn(map, 'new~/key')) return;
          const path = '/new~0~1key';
          assert.deepEqual(
            applyJsonPatch(map, [
              { op: 'add', path, value },
              { op: 'test', path, value },
              { op: 'remove', path },
            ]),
            map,
          );
        },
      ),
    );
  });
});

describe('merge patch', () => {
  test('the examples of RFC 7386', () => {
    const table: readonly (readonly [unknown, unknown, unknown])[] = [
      [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
      [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
      [{ a: 'b' }, { a: null }, {}],
      [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
      [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
      [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
      [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
      [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
      [{ e: null }, { a: 1 }, { e: null, a: 1 }],
      [[1, 2], { a: 'b', c: null }, { a: 'b' }],
      [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
    ];
    for (const [object, patch, want] of table) assert.deepEqual(applyMergePatch(object, patch), want);
  });

  test('refusals', () => {
    assert.match(
      refused(() => applyMergePatch({}, [1])),
      /^400 .*must be an object/,
    );
    assert.match(
      refused(() => applyMergePatch({}, JSON.parse('{"__proto__": {"x": 1}}'))),
      /^400 .*not allowed/,
    );
    const deep = JSON.parse(`${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}`) as unknown;
    assert.match(
      refused(() => applyMergePatch({}, deep)),
      /^400 .*exceeded max depth/,
    );
  });

  test('property: agrees with the pseudo code of the RFC; applying twice changes nothing more', () => {
    const model = (target: unknown, patch: unknown): unknown => {
      if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
      const out: Record<string, unknown> =
        typeof target === 'object' && target !== null && !Array.isArray(target)
          ? (structuredClone(target) as Record<string, unknown>)
          : {};
      for (const [key, value] of Object.entries(patch as Record<string, unknown>)) {
        if (value === null) delete out[key];
        else out[key] = model(out[key], value);
      }
      return out;
    };
    const key = fc.constantFrom('a', 'b', 'c');
    const tree = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constant(null),
        fc.integer(),
        fc.array(fc.integer(), { maxLength: 2 }),
        tie('map'),
      ),
      map: fc.dictionary(key, tie('value'), { maxKeys: 3, noNullPrototype: true }),
    }));
    fc.assert(
      fc.property(tree.map, tree.map, (object, patch) => {
        const once = applyMergePatch(object, patch);
        assert.deepEqual(once, model(object, patch));
        assert.deepEqual(applyMergePatch(once, patch), once);
      }),
    );
  });
});

describe('strategic merge patch', () => {
  const table: readonly (readonly [string, string, unknown, unknown, unknown])[] = [
    [
      'one container by name',
      'Pod',
      {
        spec: {
          containers: [
            { name: 'a', image: '1' },
            { name: 'b', image: '1' },
          ],
        },
      },
      { spec: { containers: [{ name: 'b', image: '2' }] } },
      {
        spec: {
          containers: [
            { name: 'a', image: '1' },
            { name: 'b', image: '2' },
          ],
        },
      },
    ],
    [
      'in a template',
      'Deployment',
      { spec: { template: { spec: { containers: [{ name: 'a', env: [{ name: 'X', value: '1' }] }] } } } },
      { spec: { template: { spec: { containers: [{ name: 'a', env: [{ name: 'Y', value: '2' }] }] } } } },
      {
        spec: {
          template: {
            spec: {
              containers: [
                {
                  name: 'a',
                  env: [
                    { name: 'Y', value: '2' },
                    { name: 'X', value: '1' },
                  ],
                },
              ],
            },
          },
        },
      },
    ],
    [
      'service ports by port',
      'Service',
      { spec: { ports: [{ port: 80, nodePort: 30000 }] } },
      { spec: { ports: [{ port: 80, targetPort: 8080 }] } },
      { spec: { ports: [{ port: 80, nodePort: 30000, targetPort: 8080 }] } },
    ],
    [
      'delete an element',
      'Service',
      { spec: { ports: [{ port: 80 }, { port: 81 }] } },
      { spec: { ports: [{ port: 80, $patch: 'delete' }] } },
      { spec: { ports: [{ port: 81 }] } },
    ],
    [
      'replace a list',
      'Service',
      { spec: { ports: [{ port: 80 }] } },
      { spec: { ports: [{ $patch: 'replace' }, { port: 82 }] } },
      { spec: { ports: [{ port: 82 }] } },
    ],
    [
      'replace a map',
      'Service',
      { spec: { selector: { a: '1', b: '2' } } },
      { spec: { selector: { $patch: 'replace', c: '3' } } },
      { spec: { selector: { c: '3' } } },
    ],
    [
      'delete a map',
      'Service',
      { spec: { selector: { a: '1' }, type: 'X' } },
      { spec: { selector: { $patch: 'delete' } } },
      { spec: { selector: {}, type: 'X' } },
    ],
    [
      'null deletes',
      'Service',
      { spec: { selector: { a: '1', b: '2' } } },
      { spec: { selector: { a: null } } },
      { spec: { selector: { b: '2' } } },
    ],
    [
      'tolerations are atomic',
      'Pod',
      { spec: { tolerations: [{ key: 'a' }] } },
      { spec: { tolerations: [{ key: 'b' }] } },
      { spec: { tolerations: [{ key: 'b' }] } },
    ],
    [
      'Endpoints subsets are atomic',
      'Endpoints',
      { subsets: [{ addresses: [{ ip: '1.1.1.1' }] }] },
      { subsets: [{ addresses: [{ ip: '2.2.2.2' }] }] },
      { subsets: [{ addresses: [{ ip: '2.2.2.2' }] }] },
    ],
    [
      'conditions by type',
      'Node',
      {
        status: {
          conditions: [
            { type: 'Ready', status: 'False' },
            { type: 'Disk', status: 'True' },
          ],
        },
      },
      { status: { conditions: [{ type: 'Ready', status: 'True' }] } },
      {
        status: {
          conditions: [
            { type: 'Ready', status: 'True' },
            { type: 'Disk', status: 'True' },
          ],
        },
      },
    ],
    [
      'finalizers are a set',
      'Service',
      { metadata: { finalizers: ['a/b'] } },
      { metadata: { finalizers: ['c/d', 'a/b'] } },
      { metadata: { finalizers: ['c/d', 'a/b'] } },
    ],
    [
      'delete from a set',
      'Service',
      { metadata: { finalizers: ['a/b', 'c/d'] } },
      { metadata: { '$deleteFromPrimitiveList/finalizers': ['a/b'] } },
      { metadata: { finalizers: ['c/d'] } },
    ],
    [
      'order',
      'Pod',
      { spec: { containers: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] } },
      {
        spec: {
          '$setElementOrder/containers': [{ name: 'c' }, { name: 'a' }],
          containers: [{ name: 'a', image: '2' }],
        },
      },
      { spec: { containers: [{ name: 'b' }, { name: 'c' }, { name: 'a', image: '2' }] } },
    ],
    [
      'order without a list',
      'Pod',
      { spec: { containers: [{ name: 'a' }, { name: 'b' }] } },
      { spec: { '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }] } },
      { spec: { containers: [{ name: 'b' }, { name: 'a' }] } },
    ],
    [
      'a map that is replaced',
      'PodDisruptionBudget',
      { spec: { selector: { matchLabels: { a: '1', b: '2' } } } },
      { spec: { selector: { matchLabels: { a: '3' } } } },
      { spec: { selector: { matchLabels: { a: '3' } } } },
    ],
    [
      'conditions of a policy, by name',
      'ValidatingAdmissionPolicy',
      { spec: { matchConditions: [{ name: 'a', expression: 'x' }] } },
      { spec: { matchConditions: [{ name: 'b', expression: 'y' }] } },
      {
        spec: {
          matchConditions: [
            { name: 'b', expression: 'y' },
            { name: 'a', expression: 'x' },
          ],
        },
      },
    ],
    [
      'retain keys',
      'Deployment',
      { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } },
      { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } },
      { spec: { strategy: { type: 'Recreate' } } },
    ],
    [
      'directives do not stay in what is new',
      'Pod',
      { spec: {} },
      {
        spec: {
          volumes: [{ $retainKeys: ['name'], name: 'v', emptyDir: null }],
          '$setElementOrder/volumes': [{ name: 'v' }],
        },
      },
      { spec: { volumes: [{ name: 'v' }] } },
    ],
    [
      'a kind that is not known',
      'Gadget',
      { spec: { list: [{ name: 'a' }], map: { x: 1 } } },
      { spec: { list: [{ name: 'b' }], map: { y: 2 } } },
      { spec: { list: [{ name: 'b' }], map: { x: 1, y: 2 } } },
    ],
    [
      'new elements come after the server ones that were before',
      'Pod',
      { spec: { containers: [{ name: 's' }, { name: 'a' }] } },
      { spec: { containers: [{ name: 'new' }, { name: 'a', image: '2' }] } },
      { spec: { containers: [{ name: 'new' }, { name: 's' }, { name: 'a', image: '2' }] } },
    ],
  ];
  for (const [name, type, object, patch, want] of table) {
    test(name, () => {
      const before = structuredClone(object);
      assert.deepEqual(applyStrategicMergePatch(type, object, patch), want);
      assert.deepEqual(object, before);
    });
  }

  test('refusals', () => {
    const pod = { spec: { containers: [{ name: 'a' }] } };
    assert.equal(
      refused(() => applyStrategicMergePatch('Pod', pod, { spec: { containers: [{ image: 'x' }] } })),
      '400 map: {"image":"x"} does not contain declared merge key: name',
    );
    assert.match(
      refused(() => applyStrategicMergePatch('Pod', pod, { spec: { $patch: 'explode' } })),
      /unknown patch type/,
    );
    assert.match(
      refused(() =>
        applyStrategicMergePatch('Pod', pod, {
          spec: { containers: [{ name: 'x' }], '$setElementOrder/containers': [{ name: 'a' }] },
        }),
      ),
      /doesn't match \$setElementOrder list/,
    );
    assert.match(
      refused(() => applyStrategicMergePatch('Pod', pod, JSON.parse('{"spec":{"__proto__":{"a":1}}}'))),
      /not allowed/,
    );
  });

  test('property: merging by key agrees with a map of elements, and is idempotent', () => {
    const element = fc
      .tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('1', '2'))
      .map(([name, image]) => ({ name, image }));
    const list = fc.uniqueArray(element, { selector: (item) => item.name });
    fc.assert(
      fc.property(list, list, (before, after) => {
        const patch = { spec: { containers: after } };
        const once = applyStrategicMergePatch('Pod', { spec: { containers: before } }, patch) as {
          spec: { containers: typeof before };
        };
        const model = new Map(before.map((item) => [item.name, item]));
        for (const item of after) model.set(item.name, item);
        const byName = (items: Iterable<{ name: string }>): object[] =>
          [...items].sort((a, b) => (a.name < b.name ? -1 : 1));
        assert.deepEqual(byName(once.spec.containers), byName(model.values()));
        const inPatch = once.spec.containers.filter((item) => after.some((other) => other.name === item.name));
        assert.deepEqual(
          inPatch.map((item) => item.name),
          after.map((item) => item.name),
        );
        assert.deepEqual(applyStrategicMergePatch('Pod', once, patch), once);
      }),
    );
  });
});
