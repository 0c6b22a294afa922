/** kill -9 under watchers and writers: nothing acknowledged is lost, and a watch resumes without a gap or a double. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { makePki, serverOptions, testClient, testDirectory, watchReader } from './testing.ts';
import type { TestClient } from './testing.ts';

const script = `
  const { startApiServer } = await import(${JSON.stringify(new URL('index.ts', import.meta.url).href)});
  const server = await startApiServer(JSON.parse(process.argv[1]), new AbortController().signal);
  console.log(server.address);`;

async function start(t: TestContext, dir: string): Promise<{ child: ChildProcess; client: TestClient }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, JSON.stringify(serverOptions(dir))], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => child.kill('SIGKILL'));
  const [address] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const client = testClient(address, join(dir, 'pki'));
  t.after(() => client.close());
  return { child, client };
}

const configMaps = '/api/v1/namespaces/default/configmaps';

test('a watch goes on after kill -9 and restart', async (t) => {
  const dir = testDirectory(t, '/tmp');
  await makePki(join(dir, 'pki'));
  const acknowledged: string[] = [];
  const seen: string[] = [];
  let resume = '';
  for (let life = 0; life < 3; life++) {
    const { child, client } = await start(t, dir);
    if (resume === '')
      resume = ((await client.call('GET', configMaps)).body['metadata'] as { resourceVersion: string }).resourceVersion;
    const stream = await client.open(`${configMaps}?watch=1&resourceVersion=${resume}`);
    const reading = (async () => {
      const reader = watchReader(stream);
      for (let event = await reader.next(); event !== undefined; event = await reader.next()) {
        assert.equal(event.type, 'ADDED');
        seen.push(event.object.metadata.name);
        resume = event.object.metadata.resourceVersion;
      }
    })();
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let i = 0; child.exitCode === null && child.signalCode === null; i++) {
        const name = `life${String(life)}-${String(writer)}-${String(i)}`;
        try {
          const answer = await client.call('POST', configMaps, { metadata: { name } });
          if (answer.code === 201) acknowledged.push(name);
        } catch {
          return;
        }
        if (acknowledged.length > 100 * (life + 1)) child.kill('SIGKILL');
      }
    });
    await Promise.all([...writers, reading]);
  }
  const { client } = await start(t, dir);
  const { items } = (await client.call('GET', configMaps)).body as { items: { metadata: { name: string } }[] };
  const stored = items.map((item) => item.metadata.name);
  assert.deepEqual(
    acknowledged.filter((name) => !stored.includes(name)),
    [],
    'acknowledged writes that are gone',
  );
  const stream = await client.open(`${configMaps}?watch=1&resourceVersion=${resume}&timeoutSeconds=1`);
  const reader = watchReader(stream);
  for (let event = await reader.next(); event !== undefined; event = await reader.next())
    seen.push(event.object.metadata.name);
  assert.equal(new Set(seen).size, seen.length, 'events seen twice');
  assert.deepEqual(seen.toSorted(), stored.toSorted());
});
