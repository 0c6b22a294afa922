/** `portolan dns` as a process of its own against an API server, and `dns show` beside it. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { resources } from '../api/resources.ts';
import { startTestServer, writeKubeconfig } from '../apiserver/testing.ts';
import { createClient, loadKubeconfig } from '../client/index.ts';
import { clusterService, headlessService, ports, slice } from '../dns/testing/objects.ts';
import { digger } from '../dns/testing/server.ts';

const main = new URL('../main.ts', import.meta.url).pathname;

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function portolan(...args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      resolve({ code, stdout, stderr });
    });
  });
}

/** Ports that the kernel chose are read from what it logs. */
async function startDns(t: TestContext, ...args: readonly string[]) {
  const child = spawn(process.execPath, [main, 'dns', ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  const logged: string[] = [];
  const { promise, resolve } = Promise.withResolvers<readonly number[]>();
  createInterface({ input: child.stderr }).on('line', (line) => {
    const entry = JSON.parse(line) as {
      readonly msg: string;
      readonly listening?: readonly { readonly port: number }[];
    };
    logged.push(entry.msg);
    if (entry.listening !== undefined) resolve(entry.listening.map(({ port }) => port));
  });
  const exited = once(child, 'exit');
  return { child, logged, exited, listening: await Promise.race([promise, exited.then(() => [])]) };
}

test('portolan dns: a process alone, with addresses and ports of choice; dns show says what it says, and why', async (t) => {
  const server = await startTestServer(t);
  const kubeconfig = writeKubeconfig(server.dir, server.address);
  const client = createClient(await loadKubeconfig(kubeconfig), { userAgent: 'test' });
  t.after(() => client.close());
  await client.create(resources.services, clusterService('default/web', '10.96.0.77', 'http:80'));
  await client.create(resources.services, headlessService('default/db', { ports: ports('sql:5432') }));
  await client.create(resources.services, headlessService('default/quiet', { ports: ports('sql:5432') }));
  await client.create(resources.endpointSlices, slice('default/db-1', 'db', ['sql:5432'], 'db-0@10.244.1.2'));
  await client.create(resources.endpointSlices, slice('default/quiet-1', 'quiet', ['sql:5432'], '10.244.1.3!'));

  const dns = await startDns(
    t,
    '--kubeconfig',
    kubeconfig,
    '--listen',
    '127.0.0.1:0,[::1]:0',
    '--upstream',
    '127.0.0.1:1',
    '--log',
  );
  assert.equal(dns.listening.length, 2);
  const { dig } = digger(dns.listening[0] ?? 0);
  assert.deepEqual(await dig('+short', 'web.default.svc.cluster.local'), ['10.96.0.77'], 'asked before the first sync');
  assert.deepEqual(await dig('+short', '+tcp', '-x', '10.96.0.77'), ['web.default.svc.cluster.local.']);
  assert.deepEqual(
    await digger(dns.listening[1] ?? 0).dig(
      '@::1',
      '-p',
      String(dns.listening[1]),
      '+short',
      'db-0.db.default.svc.cluster.local',
    ),
    ['10.244.1.2'],
  );
  assert.ok(
    dns.logged.some((line) => /"A IN web\.default\.svc\.cluster\.local\. udp .*" NOERROR qr,aa,rd,ra/.test(line)),
  );
  await client.create(resources.services, clusterService('default/late', '10.96.0.78', 'http:80'));
  while ((await dig('+short', 'late.default.svc.cluster.local'))[0] !== '10.96.0.78') t.signal.throwIfAborted();
  dns.child.kill('SIGTERM');
  assert.deepEqual(await dns.exited, [0, null]);

  const show = (...args: readonly string[]): Promise<Outcome> =>
    portolan('dns', 'show', '--kubeconfig', kubeconfig, ...args);
  assert.match(
    (await show('web')).stdout,
    /^web\.default\.svc\.cluster\.local\. +5 +A +10\.96\.0\.77 +Service default\/web$/m,
  );
  const quiet = await show('quiet.default.svc.cluster.local');
  assert.equal(quiet.code, 1);
  assert.match(quiet.stdout, /NXDOMAIN\n.*Service default\/quiet is headless, and 0 of its 1 endpoints are ready/);
});

test('portolan dns: what it cannot do it says, with the fix', async () => {
  const refused = async (pattern: RegExp, ...args: readonly string[]): Promise<void> => {
    const { code, stderr } = await portolan('dns', ...args);
    assert.notEqual(code, 0);
    assert.match(stderr, pattern);
  };
  await refused(/want address:port, like 127\.0\.0\.1:5353/, '--listen', 'nowhere');
});
