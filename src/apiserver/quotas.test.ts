/** What one user may have under way; slow senders; namespaces with dangerous names. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { join } from 'node:path';
import { connect } from 'node:tls';
import test from 'node:test';
import { createQuotas } from './quotas.ts';
import { startTestServer, testClient } from './testing.ts';

test('429 with Retry-After for who has too many watches; nobody else notices', async (t) => {
  const server = await startTestServer(t, { quotas: { watchesPerUser: 2 } });
  const rbac = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';
  await server.client.call('POST', rbac, {
    metadata: { name: 'viewers' },
    roleRef: { kind: 'ClusterRole', name: 'view' },
    subjects: [{ kind: 'Group', name: 'team' }],
  });
  const clients = await Promise.all(
    ['ann', 'bob'].map(async (name) => {
      await server.pki.issue(name, `CN=${name}, O=team`);
      return testClient(server.address, join(server.dir, 'pki'), name);
    }),
  );
  t.after(() => clients.forEach((client) => client.close()));
  const [ann, bob] = clients;
  assert.ok(ann !== undefined && bob !== undefined);
  const watches = await Promise.all([ann.open('/api/v1/pods?watch=1'), ann.open('/api/v1/services?watch=1')]);
  assert.deepEqual(
    watches.map((watch) => watch.statusCode),
    [200, 200],
  );
  const refused = await ann.call('GET', '/api/v1/configmaps?watch=1');
  assert.equal(refused.code, 429);
  assert.equal(refused.headers['retry-after'], '1');
  assert.equal(refused.body['reason'], 'TooManyRequests');
  assert.equal(refused.body['message'], 'Too many requests, please try again later.');
  assert.equal((await ann.call('GET', '/api/v1/configmaps')).code, 200, 'requests are counted apart');
  const other = await bob.open('/api/v1/pods?watch=1');
  assert.equal(other.statusCode, 200);
  other.destroy();
  for (const watch of watches) watch.destroy();
  for (;;) {
    const again = await ann.open('/api/v1/configmaps?watch=1');
    again.destroy();
    if (again.statusCode === 200) break;
  }
});

test('a place is given back once', () => {
  const quotas = createQuotas({ requestsPerUser: 1 });
  const ann = { name: 'ann', groups: [] };
  const leave = quotas.enter(ann, false);
  assert.throws(() => quotas.enter(ann, false), /Too many requests/);
  quotas.enter({ name: 'bob', groups: [] }, false);
  leave();
  leave();
  const second = quotas.enter(ann, false);
  assert.throws(() => quotas.enter(ann, false));
  second();
  const master = { name: 'admin', groups: ['system:masters'] };
  for (let i = 0; i < 5; i++) quotas.enter(master, false);
});

test('who sends his headers or his body too slowly is cut off', async (t) => {
  const timeouts = { headersMs: 300, requestMs: 600, checkMs: 50 };
  const { address, dir, client } = await startTestServer(t, { timeouts });
  const port = Number(address.split(':')[1]);
  const ca = readFileSync(join(dir, 'pki', 'ca.crt'));
  const head = 'POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nhost: x\r\n';
  for (const begun of ['GET / HTTP/1.1\r\nhost', `${head}content-length: 100\r\n\r\n{`]) {
    const socket = connect({ host: '127.0.0.1', port, ca, servername: '' });
    const { promise, resolve } = Promise.withResolvers<undefined>();
    socket.on('error', () => undefined);
    socket.once('close', () => resolve(undefined));
    socket.resume();
    socket.write(begun);
    await promise;
  }
  const session = connectHttp2(`https://127.0.0.1:${String(port)}`, { ca });
  session.on('error', () => undefined);
  const stream = session.request({ ':method': 'POST', ':path': '/version' }, { endStream: false });
  const cut = Promise.withResolvers<undefined>();
  stream.on('error', () => undefined);
  stream.once('close', () => cut.resolve(undefined));
  stream.resume();
  stream.write('{');
  await cut.promise;
  session.destroy();
  assert.equal((await client.call('GET', '/livez')).code, 200);
});

test('a namespace named like a part of domain names is warned about, and made', async (t) => {
  const { client } = await startTestServer(t);
  for (const name of ['svc', 'com', 'local']) {
    const answer = await client.call('POST', '/api/v1/namespaces', { metadata: { name } });
    assert.equal(answer.code, 201);
    assert.match(String(answer.headers['warning']), new RegExp(`^299 - ".*namespace \\\\"${name}\\\\" is named like`));
  }
  const fine = await client.call('POST', '/api/v1/namespaces', { metadata: { name: 'shop-eu' } });
  assert.equal(fine.headers['warning'], undefined);
});

test('keys that are members of every object are labels like others; __proto__ never gets in', async (t) => {
  const { client } = await startTestServer(t);
  const path = '/api/v1/namespaces/default/configmaps';
  const strange = { constructor: 'a', toString: 'b', hasOwnProperty: 'c' };
  const made = await client.call('POST', path, {
    metadata: { name: 'c', labels: strange, annotations: strange },
    data: strange,
  });
  assert.equal(made.code, 201, made.text);
  const { labels, annotations } = made.body['metadata'] as Record<string, unknown>;
  assert.deepEqual([labels, annotations, made.body['data']], [strange, strange, strange]);
  for (const type of ['merge-patch', 'strategic-merge-patch', 'json-patch']) {
    const bad =
      type === 'json-patch'
        ? '[{"op":"add","path":"/metadata/labels/__proto__","value":"x"}]'
        : '{"metadata":{"labels":{"__proto__":"x"}}}';
    const answer = await client.call('PATCH', `${path}/c`, bad, { 'content-type': `application/${type}+json` });
    assert.equal(answer.code, 400, `${type}: ${answer.text}`);
    const gone =
      type === 'json-patch' ? '[{"op":"remove","path":"/data/constructor"}]' : '{"data":{"constructor":null}}';
    const fine = await client.call('PATCH', `${path}/c?dryRun=All`, gone, {
      'content-type': `application/${type}+json`,
    });
    assert.deepEqual(fine.body['data'], { toString: 'b', hasOwnProperty: 'c' }, type);
  }
  const many = JSON.stringify(
    Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/kind', value: 'ConfigMap' })),
  );
  const refused = await client.call('PATCH', `${path}/c`, many, { 'content-type': 'application/json-patch+json' });
  assert.equal(refused.code, 413);
  const deep = `{"data":${'{"a":'.repeat(600)}1${'}'.repeat(600)}}`;
  assert.equal(
    (await client.call('PATCH', `${path}/c`, deep, { 'content-type': 'application/merge-patch+json' })).code,
    400,
  );
});
