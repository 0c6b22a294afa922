/**
 * The informer of `@kubernetes/client-node`, as others write controllers with it, across kill -9 of the server under writers: what
 * it was told is what happened, each once.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { CoreV1Api, KubeConfig, makeInformer } from '@kubernetes/client-node';
import type { V1ConfigMap } from '@kubernetes/client-node';
import { makePki, serverOptions, testClient, testDirectory, writeKubeconfig } from './testing.ts';
import type { TestClient } from './testing.ts';

const script = `
  const { startApiServer } = await import(${JSON.stringify(new URL('index.ts', import.meta.url).href)});
  const server = await startApiServer(JSON.parse(process.argv[1]), new AbortController().signal);
  console.log(server.address);`;

interface Life {
  readonly child: ChildProcess;
  readonly address: string;
}

async function start(t: TestContext, dir: string, address: string): Promise<Life> {
  const options = JSON.stringify({ ...serverOptions(dir), listen: [address] });
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, options], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => child.kill('SIGKILL'));
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { child, address: line };
}

const configMaps = '/api/v1/namespaces/default/configmaps';

/** Creates, changes and (every third) deletes, until the server is dead. */
async function write(client: TestClient, prefix: string, done: (count: number) => void): Promise<void> {
  try {
    for (let i = 0; ; i++) {
      const name = `${prefix}-${String(i)}`;
      await client.call('POST', configMaps, { metadata: { name }, data: { step: '1' } });
      await client.call('PATCH', `${configMaps}/${name}`, '{"data":{"step":"2"}}', {
        'content-type': 'application/merge-patch+json',
      });
      if (i % 3 === 0) await client.call('DELETE', `${configMaps}/${name}`);
      done(i);
    }
  } catch {
    // The connection went with the server, which is what the test does.
  }
}

test("client-node's informer across kill -9: nothing lost, nothing twice", async (t) => {
  const dir = testDirectory(t, '/tmp');
  await makePki(join(dir, 'pki'));
  let life = await start(t, dir, '127.0.0.1:0');
  const { address } = life;
  const config = new KubeConfig();
  config.loadFromFile(writeKubeconfig(dir, address));
  const api = config.makeApiClient(CoreV1Api);
  const informer = makeInformer(config, configMaps, () => api.listNamespacedConfigMap({ namespace: 'default' }));
  const told = new Map<string, string[]>();
  const tell =
    (what: string) =>
    ({ metadata, data }: V1ConfigMap): void => {
      const name = metadata?.name ?? '';
      told.set(name, [...(told.get(name) ?? []), `${what} ${data?.['step'] ?? ''}`]);
    };
  informer.on('add', tell('add'));
  informer.on('update', tell('update'));
  informer.on('delete', tell('delete'));
  const stopped = new AbortController();
  t.after(async () => {
    stopped.abort();
    await informer.stop();
  });
  informer.on('error', () => {
    if (!stopped.signal.aborted) void delay(20).then(() => (stopped.signal.aborted ? undefined : informer.start()));
  });
  await informer.start();
  for (let round = 0; round < 3; round++) {
    if (round > 0) life = await start(t, dir, address);
    const { child } = life;
    const client = testClient(address, join(dir, 'pki'));
    const exit = once(child, 'exit');
    await Promise.all(
      Array.from({ length: 6 }, (_, writer) =>
        write(client, `r${String(round)}w${String(writer)}`, (count) => {
          if (count >= 8) child.kill('SIGKILL');
        }),
      ),
    );
    await exit;
    client.close();
  }
  await start(t, dir, address);
  const client = testClient(address, join(dir, 'pki'));
  t.after(() => client.close());
  await client.call('POST', configMaps, { metadata: { name: 'last' }, data: { step: '1' } });
  while (!told.has('last')) await delay(20, undefined, { signal: t.signal });

  const { items } = (await client.call('GET', configMaps)).body as { items: V1ConfigMap[] };
  const stored = new Map(items.map(({ metadata, data }) => [metadata?.name ?? '', data?.['step'] ?? '']));
  const known = informer.list().map(({ metadata, data }) => [metadata?.name, data?.['step']]);
  assert.deepEqual(known.toSorted(), [...stored].toSorted());
  for (const [name, events] of told) {
    const whole = ['add 1', 'update 2', 'delete 2'];
    const steps = stored.has(name) ? Number(stored.get(name)) : 3;
    assert.deepEqual(events, whole.slice(0, steps), name);
  }
});
