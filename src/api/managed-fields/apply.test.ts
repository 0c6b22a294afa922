/** Ownership and apply: what upstream's own examples say, and what must hold for any objects. */
import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import fc from 'fast-check';
import { ApiError } from '../errors.ts';
import type { ManagedFieldsEntry } from '../gen/types.ts';
import { applyConfiguration } from './apply.ts';
import { builtInType } from './built-in.ts';
import { compareObjects } from './compare.ts';
import { isEmpty, pathText, pathsOf, setOfPaths } from './field-set.ts';
import type { FieldSet } from './field-set.ts';
import type { ManagedKind, ManagedObject } from './ownership.ts';
import { managedFieldsOfParent, managedFieldsOfScale } from './scale.ts';
import { structuralType } from './structural.ts';
import { fieldSetOf } from './to-field-set.ts';
import { managedFieldsAfter } from './update.ts';

const now = '2026-01-01T00:00:00Z';
const service: ManagedKind = {
  type: builtInType('Service'),
  apiVersion: 'v1',
  kind: 'Service',
  versions: new Set(['v1']),
  reset: setOfPaths([['f:status']]),
};

type Object_ = ManagedObject & { spec?: Record<string, unknown>; status?: unknown };

/** One object and the writes done to it. */
class World {
  object: Object_ | undefined;
  readonly kind: ManagedKind;
  clock = 0;

  constructor(kind: ManagedKind = service) {
    this.kind = kind;
  }

  get now(): string {
    return new Date(Date.parse(now) + this.clock++ * 1000).toISOString().replace('.000Z', 'Z');
  }

  update(manager: string, next: Object_, asked?: ManagedFieldsEntry[], subresource = ''): this {
    const whole = { apiVersion: this.kind.apiVersion, kind: this.kind.kind, ...next };
    const managedFields = managedFieldsAfter({
      kind: this.kind,
      live: this.object,
      next: whole,
      asked: asked ?? this.object?.metadata?.managedFields,
      manager,
      subresource,
      now: this.now,
    });
    return this.#store(whole, managedFields);
  }

  apply(manager: string, config: Object_, force = false): this {
    const { kind } = this;
    const whole = { apiVersion: kind.apiVersion, kind: kind.kind, ...config };
    const request = { kind, live: this.object, config: whole, manager, subresource: '', force, now: this.now };
    const { object, managedFields } = applyConfiguration(request);
    return this.#store(object, managedFields);
  }

  #store(object: Object_, managedFields: ManagedFieldsEntry[] | undefined): this {
    const metadata = { ...object.metadata, name: 'x', ...(managedFields === undefined ? {} : { managedFields }) };
    if (managedFields === undefined) delete metadata.managedFields;
    this.object = dropNulls({ ...object, metadata }) as Object_;
    return this;
  }

  /** `manager Operation` → its paths. */
  owners(): Record<string, string[]> {
    const entries = this.object?.metadata?.managedFields ?? [];
    return Object.fromEntries(
      entries.map(({ manager, operation, fieldsV1 }) => [`${manager} ${operation}`, texts(fieldsV1 as FieldSet)]),
    );
  }

  times(): (string | undefined)[] {
    return (this.object?.metadata?.managedFields ?? []).map(({ time }) => time?.slice(17, 19));
  }
}

const texts = (set: FieldSet): string[] => [...pathsOf(set)].map(pathText);

function dropNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(dropNulls);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, child]) => child !== null && child !== undefined);
  return Object.fromEntries(entries.map(([key, child]) => [key, dropNulls(child)]));
}

function refusal(work: () => unknown): ApiError {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof ApiError, String(error));
    return error;
  }
  return assert.fail('was not refused');
}

