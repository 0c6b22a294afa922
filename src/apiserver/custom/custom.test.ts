/** CustomResourceDefinitions through the wire: what is installed is served like a kind of our own, and goes again. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { Answer, TestServer } from '../testing.ts';
import { startTestServer, watchReader } from '../testing.ts';
import { crontab, crontabs, schema } from './fixtures.ts';

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const name = 'crontabs.stable.example.com';
const group = '/apis/stable.example.com';
const objects = `${group}/v1/namespaces/default/crontabs`;
const table = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
const merge = { 'content-type': 'application/merge-patch+json' };

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

async function installed(t: TestContext, definition: object = crontabs()): Promise<TestServer> {
  const server = await startTestServer(t);
  const answer = await server.client.call('POST', definitions, definition);
  assert.equal(answer.code, 201, answer.text);
  return server;
}

function conditions(answer: Answer): string[] {
  const { status } = answer.body as { status: { conditions: readonly Condition[] } };
  return status.conditions.map((one) => `${one.type}=${one.status} ${one.reason}: ${one.message}`);
}

function at(answer: Answer, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (value as Record<string | number, unknown> | undefined)?.[key],
    answer.body,
  );
}

describe('the definition', () => {
  test('defaults, conditions, columns', async (t) => {
    const { client } = await installed(t);
    const got = await client.call('GET', `${definitions}/${name}`);
    assert.deepEqual(conditions(got), [
      'NamesAccepted=True NoConflicts: no conflicts found',
      'Established=True InitialNamesAccepted: the initial names have been accepted',
    ]);
    assert.equal(at(got, 'spec', 'names', 'listKind'), 'CronTabList');
    assert.deepEqual(at(got, 'spec', 'conversion'), { strategy: 'None' });
    assert.deepEqual(at(got, 'status', 'storedVersions'), ['v1']);
    assert.equal(at(got, 'metadata', 'generation'), 1);
    const rows = await client.call('GET', definitions, undefined, table);
    assert.deepEqual(
      (at(rows, 'columnDefinitions') as { name: string }[]).map((column) => column.name),
      ['Name', 'Created At'],
    );
  });

  test('names that are taken wait until they are free', async (t) => {
    const { client } = await installed(t);
    const other = crontabs((definition) => {
      definition['metadata'] = { name: 'tabs.stable.example.com' };
      definition.spec['names'] = { plural: 'tabs', kind: 'CronTab', shortNames: ['ct'] };
    });
    const second = await client.call('POST', definitions, other);
    assert.deepEqual(conditions(second), [
      'NamesAccepted=False ListKindConflict: "CronTabList" is already in use',
      'Established=False NotAccepted: not all names are accepted',
    ]);
    assert.equal((await client.call('GET', `${group}/v1/namespaces/default/tabs`)).code, 404);
    const watch = watchReader(
      await client.open(
        `${definitions}?watch=1&fieldSelector=metadata.name=tabs.stable.example.com&resourceVersion=${String(at(second, 'metadata', 'resourceVersion'))}`,
      ),
    );
    await client.call('DELETE', `${definitions}/${name}`);
    await watch.next();
    assert.equal((await client.call('GET', `${group}/v1/namespaces/default/tabs`)).code, 200);
  });

  const refused: readonly (readonly [string, (spec: Record<string, unknown>) => void, string])[] = [
    [
      'no dot in the group',
      (spec) => (spec['group'] = 'stable'),
      'spec.group: Invalid value: "stable": should be a domain with at least one dot',
    ],
    [
      'scope',
      (spec) => (spec['scope'] = 'Node'),
      'spec.scope: Unsupported value: "Node": supported values: "Cluster", "Namespaced"',
    ],
    [
      'two storage versions',
      (spec) =>
        ((spec['versions'] as { storage: boolean }[])[1] = {
          ...(spec['versions'] as { storage: boolean }[])[1],
          storage: true,
        }),
      'must have exactly one version marked as storage version',
    ],
    [
      'no schema',
      (spec) => (spec['versions'] = [{ name: 'v1', served: true, storage: true }]),
      'spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required',
    ],
    [
      'no type',
      (spec) =>
        (spec['versions'] = [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', properties: { spec: {} } } },
          },
        ]),
      'spec.validation.openAPIV3Schema.properties[spec].type: Required value: must not be empty for specified object fields',
    ],
    [
      'uniqueItems',
      (spec) =>
        (spec['versions'] = [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: { a: { type: 'array', uniqueItems: true, items: { type: 'string' } } },
              },
            },
          },
        ]),
      'spec.validation.openAPIV3Schema.properties[a].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
    ],
    [
      'a type inside a junctor',
      (spec) =>
        (spec['versions'] = [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', anyOf: [{ type: 'object' }] } },
          },
        ]),
      'spec.validation.openAPIV3Schema.anyOf[0].type: Forbidden: must be empty to be structural',
    ],
    [
      'a default that does not fit',
      (spec) =>
        (spec['versions'] = [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', properties: { a: { type: 'integer', default: 'x' } } } },
          },
        ]),
      'must be of type integer: "string"',
    ],
  ];
  test('refused in upstream’s words, and nothing is served', async (t) => {
    const { client } = await startTestServer(t);
    for (const [what, change, text] of refused) {
      const answer = await client.call(
        'POST',
        definitions,
        crontabs(({ spec }) => change(spec)),
      );
      assert.equal(answer.code, 422, what);
      assert.ok(String(answer.body['message']).includes(text), `${what}: ${answer.text}`);
    }
    const wrong = await client.call('POST', definitions, { ...crontabs(), metadata: { name: 'x.example.com' } });
    assert.match(wrong.text, /must be spec\.names\.plural\+/);
    assert.equal((await client.call('GET', group)).code, 404);
  });

  test('what is established cannot change its scope or kind', async (t) => {
    const { client } = await installed(t);
    const patch = { spec: { scope: 'Cluster', names: { kind: 'Other' } } };
    const answer = await client.call('PATCH', `${definitions}/${name}`, patch, merge);
    assert.equal(answer.code, 422);
    assert.match(answer.text, /spec\.scope: Invalid value: \\"Cluster\\": field is immutable/);
    assert.match(answer.text, /spec\.names\.kind: Invalid value: \\"Other\\": field is immutable/);
  });

  test('rules are held against objects, on create, on update and in their status', async (t) => {
    const { client } = await startTestServer(t);
    const rule = { rule: 'self.x > 1', message: 'too small' };
    const withRules = (...rules: readonly object[]): object =>
      crontabs((definition) => {
        const versions = definition.spec['versions'] as Record<string, unknown>[];
        const spec = { type: 'object', 'x-kubernetes-validations': rules, properties: { x: { type: 'integer' } } };
        for (const version of versions) {
          version['schema'] = { openAPIV3Schema: { type: 'object', properties: { spec } } };
          delete version['selectableFields'];
        }
      });
    const bad = await client.call('POST', definitions, withRules({ rule: 'self.y > 1' }));
    assert.equal(bad.code, 422, bad.text);
    assert.match(String(bad.body['message']), /compilation failed: ERROR: <input>:1:5: undefined field 'y'/);
    const answer = await client.call('POST', definitions, withRules(rule, { rule: 'self.x >= oldSelf.x' }));
    assert.equal(answer.code, 201, answer.text);
    const small = await client.call('POST', objects, { ...crontab('small'), spec: { x: 1 } });
    assert.equal(small.code, 422, small.text);
    assert.match(String(small.body['message']), /"small" is invalid: spec: Invalid value: too small$/);
    const good = await client.call('POST', objects, { ...crontab('good'), spec: { x: 3 } });
    assert.equal(good.code, 201, good.text);
    const lower = await client.call(
      'PATCH',
      `${objects}/good`,
      { spec: { x: 2 } },
      { 'content-type': 'application/merge-patch+json' },
    );
    assert.match(String(lower.body['message']), /spec: Invalid value: failed rule: self.x >= oldSelf.x$/);
  });

  test('deletion takes the objects along; a finalizer of theirs holds it; watchers see every step', async (t) => {
    const { client } = await installed(t);
    await client.call('POST', objects, {
      ...crontab('held'),
      metadata: { name: 'held', finalizers: ['example.com/hold'] },
    });
    await client.call('POST', objects, crontab('free'));
    const watch = watchReader(await client.open(`${objects}?watch=1`));
    await watch.take(2);
    await client.call('DELETE', `${definitions}/${name}`);
    const gone = await watch.take(2);
    assert.deepEqual(
      gone.map(({ type, object }) => `${type} ${object.metadata.name}`),
      ['DELETED free', 'MODIFIED held'],
    );
    const refusedCreate = await client.call('POST', objects, crontab('late'));
    assert.equal(refusedCreate.code, 405);
    assert.match(refusedCreate.text, /create not allowed while custom resource definition is terminating/);
    assert.match(conditions(await client.call('GET', `${definitions}/${name}`)).at(-1) ?? '', /^Terminating=True/);
    await client.call('PATCH', `${objects}/held`, { metadata: { finalizers: null } }, merge);
    assert.equal((await watch.next())?.type, 'DELETED');
    assert.equal(await watch.next(), undefined, 'the watch ends with its kind');
    assert.equal((await client.call('GET', objects)).code, 404);
    assert.equal((await client.call('GET', `${definitions}/${name}`)).code, 404);
  });
});

describe('serving', () => {
  test('discovery, old and aggregated, and OpenAPI, at once and no longer than it is there', async (t) => {
    const { client } = await installed(t);
    const list = await client.call('GET', `${group}/v1`);
    assert.deepEqual(
      (at(list, 'resources') as { name: string; shortNames?: string[] }[]).map((one) => one.name),
      ['crontabs', 'crontabs/scale', 'crontabs/status'],
    );
    assert.equal(at(await client.call('GET', group), 'preferredVersion', 'version'), 'v1');
    const aggregated = await client.call('GET', '/apis', undefined, {
      accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
    });
    assert.match(aggregated.text, /"resource":"crontabs"/);
    const open = await client.call('GET', '/openapi/v3/apis/stable.example.com/v1');
    const ports = ['properties', 'spec', 'properties', 'ports', 'items', 'properties', 'number', 'description'];
    assert.equal(at(open, 'components', 'schemas', 'com.example.stable.v1.CronTab', ...ports), 'Of the port.');
    const two = await client.call('GET', '/openapi/v2');
    assert.equal(at(two, 'definitions', 'com.example.stable.v1.CronTab', ...ports), 'Of the port.');
    const spec = at(two, 'definitions', 'com.example.stable.v1.CronTab', 'properties', 'spec', 'properties') as object;
    // What v2 has words for is there as it is; what combines schemas or says null is not.
    assert.deepEqual(
      { ...spec, ports: undefined },
      {
        ...schema.properties.spec.properties,
        port: { 'x-kubernetes-int-or-string': true },
        free: { 'x-kubernetes-preserve-unknown-fields': true },
        ports: undefined,
        nothing: {},
      },
    );
    const watch = watchReader(await client.open(`${definitions}?watch=1&timeoutSeconds=20`));
    await client.call('DELETE', `${definitions}/${name}`);
    while ((await watch.next())?.type !== 'DELETED');
    assert.equal((await client.call('GET', `${group}/v1`)).code, 404);
    assert.doesNotMatch((await client.call('GET', '/openapi/v3')).text, /stable\.example\.com/);
  });

  test('defaults, pruning and unknown fields by fieldValidation', async (t) => {
    const { client } = await installed(t);
    const body = crontab('a', { typo: 1, free: { any: { thing: 1 } }, ports: [{ name: 'x', odd: 1 }], nothing: null });
    const made = await client.call('POST', objects, body);
    assert.equal(made.code, 201, made.text);
    assert.deepEqual(at(made, 'spec'), {
      schedule: '* * * * *',
      replicas: 1,
      free: { any: { thing: 1 } },
      ports: [{ name: 'x', number: 80 }],
      nothing: null,
    });
    assert.match(String(made.headers['warning']), /unknown field \\"spec\.typo\\"/);
    const strict = await client.call('POST', `${objects}?fieldValidation=Strict`, {
      ...body,
      metadata: { name: 'b', odd: 1 },
    });
    assert.equal(strict.code, 400);
    assert.equal(
      strict.body['message'],
      'CronTab in version "v1" cannot be handled as a CronTab: strict decoding error: unknown field "metadata.odd", unknown field "spec.typo", unknown field "spec.ports[0].odd"',
    );
    const silent = await client.call('POST', `${objects}?fieldValidation=Ignore`, { ...body, metadata: { name: 'c' } });
    assert.equal(silent.headers['warning'], undefined);
  });

  test('validation in upstream’s words', async (t) => {
    const { client } = await installed(t);
    const refuse = async (spec: Record<string, unknown>, text: string): Promise<void> => {
      const answer = await client.call('POST', objects, crontab('bad', spec));
      assert.equal(answer.code, 422, answer.text);
      assert.equal(answer.body['message'], `CronTab.stable.example.com "bad" is invalid: ${text}`);
    };
    await refuse(
      { schedule: 'x' },
      'spec.schedule: Invalid value: "x": spec.schedule in body should match \'^(\\d+|\\*)(\\s+(\\d+|\\*)){4}$\'',
    );
    await refuse(
      { replicas: 11 },
      'spec.replicas: Invalid value: 11: spec.replicas in body should be less than or equal to 10',
    );
    await refuse(
      { replicas: 'x' },
      'spec.replicas: Invalid value: "string": spec.replicas in body must be of type integer: "string"',
    );
    await refuse({ policy: 'x' }, 'spec.policy: Unsupported value: "x": supported values: "Allow", "Forbid"');
    await refuse({ tags: ['a', 'a'] }, 'spec.tags[1]: Duplicate value: "a"');
    await refuse({ ports: [{ name: 'a' }, { name: 'a' }] }, 'spec.ports[1]: Duplicate value: {"name":"a"}');
    await refuse({ labels: { a: 'toolong' } }, 'spec.labels.a: Too long: may not be more than 5 bytes');
    const neither = await client.call('POST', objects, crontab('bad', { port: true }));
    assert.match(
      neither.text,
      /<nil>: Invalid value: \\"\\": \\"spec.port\\" must validate at least one schema \(anyOf\)/,
    );
    const { schedule: _schedule, ...rest } = crontab('bad')['spec'] as Record<string, unknown>;
    const missing = await client.call('POST', objects, { ...crontab('bad'), spec: rest });
    assert.match(missing.text, /spec\.schedule: Required value/);
  });

  test('what was invalid before may stay when it is not touched', async (t) => {
    const { client } = await installed(t);
    await client.call('POST', objects, crontab('old', { labels: { a: 'abcde' } }));
    const narrower = crontabs((definition) => {
      for (const version of definition.spec['versions'] as { schema: { openAPIV3Schema: object } }[]) {
        const text = JSON.stringify(version.schema.openAPIV3Schema).replace('"maxLength":5', '"maxLength":3');
        version.schema = { openAPIV3Schema: JSON.parse(text) as object };
      }
    });
    assert.equal((await client.call('PATCH', `${definitions}/${name}`, { spec: narrower['spec'] }, merge)).code, 200);
    assert.equal((await client.call('PATCH', `${objects}/old`, { spec: { replicas: 2 } }, merge)).code, 200);
    assert.equal((await client.call('PATCH', `${objects}/old`, { spec: { labels: { b: 'abcd' } } }, merge)).code, 422);
  });

  test('status, generation, scale', async (t) => {
    const { client } = await installed(t);
    const made = await client.call('POST', objects, { ...crontab('a'), status: { replicas: 9 } });
    assert.equal(at(made, 'status'), undefined);
    assert.equal(at(made, 'metadata', 'generation'), 1);
    const status = { status: { replicas: 3, selector: 'app=x' }, spec: { replicas: 7 } };
    const stated = await client.call('PATCH', `${objects}/a/status`, status, merge);
    assert.deepEqual(
      [at(stated, 'status', 'replicas'), at(stated, 'spec', 'replicas'), at(stated, 'metadata', 'generation')],
      [3, 1, 1],
    );
    const labelled = await client.call(
      'PATCH',
      `${objects}/a`,
      { metadata: { labels: { x: 'y' } }, status: { replicas: 1 } },
      merge,
    );
    assert.deepEqual([at(labelled, 'status', 'replicas'), at(labelled, 'metadata', 'generation')], [3, 1]);
    const scaled = await client.call('PATCH', `${objects}/a/scale`, { spec: { replicas: 5 } }, merge);
    assert.deepEqual([at(scaled, 'spec', 'replicas'), at(scaled, 'status')], [5, { replicas: 3, selector: 'app=x' }]);
    const after = await client.call('GET', `${objects}/a`);
    assert.deepEqual([at(after, 'spec', 'replicas'), at(after, 'metadata', 'generation')], [5, 2]);
    const tooMany = await client.call('PATCH', `${objects}/a/scale`, { spec: { replicas: 50 } }, merge);
    assert.equal(tooMany.code, 422);
  });

  test('versions of one object, patches, selectors, tables, metadata only', async (t) => {
    const { client } = await installed(t);
    await client.call('POST', objects, crontab('a', { policy: 'Allow' }));
    const old = { ...crontab('b', { policy: 'Forbid' }), apiVersion: 'stable.example.com/v1beta1' };
    assert.equal(
      (await client.call('POST', objects.replace('v1', 'v1beta1'), old)).body['apiVersion'],
      'stable.example.com/v1beta1',
    );
    const list = await client.call('GET', objects);
    assert.deepEqual(at(list, 'kind'), 'CronTabList');
    assert.deepEqual(
      (at(list, 'items') as { apiVersion: string }[]).map((item) => item.apiVersion),
      ['stable.example.com/v1', 'stable.example.com/v1'],
    );
    const some = await client.call('GET', `${objects}?fieldSelector=spec.policy=Forbid`);
    assert.equal((at(some, 'items') as unknown[]).length, 1);
    const unknown = await client.call('GET', `${objects}?fieldSelector=spec.schedule=x`);
    assert.equal(unknown.body['message'], 'field label not supported: spec.schedule');
    const strategic = await client.call(
      'PATCH',
      `${objects}/a`,
      {},
      { 'content-type': 'application/strategic-merge-patch+json' },
    );
    assert.equal(strategic.code, 415);
    const json = [{ op: 'replace', path: '/spec/replicas', value: 4 }];
    const patched = await client.call('PATCH', `${objects}/a`, json, { 'content-type': 'application/json-patch+json' });
    assert.equal(at(patched, 'spec', 'replicas'), 4);
    await client.call(
      'PATCH',
      `${objects}/a/status`,
      { status: { conditions: [{ type: 'Ready', status: 'True' }] } },
      merge,
    );
    const rows = await client.call('GET', `${objects}/a`, undefined, table);
    assert.deepEqual(
      (at(rows, 'columnDefinitions') as { name: string; priority: number }[]).map(
        (column) => `${column.name} ${String(column.priority)}`,
      ),
      ['Name 0', 'Schedule 0', 'Replicas 1', 'Ready 0', 'Age 0'],
    );
    assert.deepEqual((at(rows, 'rows', 0, 'cells') as unknown[]).slice(0, 4), ['a', '* * * * *', 4, 'True']);
    const partial = await client.call('GET', objects, undefined, {
      accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
    });
    assert.equal(at(partial, 'items', 0, 'kind'), 'PartialObjectMetadata');
    const unconditional = await client.call('PUT', `${objects}/a`, crontab('a'));
    assert.match(unconditional.text, /metadata\.resourceVersion: Invalid value: 0x0: must be specified for an update/);
    const gone = await client.call('DELETE', objects);
    assert.equal((at(gone, 'items') as unknown[]).length, 2);
  });
});
