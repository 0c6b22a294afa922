/**
 * Every cell of the matrix, both ways of sending a change, against a dual-stack server. What is gone another Service can have
 * at once; what is kept nobody else can have.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { fields, matrix, newTypes, oldSpecs } from './service-types.ts';
import { factsClient } from './server.ts';
import type { Answer, TestClient } from '../testing.ts';

const path = '/api/v1/namespaces/default/services';
const mergePatch = { 'content-type': 'application/merge-patch+json' };
type Json = Record<string, unknown>;

const ways: Readonly<Record<string, (client: TestClient, old: Json, change: Json) => Promise<Answer>>> = {
  'PUT with the rest as it was': (client, old, change) =>
    client.call('PUT', `${path}/s`, { ...old, spec: { ...(old['spec'] as Json), ...change } }),
  'a patch of the type': (client, _old, change) => client.call('PATCH', `${path}/s`, { spec: change }, mergePatch),
};

test('the matrix has a cell for each field of each change', () => {
  for (const rows of Object.values(matrix)) {
    for (const type of newTypes) {
      if (!rows[type].startsWith('!')) assert.equal(rows[type].trim().split(/\s+/).length, fields.length, rows[type]);
    }
  }
});

test('types', async (t) => {
  const serviceClusterIPRange = ['10.96.0.0/16', 'fd00:10:96::/112'];
  const client = await factsClient(t, { serviceClusterIPRange });
  for (const [name, spec] of Object.entries(oldSpecs)) {
    for (const type of newTypes) {
      for (const [way, send] of Object.entries(ways)) {
        await t.test(`${name} to ${type}: ${way}`, async () => {
          try {
            const old = await stored(client, spec);
            const change = { type, ...(type === 'ExternalName' ? { externalName: 'a.example' } : {}) };
            await checkRow(client, old, await send(client, old, change), matrix[name as keyof typeof matrix][type]);
          } finally {
            for (const one of ['s', 'other']) await client.call('DELETE', `${path}/${one}`);
          }
        });
      }
    }
  }
});

async function stored(client: TestClient, spec: Json): Promise<Json> {
  const made = await client.call('POST', path, { metadata: { name: 's' }, spec });
  assert.equal(made.code, 201, made.text);
  if (spec['type'] !== 'LoadBalancer') return made.body;
  const status = { loadBalancer: { ingress: [{ ip: '198.51.100.130' }] } };
  const balanced = await client.call('PATCH', `${path}/s/status`, { status }, mergePatch);
  assert.equal(balanced.code, 200, balanced.text);
  return balanced.body;
}

async function checkRow(client: TestClient, old: Json, answer: Answer, row: string): Promise<void> {
  if (row.startsWith('! ')) {
    assert.equal(answer.code, 422, answer.text);
    assert.equal(answer.body['message'], `Service "s" is invalid: ${row.slice(2)}`);
    assert.deepEqual((await client.call('GET', `${path}/s`)).body, old);
    return;
  }
  assert.equal(answer.code, 200, answer.text);
  const cells = row.trim().split(/\s+/);
  for (const [index, field] of fields.entries()) {
    const [was, is] = [valueAt(old, field), valueAt(answer.body, field)];
    if (cells[index] === 'k') assert.deepEqual(is, was, `${field} is kept`);
    if (cells[index] === 'k') assert.notEqual(was, undefined, `${field} was there to be kept`);
    if (cells[index] === '-') assert.equal(is, undefined, `${field} is gone`);
    if (cells[index] === '+') assert.ok(was === undefined && is !== undefined, `${field} is made`);
  }
  const clusterIP = valueAt(old, 'spec.clusterIP');
  if (clusterIP !== undefined && clusterIP !== 'None') {
    await claim(client, { clusterIP, ports: [{ port: 80 }] }, cells[0] === '-');
  }
  const nodePort = valueAt(old, 'spec.ports.0.nodePort');
  if (nodePort !== undefined)
    await claim(client, { type: 'NodePort', ports: [{ port: 80, nodePort }] }, cells[4] === '-');
}

async function claim(client: TestClient, spec: Json, free: boolean): Promise<void> {
  const other = await client.call('POST', path, { metadata: { name: 'other' }, spec });
  assert.equal(other.code, free ? 201 : 422, other.text);
  if (free) await client.call('DELETE', `${path}/other`);
  else assert.match(String(other.body['message']), /provided (IP|port) is already allocated$/);
}

function valueAt(object: unknown, at: string): unknown {
  return at.split('.').reduce<unknown>((value, key) => (value as Json | undefined)?.[key], object);
}
