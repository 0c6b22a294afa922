/** Watches: order, selection, bookmarks, initial events, 410, slow readers. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { startTestServer, watchReader } from '../testing.ts';
import type { TestClient, WatchLine } from '../testing.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';

async function list(client: TestClient): Promise<string> {
  return ((await client.call('GET', configMaps)).body['metadata'] as { resourceVersion: string }).resourceVersion;
}

function short(events: readonly WatchLine[]): string[] {
  return events.map(({ type, object }) => `${type} ${object.metadata.name}`);
}

const merge = { 'content-type': 'application/merge-patch+json' };

test('from a revision: every change once, in order, other namespaces left out', async (t) => {
  const { client } = await startTestServer(t);
  const from = await list(client);
  await client.call('POST', configMaps, { metadata: { name: 'a' } });
  const stream = await client.open(`${configMaps}?watch=1&resourceVersion=${from}`);
  await client.call('POST', '/api/v1/namespaces/kube-system/configmaps', { metadata: { name: 'elsewhere' } });
  await client.call('PATCH', `${configMaps}/a`, { data: { k: 'v' } }, merge);
  await client.call('DELETE', `${configMaps}/a`);
  const events = await watchReader(stream).take(3);
  stream.destroy();
  assert.deepEqual(short(events), ['ADDED a', 'MODIFIED a', 'DELETED a']);
  const versions = events.map((event) => Number(event.object.metadata.resourceVersion));
  assert.deepEqual(
    versions,
    versions.toSorted((a, b) => a - b),
  );
  assert.equal(events[2]?.object['kind'], 'ConfigMap');
  assert.ok((versions[2] ?? 0) > (versions[1] ?? 0), 'the last state has the revision of the deletion');
});

test('a label selector: coming in is ADDED, going out is DELETED', async (t) => {
  const { client } = await startTestServer(t);
  const stream = await client.open(
    `${configMaps}?watch=1&labelSelector=on%3Dyes&resourceVersion=${await list(client)}`,
  );
  await client.call('POST', configMaps, { metadata: { name: 'a' } });
  await client.call('PATCH', `${configMaps}/a`, { metadata: { labels: { on: 'yes' } } }, merge);
  await client.call('PATCH', `${configMaps}/a`, { data: { k: 'v' } }, merge);
  await client.call('PATCH', `${configMaps}/a`, { metadata: { labels: { on: 'no' } } }, merge);
  assert.deepEqual(short(await watchReader(stream).take(3)), ['ADDED a', 'MODIFIED a', 'DELETED a']);
  stream.destroy();
});

test('sendInitialEvents: the state, the bookmark that ends it, then what changes', async (t) => {
  const { client } = await startTestServer(t);
  for (const name of ['b', 'a']) await client.call('POST', configMaps, { metadata: { name } });
  const query = 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
  const stream = await client.open(`${configMaps}?${query}`);
  const reader = watchReader(stream);
  const initial = await reader.take(3);
  assert.deepEqual(short(initial.slice(0, 2)), ['ADDED a', 'ADDED b']);
  const bookmark = initial[2];
  assert.equal(bookmark?.type, 'BOOKMARK');
  assert.equal(bookmark?.object.metadata.annotations?.['k8s.io/initial-events-end'], 'true');
  assert.equal(bookmark?.object.metadata.resourceVersion, await list(client));
  await client.call('DELETE', `${configMaps}/a`);
  assert.deepEqual(short(await reader.take(1)), ['DELETED a']);
  stream.destroy();
  const without = await client.call('GET', `${configMaps}?watch=1&sendInitialEvents=true`);
  assert.equal(without.code, 422);
  assert.match(without.text, /sendInitialEvents requires setting resourceVersionMatch to NotOlderThan/);
});

test('timeoutSeconds ends the stream, with a last bookmark where they are wanted', async (t) => {
  const { client } = await startTestServer(t);
  const stream = await client.open(
    `${configMaps}?watch=1&timeoutSeconds=1&allowWatchBookmarks=1&resourceVersion=${await list(client)}`,
  );
  const reader = watchReader(stream);
  assert.equal((await reader.next())?.type, 'BOOKMARK');
  assert.equal(await reader.next(), undefined);
});

const shortHistory = { watchHistory: { events: 20, bytes: 4 * 1024 * 1024 } };

test('a revision that is compacted, or of another life of the server: 410 in the stream', async (t) => {
  const { client } = await startTestServer(t, shortHistory);
  for (let i = 0; i < 25; i++) await client.call('POST', configMaps, { metadata: { name: `x${String(i)}` } });
  for (const revision of ['999999', '2']) {
    const stream = await client.open(`${configMaps}?watch=1&resourceVersion=${revision}`);
    const event = await watchReader(stream).next();
    assert.equal(event?.type, 'ERROR');
    assert.equal(event?.object.code, 410);
    assert.match(event?.object.message ?? '', /^too old resource version: \d+ \(\d+\)$/);
  }
});

test('tables: columns come with the first event only', async (t) => {
  const { client } = await startTestServer(t);
  const accept = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
  const stream = await client.open(`/api/v1/namespaces?watch=1`, accept);
  const events = await watchReader(stream).take(4);
  stream.destroy();
  assert.deepEqual(
    events.map((event) => event.object.kind),
    ['Table', 'Table', 'Table', 'Table'],
  );
  assert.deepEqual(
    events.map((event) => event.object['columnDefinitions'] !== null),
    [true, false, false, false],
  );
});

test('a reader that stops reading is cut off with 410 once the history has moved on', async (t) => {
  const { client } = await startTestServer(t, shortHistory);
  const stream = await client.open(`${configMaps}?watch=1&resourceVersion=${await list(client)}`);
  stream.pause();
  await client.call('POST', configMaps, { metadata: { name: 'big' } });
  for (let i = 0; i < 100; i++) {
    await client.call('PATCH', `${configMaps}/big`, { data: { k: `${String(i)}${'x'.repeat(500_000)}` } }, merge);
  }
  const reader = watchReader(stream);
  const events: WatchLine[] = [];
  for (let event = await reader.next(); event !== undefined; event = await reader.next()) events.push(event);
  assert.ok(events.length < 50, `${String(events.length)} of 101 events were kept for it`);
  assert.equal(events.at(-1)?.type, 'ERROR');
  assert.equal(events.at(-1)?.object.code, 410);
});