describe('updates', () => {
  test('a create owns what it says; structs that Go holds by value do not own themselves', () => {
    const world = new World().update('a', { spec: { type: 'ClusterIP', ports: [{ port: 80, protocol: 'TCP' }] } });
    assert.deepEqual(world.owners(), {
      'a Update': [
        '.spec.ports',
        '.spec.type',
        '.spec.ports[port=80,protocol="TCP"]',
        '.spec.ports[port=80,protocol="TCP"].port',
        '.spec.ports[port=80,protocol="TCP"].protocol',
      ],
    });
  });

  test('who changes a field takes it; who says the same again takes nothing, and no time changes', () => {
    const world = new World().update('a', { spec: { type: 'ClusterIP', sessionAffinity: 'None' } });
    world.update('b', { spec: { type: 'NodePort', sessionAffinity: 'None' } });
    assert.deepEqual(world.owners(), { 'a Update': ['.spec.sessionAffinity'], 'b Update': ['.spec.type'] });
    assert.deepEqual(world.times(), ['00', '01']);
    world.update('c', { spec: { type: 'NodePort', sessionAffinity: 'None' } });
    assert.deepEqual(world.times(), ['00', '01']);
    world.update('c', { spec: { type: 'NodePort' } });
    assert.deepEqual(world.owners(), { 'b Update': ['.spec.type'] });
  });

  test('what an endpoint resets is not owned there; subresources have entries of their own', () => {
    const world = new World().update('a', { spec: { type: 'ClusterIP' }, status: { loadBalancer: { ingress: [] } } });
    assert.deepEqual(world.owners(), { 'a Update': ['.spec.type'] });
    const status = { ...service, reset: setOfPaths([['f:spec']]) };
    const managedFields = managedFieldsAfter({
      kind: status,
      live: world.object,
      next: { ...world.object, status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } } } as ManagedObject,
      asked: undefined,
      manager: 'a',
      subresource: 'status',
      now,
    });
    assert.deepEqual(
      managedFields?.map(({ subresource, fieldsV1 }) => [subresource, texts(fieldsV1 as FieldSet)]),
      [
        [undefined, ['.spec.type']],
        ['status', ['.status.loadBalancer.ingress']],
      ],
    );
  });

  test('an empty list, or one empty entry, forgets all owners; nonsense is not taken', () => {
    for (const asked of [[], [{}]]) {
      const world = new World().update('a', { spec: { type: 'ClusterIP' } });
      world.update('a', { spec: { type: 'ClusterIP' } }, asked);
      assert.equal(world.object?.metadata?.managedFields, undefined);
      world.update('b', { spec: { type: 'NodePort' } });
      assert.equal(world.object?.metadata?.managedFields, undefined, 'not tracked before the first apply');
      world.apply('me', { spec: { sessionAffinity: 'None' } });
      assert.deepEqual(world.owners(), {
        'me Apply': ['.spec.sessionAffinity'],
        'before-first-apply Update': ['.spec.type'],
      });
    }
    const world = new World().update('a', { spec: { type: 'ClusterIP' } });
    const before = world.owners();
    world.update('a', { spec: { type: 'ClusterIP' } }, [{ manager: 'x', operation: 'Nonsense' }]);
    assert.deepEqual(world.owners(), before);
  });

  test('at most ten entries: the oldest go into one', () => {
    const world = new World();
    for (let i = 0; i < 14; i++) {
      const labels = Object.fromEntries(Array.from({ length: i + 1 }, (_, n) => [`l${n}`, 'x']));
      world.update(`m${String(i).padStart(2, '0')}`, { metadata: { labels } });
    }
    const names = Object.keys(world.owners());
    assert.equal(names.length, 10);
    assert.deepEqual(names.slice(0, 2), ['ancient-changes Update', 'm05 Update']);
    assert.equal(world.owners()['ancient-changes Update']?.length, 6);
  });
});

