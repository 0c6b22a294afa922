/** bindings and componentstatuses: kinds that are served and not stored. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { startTestServer } from './testing.ts';

const pods = '/api/v1/namespaces/default/pods';
const bindings = '/api/v1/namespaces/default/bindings';

test('POST bindings puts the named pod on a node', async (t) => {
  const { client } = await startTestServer(t);
  const pod = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  assert.equal((await client.call('POST', pods, pod)).code, 201);
  const binding = { metadata: { name: 'p' }, target: { kind: 'Node', name: 'node-1' } };
  const bound = await client.call('POST', bindings, binding);
  assert.equal(bound.code, 201, bound.text);
  assert.equal(bound.body['status'], 'Success');
  assert.equal(((await client.call('GET', `${pods}/p`)).body['spec'] as { nodeName?: string }).nodeName, 'node-1');
  const again = await client.call('POST', bindings, binding);
  assert.equal(again.code, 409);
  assert.match(String(again.body['message']), /pod p is already assigned to node "node-1"$/);
  const absent = await client.call('POST', bindings, { ...binding, metadata: { name: 'q' } });
  assert.equal(absent.body['message'], 'pods "q" not found');
  const elsewhere = await client.call('POST', bindings, { ...binding, metadata: { name: 'p', namespace: 'other' } });
  assert.equal(elsewhere.code, 400);
  const misnamed = await client.call('POST', `${pods}/p/binding`, { ...binding, metadata: { name: 'q' } });
  assert.equal(misnamed.body['message'], 'name in URL does not match name in Binding object');
  assert.equal((await client.call('GET', bindings)).code, 405);
});

test('componentstatuses: who is here is well, who does not answer is not', async (t) => {
  const { client } = await startTestServer(t, { components: ['controller-manager'] });
  const all = '/api/v1/componentstatuses';
  const list = await client.call('GET', all);
  assert.equal(list.headers['warning'], '299 - "v1 ComponentStatus is deprecated in v1.19+"');
  assert.equal(list.body['kind'], 'ComponentStatusList');
  const ok = [{ type: 'Healthy', status: 'True', message: 'ok' }];
  const items = list.body['items'] as { metadata: { name: string }; conditions: object[] }[];
  assert.deepEqual(
    items.map(({ metadata, conditions }) => [metadata.name, conditions]),
    [
      ['controller-manager', ok],
      [
        'scheduler',
        [
          {
            type: 'Healthy',
            status: 'False',
            message: 'Get "https://127.0.0.1:10259/healthz": dial tcp 127.0.0.1:10259: connect: connection refused',
          },
        ],
      ],
      ['etcd-0', ok],
    ],
  );
  const one = await client.call('GET', `${all}/etcd-0`);
  assert.deepEqual(one.body, {
    kind: 'ComponentStatus',
    apiVersion: 'v1',
    metadata: { name: 'etcd-0' },
    conditions: ok,
  });
  assert.equal((await client.call('GET', `${all}/x`)).body['message'], 'componentstatus "x" not found');
  const table = await client.call('GET', all, undefined, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
  const rows = table.body['rows'] as { cells: string[] }[];
  assert.deepEqual(rows[0]?.cells, ['controller-manager', 'Healthy', 'ok', '']);
  assert.deepEqual(rows[1]?.cells.slice(0, 2), ['scheduler', 'Unhealthy']);
  assert.equal((await client.call('POST', all, {})).code, 405);
  assert.equal((await client.call('GET', `${all}?watch=1`)).code, 405);
  const chosen = await client.call('GET', `${all}?fieldSelector=metadata.name%3Dscheduler`);
  assert.equal((chosen.body['items'] as object[]).length, 1);
});
