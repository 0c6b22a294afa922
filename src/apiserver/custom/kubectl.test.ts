/** The real kubectl and client-node's informer on a kind that somebody installed. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { CustomObjectsApi, KubeConfig, makeInformer } from '@kubernetes/client-node';
import type { KubernetesListObject, KubernetesObject } from '@kubernetes/client-node';
import { kubectlPath } from '../../../test/support/kubectl.ts';
import { startApiServer } from '../index.ts';
import { makePki, serverOptions, startTestServer, testClient, testDirectory, writeKubeconfig } from '../testing.ts';
import { crontab, crontabs } from './fixtures.ts';

type Kubectl = (words: string, stdin?: object) => Promise<string>;

async function start(t: TestContext): Promise<Kubectl> {
  const { dir, address } = await startTestServer(t);
  const editor = join(dir, 'editor');
  writeFileSync(editor, '#!/bin/sh\nsed -i "s/replicas: 3/replicas: 4/" "$1"\n');
  chmodSync(editor, 0o755);
  const options = ['--kubeconfig', writeKubeconfig(dir, address), '--cache-dir', join(dir, 'cache')];
  const env = { ...process.env, HOME: dir, KUBE_EDITOR: editor };
  return async (words, stdin) => {
    const child = spawn(kubectlPath(), [...words.split(' '), ...options], { env, timeout: 60_000 });
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin === undefined ? '' : JSON.stringify(stdin));
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return out + err;
  };
}

test('apply, wait, explain, get, describe, scale, patch, edit, delete', async (t) => {
  const k = await start(t);
  const name = 'customresourcedefinition.apiextensions.k8s.io/crontabs.stable.example.com';
  assert.equal(await k('apply -f -', crontabs()), `${name} created\n`);
  assert.equal(await k('apply -f -', crontabs()), `${name} unchanged\n`);
  assert.equal(await k('wait --for=condition=established crd/crontabs.stable.example.com'), `${name} condition met\n`);
  assert.match(await k('get crd'), /^NAME +CREATED AT\ncrontabs\.stable\.example\.com +20\d\d-/);
  const explained = await k('explain crontab.spec.ports.number');
  assert.match(explained, /^GROUP: +stable\.example\.com\nKIND: +CronTab\nVERSION: +v1\n\nFIELD: number <integer>/);
  assert.match(explained, /Of the port\./);
  assert.equal(await k('apply -f -', crontab('one', { replicas: 2 })), 'crontab.stable.example.com/one created\n');
  assert.equal(await k('apply -f -', crontab('one', { replicas: 2 })), 'crontab.stable.example.com/one unchanged\n');
  assert.match(await k('get ct'), /^NAME +SCHEDULE +READY +AGE\none +\* \* \* \* \* +\d+s\n$/);
  assert.match(await k('get ct -o wide'), /^NAME +SCHEDULE +REPLICAS +READY +AGE\n/);
  assert.match(await k('get all'), /crontab\.stable\.example\.com\/one/);
  assert.match(await k('describe crontab one'), /API Version: +stable\.example\.com\/v1\nKind: +CronTab/);
  assert.equal(await k('scale ct/one --replicas=3'), 'crontab.stable.example.com/one scaled\n');
  assert.equal(await k('edit ct one'), 'crontab.stable.example.com/one edited\n');
  assert.equal(await k('get ct one -o jsonpath={.spec.replicas}'), '4');
  assert.equal(
    await k('patch ct one --type=merge -p {"spec":{"policy":"Allow"}}'),
    'crontab.stable.example.com/one patched\n',
  );
  assert.equal(await k('get ct --field-selector=spec.policy=Allow -o name'), 'crontab.stable.example.com/one\n');
  assert.equal(
    await k(
      'patch ct one --subresource=status --type=merge -p {"status":{"conditions":[{"type":"Ready","status":"True"}]}}',
    ),
    'crontab.stable.example.com/one patched\n',
  );
  assert.match(await k('wait --for=condition=Ready ct/one'), /condition met/);
  const strict = await k('apply -f -', crontab('two', { odd: 1 }));
  assert.match(strict, /strict decoding error: unknown field "spec\.odd"/);
  assert.match(
    await k('create -f -', crontab('two', { replicas: 20 })),
    /The CronTab "two" is invalid: spec\.replicas: Invalid value: 20: spec\.replicas in body should be less than or equal to 10/,
  );
  assert.equal(
    await k('delete crd crontabs.stable.example.com'),
    'customresourcedefinition.apiextensions.k8s.io "crontabs.stable.example.com" deleted\n',
  );
  assert.match(
    await k('get crontabs.stable.example.com'),
    /the server doesn't have a resource type|could not find the requested resource/,
  );
});

test("client-node's informer over a custom kind across a restart of the server", async (t) => {
  const dir = testDirectory(t);
  await makePki(join(dir, 'pki'));
  const stop = new AbortController().signal;
  let server = await startApiServer(serverOptions(dir), stop);
  const { address } = server;
  const client = testClient(address, join(dir, 'pki'));
  t.after(async () => {
    client.close();
    await server.close();
  });
  await client.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', crontabs());
  const path = '/apis/stable.example.com/v1/namespaces/default/crontabs';
  await client.call('POST', path, crontab('before'));
  const config = new KubeConfig();
  config.loadFromFile(writeKubeconfig(dir, address));
  const api = config.makeApiClient(CustomObjectsApi);
  const names = { group: 'stable.example.com', version: 'v1', namespace: 'default', plural: 'crontabs' };
  const list = async (): Promise<KubernetesListObject<KubernetesObject>> =>
    (await api.listNamespacedCustomObject(names)) as KubernetesListObject<KubernetesObject>;
  const informer = makeInformer(config, path, list);
  const added: string[] = [];
  let told = Promise.withResolvers<undefined>();
  informer.on('add', ({ metadata }) => {
    added.push(metadata?.name ?? '');
    told.resolve(undefined);
  });
  informer.on('error', () => {
    setTimeout(() => void informer.start().catch(() => undefined), 20);
  });
  t.after(() => informer.stop());
  await informer.start();
  await told.promise;
  await server.close();
  server = await startApiServer({ ...serverOptions(dir), listen: [address] }, stop);
  told = Promise.withResolvers<undefined>();
  const made = await testAgain(() => client.call('POST', path, crontab('after')));
  assert.equal(made.code, 201, made.text);
  await told.promise;
  assert.deepEqual(added, ['before', 'after']);
});

/** The first call after a restart may meet the old connection's end. */
async function testAgain<R>(call: () => Promise<R>): Promise<R> {
  try {
    return await call();
  } catch {
    return call();
  }
}