describe('apply', () => {
  const ports = (...list: object[]): Object_ => ({ spec: { ports: list } });

  test('what the applier leaves out goes, what others own stays', () => {
    const world = new World().apply('a', {
      metadata: { labels: { x: '1', y: '2' } },
      ...ports({ port: 80 }, { port: 81 }),
    });
    world.update('u', { ...world.object, metadata: { ...world.object?.metadata, labels: { x: '1', y: '2', z: '3' } } });
    world.apply('b', ports({ port: 81, name: 'shared' }));
    world.apply('a', { metadata: { labels: { x: '1' } }, ...ports({ port: 80 }) });
    assert.deepEqual(world.object?.metadata?.labels, { x: '1', z: '3' });
    assert.deepEqual(world.object?.spec?.['ports'], [{ port: 80 }, { port: 81, name: 'shared' }]);
    world.apply('b', {});
    assert.deepEqual(world.object?.spec?.['ports'], [{ port: 80 }]);
    assert.deepEqual(Object.keys(world.owners()), ['a Apply', 'u Update']);
  });

  test('finalizers are a set: each applier has its own', () => {
    const world = new World().apply('a', { metadata: { finalizers: ['x/a'] } });
    world.apply('b', { metadata: { finalizers: ['x/b'] } });
    assert.deepEqual(world.object?.metadata?.finalizers, ['x/a', 'x/b']);
    world.apply('a', {});
    assert.deepEqual(world.object?.metadata?.finalizers, ['x/b']);
  });

  test('conflicts: with appliers and updaters, by path, and force takes the field', () => {
    const world = new World().apply('a', { spec: { type: 'ClusterIP', ...ports({ port: 80, name: 'x' }).spec } });
    world.update('u', { ...world.object, spec: { ...world.object?.spec, sessionAffinity: 'None' } });
    const config = { spec: { type: 'NodePort', sessionAffinity: 'ClientIP', ports: [{ port: 80, name: 'y' }] } };
    const error = refusal(() => world.apply('b', config));
    assert.equal(error.code, 409);
    assert.equal(
      error.message,
      [
        'Apply failed with 3 conflicts: conflicts with "a":',
        '- .spec.type',
        '- .spec.ports[port=80,protocol="TCP"].name',
        'conflicts with "u" using v1:',
        '- .spec.sessionAffinity',
      ].join('\n'),
    );
    world.apply('b', config, true);
    assert.equal(world.object?.spec?.['type'], 'NodePort');
    assert.deepEqual(world.owners()['a Apply'], [
      '.spec.ports[port=80,protocol="TCP"]',
      '.spec.ports[port=80,protocol="TCP"].port',
    ]);
  });

  test('an apply that changes nothing keeps its time', () => {
    const world = new World().apply('a', { spec: { type: 'ClusterIP' } }).apply('a', { spec: { type: 'ClusterIP' } });
    assert.deepEqual(world.times(), ['00']);
    world.apply('b', { spec: { type: 'ClusterIP' } });
    assert.deepEqual(world.owners(), { 'a Apply': ['.spec.type'], 'b Apply': ['.spec.type'] });
  });

  test('kubectl takes over what it applied from the client', () => {
    const config = { metadata: { labels: { x: '2' } }, spec: { type: 'NodePort' } };
    const said = { apiVersion: 'v1', kind: 'Service', metadata: { labels: { x: '1' } }, spec: { type: 'ClusterIP' } };
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(said) };
    const world = new World().update('kubectl-client-side-apply', {
      ...said,
      metadata: { ...said.metadata, annotations },
    });
    assert.match(refusal(() => world.apply('other', config)).message, /^Apply failed with 2 conflicts/);
    world.apply('kubectl', config);
    assert.deepEqual(world.object?.metadata?.labels, { x: '2' });
    assert.equal(
      world.object?.metadata?.annotations?.['kubectl.kubernetes.io/last-applied-configuration'],
      '{"apiVersion":"v1","kind":"Service","metadata":{"labels":{"x":"2"}},"spec":{"type":"NodePort"}}\n',
    );
    // What somebody changed since is his.
    world.update('u', { ...world.object, spec: { type: 'LoadBalancer' } });
    assert.match(refusal(() => world.apply('kubectl', config)).message, /conflict with "u" using v1: \.spec\.type$/);
  });

  test('a schema of a custom resource: list types, unknown fields, an atomic map', () => {
    const type = structuralType({
      type: 'object',
      properties: {
        spec: {
          type: 'object',
          properties: {
            rules: {
              type: 'array',
              'x-kubernetes-list-type': 'map',
              'x-kubernetes-list-map-keys': ['name', 'mode'],
              items: {
                type: 'object',
                properties: {
                  name: { type: 'string' },
                  mode: { type: 'string', default: 'fast' },
                  weight: { type: 'integer' },
                },
              },
            },
            tags: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
            plain: { type: 'array', items: { type: 'string' } },
            whole: { type: 'object', 'x-kubernetes-map-type': 'atomic', additionalProperties: { type: 'string' } },
            port: { 'x-kubernetes-int-or-string': true },
            free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
          },
        },
      },
    });
    const kind: ManagedKind = {
      type,
      apiVersion: 'x.org/v1',
      kind: 'Thing',
      versions: new Set(['x.org/v1']),
      reset: setOfPaths([]),
    };
    const world = new World(kind).apply('a', {
      spec: {
        rules: [{ name: 'r', weight: 1 }],
        tags: ['t'],
        plain: ['p'],
        whole: { k: 'v' },
        port: 'http',
        free: { deep: { er: [1] } },
      },
    });
    assert.deepEqual(world.owners()['a Apply'], [
      '.spec.plain',
      '.spec.port',
      '.spec.whole',
      '.spec.free.deep',
      '.spec.free.deep.er',
      '.spec.rules[mode="fast",name="r"]',
      '.spec.rules[mode="fast",name="r"].name',
      '.spec.rules[mode="fast",name="r"].weight',
      '.spec.tags[="t"]',
    ]);
    world.apply('b', { spec: { rules: [{ name: 'r', mode: 'slow' }], tags: ['u'] } });
    assert.deepEqual(world.object?.spec?.['tags'], ['t', 'u']);
    assert.equal((world.object?.spec?.['rules'] as object[]).length, 2);
    assert.equal(
      refusal(() => world.apply('c', { spec: { nope: 1 } })).message,
      'failed to create typed patch object (/; x.org/v1, Kind=Thing): .spec.nope: field not declared in schema',
    );
    assert.equal(refusal(() => world.apply('c', { spec: { plain: ['q'] } })).code, 409);
  });

  test('owners of the replicas, seen through /scale and back', () => {
    const kind: ManagedKind = {
      ...service,
      type: builtInType('Deployment'),
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      versions: new Set(['apps/v1']),
    };
    const world = new World(kind).apply('a', { spec: { replicas: 1, paused: true } });
    const path = ['f:spec', 'f:replicas'];
    const parent = world.object?.metadata?.managedFields;
    const scale = managedFieldsOfScale(parent, path);
    assert.deepEqual(
      scale?.map(({ apiVersion, operation, fieldsV1 }) => [apiVersion, operation, fieldsV1]),
      [['autoscaling/v1', 'Apply', { 'f:spec': { 'f:replicas': {} } }]],
    );
    assert.deepEqual(managedFieldsOfParent(parent, scale, path, 'apps/v1'), parent);
    const stolen = [{ ...scale?.[0], manager: 'hpa', operation: 'Update', subresource: 'scale' }];
    assert.deepEqual(
      managedFieldsOfParent(parent, stolen, path, 'apps/v1')?.map(({ manager, subresource, fieldsV1 }) => [
        manager,
        subresource,
        fieldsV1,
      ]),
      [
        ['a', undefined, { 'f:spec': { 'f:paused': {} } }],
        ['hpa', 'scale', { 'f:spec': { 'f:replicas': {} } }],
      ],
    );
  });
});

