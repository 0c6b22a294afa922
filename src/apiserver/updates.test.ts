/** What a PUT is held to whatever the kind, and unknown paths: as a kube-apiserver 1.36.3 answered. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { startTestServer } from './testing.ts';
import type { Answer, TestClient } from './testing.ts';

const base = '/api/v1/namespaces/default';
const merge = { 'content-type': 'application/merge-patch+json' };

interface Meta {
  readonly uid: string;
}

function said({ code, body }: Answer): string {
  return `${String(code)} ${String(body['message'])}`;
}

function causes({ body }: Answer): readonly string[] {
  const details = body['details'] as { readonly causes?: readonly { field: string; message: string }[] } | undefined;
  return (details?.causes ?? []).map(({ field, message }) => `${field}: ${message}`);
}

async function stored(client: TestClient, metadata: object): Promise<Meta> {
  return (await client.call('POST', `${base}/configmaps`, { metadata })).body['metadata'] as Meta;
}

test('who is meant: the name must be there, before it is looked for; the uid of a PUT is a precondition', async (t) => {
  const { client } = await startTestServer(t);
  const put = (name: string, metadata: object, query = ''): Promise<Answer> =>
    client.call('PUT', `${base}/configmaps/${name}${query}`, { metadata });
  const undeterminable = 'the name of the object (no based on URL) was undeterminable: name must be provided';
  assert.equal(said(await put('no', {})), `400 ${undeterminable}`);
  const other = 'the name of the object (x) does not match the name on the URL (no)';
  assert.equal(said(await put('no', { name: 'x' })), `400 ${other}`);
  const elsewhere = 'the namespace of the provided object does not match the namespace sent on the request';
  assert.equal(said(await put('no', { name: 'no', namespace: 'o' })), `400 ${elsewhere}`);
  assert.equal(said(await put('no', { name: 'no', uid: 'u' })), '404 configmaps "no" not found');
  const { uid } = await stored(client, { name: 'a' });
  const why = `Precondition failed: UID in precondition: u, UID in object meta: ${uid}`;
  const error = (key: string): string =>
    `409 Operation cannot be fulfilled on configmaps "a": StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${why}`;
  assert.equal(said(await put('a', { name: 'a', uid: 'u' })), error('/registry/configmaps/default/a'));
  assert.equal(said(await put('a', { name: 'a', uid: 'u' }, '?dryRun=All')), error('/configmaps/default/a'));
  const patch = (metadata: object): Promise<Answer> =>
    client.call('PATCH', `${base}/configmaps/a`, { metadata }, merge);
  const patched = await patch({ uid: 'x' });
  assert.equal(said(patched), '422 ConfigMap "a" is invalid: metadata.uid: Invalid value: "x": field is immutable');
  assert.equal(causes(patched).length, 2);
  assert.match(said(await patch({ name: null })), /^400 the name of the object \(a based on URL\) was undeterminable/);
});

test('metadata is checked for all kinds and by most once more: each error once in the message, more often in causes', async (t) => {
  const { client } = await startTestServer(t);
  const put = (plural: string, body: object): Promise<Answer> =>
    client.call('PUT', `${base}/${plural}/a?dryRun=All`, body);
  await stored(client, { name: 'a' });
  const bad = await put('configmaps', { metadata: { name: 'a', labels: { a: '-x' } } });
  assert.match(said(bad), /^422 ConfigMap "a" is invalid: metadata.labels: Invalid value: "-x": a valid label .*\)$/);
  assert.equal(causes(bad).length, 4);
  // A Service's own rules look at changes of metadata only.
  const spec = { ports: [{ port: 80 }], clusterIP: 'None' };
  await client.call('POST', `${base}/services`, { metadata: { name: 'a' }, spec });
  const service = (metadata: object): Promise<Answer> =>
    put('services', { metadata: { name: 'a', ...metadata }, spec });
  assert.equal(causes(await service({ labels: { a: '-x' } })).length, 3);
  assert.equal((await service({ generateName: 'A_b' })).code, 200);
  const prefix = await service({ generateName: 'x/y' });
  assert.deepEqual(causes(prefix), [`metadata.generateName: Invalid value: "x/y": may not contain '/'`]);
});

test('what was warned of is sent with a refusal', async (t) => {
  const { client } = await startTestServer(t);
  const spec = { ports: [{ port: 80 }], externalIPs: ['192.0.2.1'] };
  const refused = await client.call('POST', `${base}/services`, { metadata: { name: 'a' }, spec });
  assert.equal(refused.code, 403);
  assert.equal(
    refused.headers['warning'],
    '299 - "spec.externalIPs is deprecated and may no longer be implemented in some clusters"',
  );
  await client.call('POST', `${base}/services`, { metadata: { name: 'b' }, spec: { ports: [{ port: 80 }] } });
  const patched = await client.call(
    'PATCH',
    `${base}/services/b`,
    { spec: { externalIPs: ['192.0.2.1'] } },
    {
      'content-type': 'application/merge-patch+json',
    },
  );
  assert.deepEqual([patched.code, patched.headers['warning']], [403, refused.headers['warning']]);
});

test('a path that no part of the server knows is said so in plain text', async (t) => {
  const { client } = await startTestServer(t);
  for (const path of ['/nonsense', '/healthz/no', '/openapi/v4', '/apis/no.io', '/apis/no.io/v1/foos', '/metrics/no']) {
    const { code, text, headers } = await client.call('GET', path);
    assert.equal(`${String(code)} ${text}`, '404 404 page not found\n', path);
    assert.equal(headers['content-type'], 'text/plain; charset=utf-8');
  }
  for (const path of ['/apis/apps/v9', '/api/v9', '/api/v1/foos', '/version/no', `${base}/pods/x/no`]) {
    assert.equal(said(await client.call('GET', path)), '404 the server could not find the requested resource', path);
  }
});
