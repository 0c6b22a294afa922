/** The verbs over real TLS: what is stored, what is answered, and upstream's words for what is refused. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { startTestServer } from './testing.ts';
import type { Answer } from './testing.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';
const services = '/api/v1/namespaces/default/services';

interface Meta {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly labels?: Record<string, string>;
  readonly deletionTimestamp?: string;
  readonly finalizers?: readonly string[];
  readonly generation?: number;
}

function meta(answer: Answer): Meta {
  return answer.body['metadata'] as Meta;
}

function refused(answer: Answer, code: number, reason: string, message: string | RegExp): void {
  assert.equal(answer.code, code, answer.text);
  assert.equal(answer.body['kind'], 'Status');
  assert.equal(answer.body['reason'], reason);
  if (typeof message === 'string') assert.equal(answer.body['message'], message);
  else assert.match(String(answer.body['message']), message);
}

test('a new server has its namespaces, the kubernetes Service and where it leads', async (t) => {
  const { client, address } = await startTestServer(t);
  const namespaces = await client.call('GET', '/api/v1/namespaces');
  const names = (namespaces.body['items'] as { metadata: Meta }[]).map((item) => item.metadata.name);
  assert.deepEqual(names, ['default', 'kube-node-lease', 'kube-public', 'kube-system']);
  const service = await client.call('GET', `${services}/kubernetes`);
  assert.equal((service.body['spec'] as { clusterIP: string }).clusterIP, '10.96.0.1');
  const slice = await client.call('GET', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes');
  assert.deepEqual(slice.body['ports'], [{ name: 'https', port: Number(address.split(':')[1]), protocol: 'TCP' }]);
  assert.equal((await client.call('GET', '/readyz')).text, 'ok');
});

test('create, read, update, conflict, no-op, delete', async (t) => {
  const { client } = await startTestServer(t);
  const created = await client.call('POST', configMaps, { metadata: { name: 'a' }, data: { k: 'v' } });
  assert.equal(created.code, 201, created.text);
  assert.match(created.text, /^\{"kind":"ConfigMap","apiVersion":"v1",/);
  refused(
    await client.call('POST', configMaps, { metadata: { name: 'a' } }),
    409,
    'AlreadyExists',
    'configmaps "a" already exists',
  );

  const changed = await client.call('PUT', `${configMaps}/a`, { ...created.body, data: { k: 'w' } });
  assert.equal(changed.code, 200, changed.text);
  assert.ok(Number(meta(changed).resourceVersion) > Number(meta(created).resourceVersion));
  const modified =
    'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again';
  refused(await client.call('PUT', `${configMaps}/a`, created.body), 409, 'Conflict', modified);

  const same = await client.call('PUT', `${configMaps}/a`, changed.body);
  assert.equal(meta(same).resourceVersion, meta(changed).resourceVersion);
  const unconditional = await client.call('PUT', `${configMaps}/a`, { metadata: { name: 'a' }, data: { k: 'w' } });
  assert.equal(meta(unconditional).resourceVersion, meta(changed).resourceVersion);
  refused(
    await client.call('PUT', `${configMaps}/a`, { metadata: { name: 'b' } }),
    400,
    'BadRequest',
    'the name of the object (b) does not match the name on the URL (a)',
  );

  const gone = await client.call('DELETE', `${configMaps}/a`);
  assert.equal(gone.body['status'], 'Success');
  assert.equal((gone.body['details'] as { uid: string }).uid, meta(created).uid);
  refused(await client.call('GET', `${configMaps}/a`), 404, 'NotFound', 'configmaps "a" not found');
  refused(await client.call('DELETE', `${configMaps}/a`), 404, 'NotFound', 'configmaps "a" not found');
});

test('patches: merge, JSON, strategic; resourceVersion in a patch is a condition', async (t) => {
  const { client } = await startTestServer(t);
  await client.call('POST', configMaps, { metadata: { name: 'a', labels: { x: '1' } }, data: { k: 'v' } });
  const patch = (type: string, body: unknown): Promise<Answer> =>
    client.call('PATCH', `${configMaps}/a`, body, { 'content-type': type });
  const merged = await patch('application/merge-patch+json', { metadata: { labels: { x: null, y: '2' } } });
  assert.deepEqual(meta(merged).labels, { y: '2' });
  const json = await patch('application/json-patch+json', [{ op: 'add', path: '/data/n', value: 'm' }]);
  assert.deepEqual(json.body['data'], { k: 'v', n: 'm' });
  const strategic = await patch('application/strategic-merge-patch+json', { data: { k: null } });
  assert.deepEqual(strategic.body['data'], { n: 'm' });
  const stale = await patch('application/merge-patch+json', {
    metadata: { resourceVersion: meta(merged).resourceVersion },
  });
  assert.equal(stale.code, 409);
  const all = await Promise.all(
    Array.from({ length: 20 }, (_, i) => patch('application/merge-patch+json', { data: { [`p${String(i)}`]: 'x' } })),
  );
  assert.deepEqual(new Set(all.map((answer) => answer.code)), new Set([200]));
  assert.equal(Object.keys((await client.call('GET', `${configMaps}/a`)).body['data'] as object).length, 21);
  refused(await patch('application/x-what', {}), 415, 'UnsupportedMediaType', /^415: Unsupported Media Type$/);
});

test('dry run answers as if, and keeps nothing: not the object, not the address, not the port', async (t) => {
  const { client } = await startTestServer(t);
  const body = {
    metadata: { name: 's' },
    spec: { type: 'NodePort', clusterIP: '10.96.7.7', ports: [{ port: 80, nodePort: 30077 }] },
  };
  for (let i = 0; i < 2; i++) assert.equal((await client.call('POST', `${services}?dryRun=All`, body)).code, 201);
  assert.equal((await client.call('GET', `${services}/s`)).code, 404);
  assert.equal((await client.call('POST', services, body)).code, 201);
  refused(
    await client.call('POST', services, { ...body, metadata: { name: 't' } }),
    422,
    'Invalid',
    /provided IP is already allocated|provided port is already allocated/,
  );
  refused(await client.call('POST', `${services}?dryRun=Some`, body), 422, 'Invalid', /dryRun: Unsupported value/);
});

test('finalizers hold an object; removing the last one removes it', async (t) => {
  const { client } = await startTestServer(t);
  await client.call('POST', configMaps, { metadata: { name: 'a', finalizers: ['example.com/x'] } });
  const marked = await client.call('DELETE', `${configMaps}/a`);
  assert.ok(meta(marked).deletionTimestamp !== undefined);
  const more = await client.call(
    'PATCH',
    `${configMaps}/a`,
    { metadata: { finalizers: ['example.com/x', 'example.com/y'] } },
    { 'content-type': 'application/merge-patch+json' },
  );
  refused(more, 422, 'Invalid', /no new finalizers can be added if the object is being deleted/);
  await client.call(
    'PATCH',
    `${configMaps}/a`,
    { metadata: { finalizers: null } },
    { 'content-type': 'application/merge-patch+json' },
  );
  assert.equal((await client.call('GET', `${configMaps}/a`)).code, 404);
});

test('propagation: Foreground waits under its finalizer, Orphan under its own', async (t) => {
  const { client } = await startTestServer(t);
  for (const [policy, finalizer, code] of [
    ['Foreground', 'foregroundDeletion', 202],
    ['Orphan', 'orphan', 200],
  ] as const) {
    await client.call('POST', configMaps, { metadata: { name: policy.toLowerCase() } });
    const answer = await client.call('DELETE', `${configMaps}/${policy.toLowerCase()}`, { propagationPolicy: policy });
    assert.equal(answer.code, code);
    assert.deepEqual(meta(answer).finalizers, [finalizer]);
  }
});

test('namespaces: must exist, terminate step by step, the first four stay', async (t) => {
  const { client } = await startTestServer(t);
  refused(
    await client.call('POST', '/api/v1/namespaces/x/configmaps', { metadata: { name: 'a' } }),
    404,
    'NotFound',
    'namespaces "x" not found',
  );
  refused(
    await client.call('DELETE', '/api/v1/namespaces/default'),
    403,
    'Forbidden',
    'namespaces "default" is forbidden: this namespace may not be deleted',
  );
  await client.call('POST', '/api/v1/namespaces', { metadata: { name: 'x' } });
  const terminating = await client.call('DELETE', '/api/v1/namespaces/x');
  assert.equal((terminating.body['status'] as { phase: string }).phase, 'Terminating');
  refused(
    await client.call('POST', '/api/v1/namespaces/x/configmaps', { metadata: { name: 'a' } }),
    403,
    'Forbidden',
    'configmaps "a" is forbidden: unable to create new content in namespace x because it is being terminated',
  );
  const finalized = await client.call('PUT', '/api/v1/namespaces/x/finalize', {
    ...terminating.body,
    spec: { finalizers: [] },
  });
  assert.equal(finalized.code, 200, finalized.text);
  assert.equal((await client.call('GET', '/api/v1/namespaces/x')).code, 404);
});

test('deletecollection takes what the selector names and answers with it', async (t) => {
  const { client } = await startTestServer(t);
  for (const [name, app] of [
    ['a', 'x'],
    ['b', 'x'],
    ['c', 'y'],
  ] as const) {
    await client.call('POST', configMaps, { metadata: { name, labels: { app } } });
  }
  const answer = await client.call('DELETE', `${configMaps}?labelSelector=app%3Dx`);
  assert.equal((answer.body['items'] as unknown[]).length, 2);
  const left = await client.call('GET', configMaps);
  assert.deepEqual(
    (left.body['items'] as { metadata: Meta }[]).map((item) => item.metadata.name),
    ['c'],
  );
});

test('preconditions of a delete', async (t) => {
  const { client } = await startTestServer(t);
  await client.call('POST', configMaps, { metadata: { name: 'a' } });
  const answer = await client.call('DELETE', `${configMaps}/a`, {
    kind: 'DeleteOptions',
    apiVersion: 'v1',
    preconditions: { uid: 'other' },
  });
  refused(
    answer,
    409,
    'Conflict',
    /^Operation cannot be fulfilled on ConfigMap "a": the UID in the precondition \(other\) does not match the UID in record/,
  );
});

test('options of a delete that are no options change nothing', async (t) => {
  const { client } = await startTestServer(t);
  await client.call('POST', configMaps, { metadata: { name: 'a' } });
  const cases: [query: string, body: unknown, code: number, reason: string, message: RegExp][] = [
    ['', { propagationPolicy: 'Bogus' }, 422, 'Invalid', /propagationPolicy: Unsupported value: "Bogus": supported/],
    [
      '',
      { propagationPolicy: 'Orphan', orphanDependents: true },
      422,
      'Invalid',
      /propagationPolicy: Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set/,
    ],
    ['?gracePeriodSeconds=soon', undefined, 400, 'BadRequest', /strconv\.ParseInt: parsing "soon": invalid syntax/],
  ];
  for (const [query, body, code, reason, message] of cases)
    refused(await client.call('DELETE', `${configMaps}/a${query}`, body), code, reason, message);
  const { metadata } = (await client.call('GET', `${configMaps}/a`)).body as { metadata: object };
  assert.ok(!('deletionTimestamp' in metadata));
});

test('lists: pages of one snapshot, selectors, an exact past, a past that is gone', async (t) => {
  const { client } = await startTestServer(t);
  for (const name of ['a', 'b', 'c', 'd', 'e'])
    await client.call('POST', configMaps, { metadata: { name, labels: { n: name } } });
  type Page = {
    metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
    items: { metadata: Meta; kind?: string }[];
  };
  const first = (await client.call('GET', `${configMaps}?limit=2`)).body as unknown as Page;
  assert.equal(first.metadata.remainingItemCount, 3);
  assert.equal(first.items[0]?.kind, undefined);
  await client.call('DELETE', `${configMaps}/d`);
  await client.call('POST', configMaps, { metadata: { name: 'bb' } });
  const rest = (
    await client.call('GET', `${configMaps}?limit=500&continue=${encodeURIComponent(first.metadata.continue ?? '')}`)
  ).body as unknown as Page;
  assert.deepEqual(
    rest.items.map((item) => item.metadata.name),
    ['c', 'd', 'e'],
  );
  assert.equal(rest.metadata.resourceVersion, first.metadata.resourceVersion);
  const exact = (
    await client.call(
      'GET',
      `${configMaps}?resourceVersion=${first.metadata.resourceVersion}&resourceVersionMatch=Exact`,
    )
  ).body as unknown as Page;
  assert.deepEqual(
    exact.items.map((item) => item.metadata.name),
    ['a', 'b', 'c', 'd', 'e'],
  );
  const chosen = (
    await client.call('GET', `${configMaps}?labelSelector=n%20in%20(a,e)&fieldSelector=metadata.name!%3De`)
  ).body as unknown as Page;
  assert.deepEqual(
    chosen.items.map((item) => item.metadata.name),
    ['a'],
  );
  refused(
    await client.call('GET', `${configMaps}?resourceVersion=999999`),
    504,
    'Timeout',
    /^Timeout: Too large resource version: 999999, current: \d+$/,
  );
  refused(
    await client.call('GET', `${configMaps}?continue=garbage`),
    400,
    'BadRequest',
    /^invalid continue token: continue key is not valid/,
  );
  refused(
    await client.call('GET', `${configMaps}?resourceVersionMatch=Exact`),
    422,
    'Invalid',
    /resourceVersionMatch is forbidden unless resourceVersion is provided/,
  );
  refused(
    await client.call('GET', '/api/v1/pods?fieldSelector=spec.foo%3Dx'),
    400,
    'BadRequest',
    'field label not supported: spec.foo',
  );
});

test('label selectors look at labels alone, wherever else an object says the name of one', async (t) => {
  const { client } = await startTestServer(t);
  const all = [
    { metadata: { name: 'labelled', labels: { 'x.io/off': 'yes' } } },
    { metadata: { name: 'annotated', annotations: { 'x.io/off': 'yes' } } },
    { metadata: { name: 'said', labels: { other: 'x.io' } }, data: { off: '{"x.io/off":"yes"}' } },
    { metadata: { name: 'silent' } },
  ];
  for (const object of all) await client.call('POST', configMaps, object);
  const selected = async (selector: string): Promise<readonly string[]> => {
    const list = await client.call('GET', `${configMaps}?labelSelector=${encodeURIComponent(selector)}`);
    return (list.body['items'] as { metadata: Meta }[]).map((item) => item.metadata.name);
  };
  assert.deepEqual(await selected('x.io/off'), ['labelled']);
  assert.deepEqual(await selected('x.io/off=yes'), ['labelled']);
  assert.deepEqual(await selected('!x.io/off'), ['annotated', 'said', 'silent']);
  assert.deepEqual(await selected('x.io/off!=yes,!other'), ['annotated', 'silent']);
  assert.deepEqual(await selected('x.io/off notin (no),!other'), ['annotated', 'labelled', 'silent']);
});

test('tables and metadata, in lists and single objects', async (t) => {
  const { client } = await startTestServer(t);
  const accept = (as: string): Record<string, string> => ({
    accept: `application/json;as=${as};v=v1;g=meta.k8s.io,application/json`,
  });
  const table = await client.call('GET', services, undefined, accept('Table'));
  const columns = (table.body['columnDefinitions'] as { name: string }[]).map((column) => column.name);
  assert.deepEqual(columns, ['Name', 'Type', 'Cluster-IP', 'External-IP', 'Port(s)', 'Age', 'Selector']);
  const [row] = table.body['rows'] as { cells: unknown[]; object: { kind: string } }[];
  assert.deepEqual(row?.cells.slice(0, 5), ['kubernetes', 'ClusterIP', '10.96.0.1', '<none>', '443/TCP']);
  assert.equal(row?.object.kind, 'PartialObjectMetadata');
  const partial = await client.call('GET', services, undefined, accept('PartialObjectMetadataList'));
  assert.equal(partial.body['kind'], 'PartialObjectMetadataList');
  refused(
    await client.call('GET', services, undefined, { accept: 'text/html' }),
    406,
    'NotAcceptable',
    /^406: Not Acceptable\n\nAvailable representations: application\/json, /,
  );
  const yaml = await client.call('GET', `${services}/kubernetes`, undefined, { accept: 'application/yaml' });
  assert.match(yaml.text, /^kind: Service$/m);
});

test('status is written through /status only, scale through /scale', async (t) => {
  const { client } = await startTestServer(t);
  const deployments = '/apis/apps/v1/namespaces/default/deployments';
  const container = { name: 'c', image: 'i' };
  const body = {
    metadata: { name: 'd' },
    spec: {
      replicas: 1,
      selector: { matchLabels: { a: 'b' } },
      template: { metadata: { labels: { a: 'b' } }, spec: { containers: [container] } },
    },
  };
  const created = await client.call('POST', deployments, { ...body, status: { replicas: 9 } });
  assert.deepEqual(created.body['status'], {});
  const status = await client.call(
    'PATCH',
    `${deployments}/d/status`,
    { spec: { replicas: 7 }, status: { replicas: 3 } },
    { 'content-type': 'application/merge-patch+json' },
  );
  assert.equal((status.body['status'] as { replicas: number }).replicas, 3);
  assert.equal((status.body['spec'] as { replicas: number }).replicas, 1);
  const scale = await client.call('GET', `${deployments}/d/scale`);
  assert.deepEqual(scale.body['status'], { replicas: 3, selector: 'a=b' });
  const scaled = await client.call(
    'PATCH',
    `${deployments}/d/scale`,
    { spec: { replicas: 5 } },
    { 'content-type': 'application/merge-patch+json' },
  );
  assert.equal((scaled.body['spec'] as { replicas: number }).replicas, 5);
  const after = await client.call('GET', `${deployments}/d`);
  assert.equal((after.body['spec'] as { replicas: number }).replicas, 5);
  assert.equal(meta(after).generation, 2);
  refused(
    await client.call('GET', `${configMaps}/x/status`),
    404,
    'NotFound',
    'the server could not find the requested resource',
  );
});

test('fieldValidation: Strict refuses, Warn warns, Ignore drops', async (t) => {
  const { client } = await startTestServer(t);
  const body = { metadata: { name: 'a' }, spec: { ports: [{ port: 80 }], foo: 1 } };
  refused(
    await client.call('POST', `${services}?fieldValidation=Strict`, body),
    400,
    'BadRequest',
    'Service in version "v1" cannot be handled as a Service: strict decoding error: unknown field "spec.foo"',
  );
  const warned = await client.call('POST', services, body);
  assert.equal(warned.headers['warning'], '299 - "unknown field \\"spec.foo\\""');
  const silent = await client.call('POST', `${services}?fieldValidation=Ignore`, { ...body, metadata: { name: 'b' } });
  assert.equal(silent.headers['warning'], undefined);
});

test('generateName', async (t) => {
  const { client } = await startTestServer(t);
  const names = await Promise.all(
    Array.from({ length: 30 }, () => client.call('POST', configMaps, { metadata: { generateName: 'g-' } })),
  );
  assert.equal(new Set(names.map((answer) => meta(answer).name)).size, 30);
  assert.match(meta(names[0] as Answer).name, /^g-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
});