describe('any objects', () => {
  const word = fc.constantFrom('a', 'b', 'c');
  const map = fc.dictionary(word, word, { minKeys: 1, maxKeys: 3, noNullPrototype: true });
  const port = fc.record(
    { port: fc.constantFrom(80, 81, 82), name: word, protocol: fc.constantFrom('TCP', 'UDP') },
    { requiredKeys: ['port'] },
  );
  const config = fc.record(
    {
      metadata: fc.record(
        { labels: map, annotations: map, finalizers: fc.uniqueArray(word, { minLength: 1, maxLength: 2 }) },
        { requiredKeys: [] },
      ),
      spec: fc.record(
        {
          type: fc.constantFrom('ClusterIP', 'NodePort'),
          selector: map,
          externalIPs: fc.array(word, { minLength: 1, maxLength: 2 }),
          ports: fc.uniqueArray(port, {
            minLength: 1,
            maxLength: 3,
            selector: (item) => `${item.port}${item.protocol ?? 'TCP'}`,
          }),
        },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: [] },
  ) as fc.Arbitrary<Object_>;
  const step = fc.record({ manager: fc.constantFrom('a', 'b', 'kubectl'), apply: fc.boolean(), config });
  const history = fc.array(step, { maxLength: 6 });

  const run = (steps: readonly { manager: string; apply: boolean; config: Object_ }[]): World => {
    const world = new World();
    for (const { manager, apply, config: said } of steps) {
      if (apply) world.apply(manager, said, true);
      else world.update(manager, said);
    }
    return world;
  };

  test('property: a forced apply holds all that it says, and said twice it changes nothing', () => {
    fc.assert(
      fc.property(history, config, (steps, said) => {
        const world = run(steps).apply('me', said, true);
        const whole = { apiVersion: 'v1', kind: 'Service', ...said };
        const { changed } = compareObjects(service.type, dropNulls(world.object), whole);
        assert.equal(isEmpty(changed), true, texts(changed).join());
        const once = world.object;
        assert.deepEqual(world.apply('me', said).object, once);
      }),
      { numRuns: 200 },
    );
  });

  test('property: taking everything back leaves what was there before, as far as others own it', () => {
    fc.assert(
      fc.property(config, (said) => {
        const world = new World().update('u', { spec: { type: 'ClusterIP' } });
        const before = { ...world.object };
        world.apply('me', { ...said, spec: { ...said.spec, type: 'ClusterIP' } }).apply('me', {});
        const { changed, removed } = compareObjects(service.type, before, world.object);
        assert.deepEqual(
          [...texts(changed), ...texts(removed)].filter(
            (text) => !/managedFields|^\.(metadata|spec)(\.\w+)?$/.test(text),
          ),
          [],
        );
        assert.deepEqual(world.owners(), { 'u Update': ['.spec.type'] });
      }),
    );
  });

  test('property: everybody owns only what is there, and a scalar has one updater at most', () => {
    fc.assert(
      fc.property(history, (steps) => {
        const world = run(steps);
        const there = new Set(texts(fieldSetOf(service.type, world.object)).flatMap((text) => parents(text)));
        for (const [who, owned] of Object.entries(world.owners())) {
          // A map or a list that became empty is not written, but it stays owned: Go leaves it out only when it writes JSON.
          const known = (text: string): boolean => there.has(text) || emptied.has(text);
          for (const text of owned) assert.ok(known(text), `${who} owns ${text}, which is not there`);
        }
      }),
      { numRuns: 200 },
    );
  });

  const emptied = new Set([
    '.metadata.labels',
    '.metadata.annotations',
    '.metadata.finalizers',
    '.spec.selector',
    '.spec.ports',
  ]);
  const parents = (text: string): string[] => {
    const steps = text.match(/\.[^.[]+|\[[^\]]*\]/g) ?? [];
    return steps.map((_, index) => steps.slice(0, index + 1).join(''));
  };

  test('property: comparing finds nothing between equals, and the two directions mirror each other', () => {
    fc.assert(
      fc.property(config, config, (left, right) => {
        const same = compareObjects(service.type, left, structuredClone(left));
        assert.deepEqual([same.changed, same.removed], [{}, {}]);
        const there = compareObjects(service.type, left, right);
        const back = compareObjects(service.type, right, left);
        const all = (set: { changed: FieldSet; removed: FieldSet }): string[] =>
          [...new Set([...texts(set.changed), ...texts(set.removed)])].sort();
        assert.deepEqual(all(there), all(back));
      }),
    );
  });

  test('property: whatever is applied, only our own errors come out', () => {
    const junk = fc.oneof(fc.jsonValue({ maxDepth: 3 }), config as fc.Arbitrary<unknown>);
    fc.assert(
      fc.property(history, junk, junk, (steps, spec, metadata) => {
        const world = run(steps);
        try {
          world.apply('me', { metadata, spec } as Object_, true);
        } catch (error) {
          assert.ok(error instanceof ApiError, String(error));
        }
      }),
      { numRuns: 300 },
    );
  });
});
