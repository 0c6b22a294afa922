/** Two nodes and a pod in network namespaces, and a server that is killed: asked with packets. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { failoverTable, otherServers } from './failover.ts';
import { slice } from './testing/objects.ts';
import { testInformer } from './testing/informer.ts';

const run = promisify(execFile);
const prefix = `t-dns-${process.pid}`;
const [pod, first, second] = [`${prefix}-pod`, `${prefix}-1`, `${prefix}-2`];

async function network(t: TestContext): Promise<void> {
  t.after(async () => {
    for (const name of [pod, first, second]) await run('ip', ['netns', 'del', name]).catch(() => undefined);
  });
  const lines = [
    ...[pod, first, second].map((name) => `netns add ${name}`),
    `link add eth0 netns ${pod} type veth peer name pod0 netns ${first}`,
    `link add eth0 netns ${first} type veth peer name eth0 netns ${second}`,
  ];
  for (const line of lines) await run('ip', line.split(' '));
  const inside: Readonly<Record<string, readonly string[]>> = {
    [pod]: ['addr add 10.244.1.2/24 dev eth0', 'link set eth0 up', 'route add default via 10.244.1.1'],
    [first]: [
      'link set lo up',
      'addr add 10.244.1.1/24 dev pod0',
      'link set pod0 up',
      'addr add 10.10.10.1/24 dev eth0',
      'link set eth0 up',
    ],
    [second]: ['addr add 10.10.10.2/24 dev eth0', 'link set eth0 up', 'route add 10.244.1.0/24 via 10.10.10.1'],
  };
  for (const [name, commands] of Object.entries(inside)) {
    for (const command of commands) await run('ip', ['-n', name, ...command.split(' ')]);
  }
  await run('ip', ['netns', 'exec', first, 'sysctl', '-qw', 'net.ipv4.ip_forward=1']);
}

async function serve(t: TestContext, name: string, address: string, other: string): Promise<ChildProcess> {
  const script = new URL('testing/failover-node.ts', import.meta.url).pathname;
  const node = spawn('ip', ['netns', 'exec', name, process.execPath, script, name, address, other], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => node.kill('SIGKILL'));
  await once(node.stdout ?? node, 'data');
  return node;
}

const who = async (...options: readonly string[]): Promise<string> => {
  const dig = ['dig', '@10.96.0.10', '+short', '+tries=1', '+time=1', ...options, 'who.default.svc.cluster.local'];
  return (await run('ip', ['netns', 'exec', pod, ...dig])).stdout.trim();
};

test("failover: a killed server's pods are answered by another node's at the next question, and by their own again", async (t) => {
  await network(t);
  const [own] = await Promise.all([
    serve(t, first, '10.10.10.1', '10.10.10.2'),
    serve(t, second, '10.10.10.2', '10.10.10.1'),
  ]);
  for (let i = 0; i < 5; i += 1) assert.equal(await who(), '10.10.10.1', 'its own node as long as there is a server');
  assert.equal(await who('+tcp'), '10.10.10.1');
  own.kill('SIGKILL');
  await once(own, 'exit');
  assert.equal(await who(), '10.10.10.2');
  assert.equal(await who('+tcp'), '10.10.10.2');
  await serve(t, first, '10.10.10.1', '10.10.10.2');
  assert.equal(await who(), '10.10.10.1');
  assert.equal(await who('+tcp'), '10.10.10.1');
});

test('failover: other servers are those of kube-dns, ready, of the same family, and not this one', () => {
  const slices = testInformer([
    slice('kube-system/kube-dns-b', 'kube-dns', ['dns:53/UDP'], '10.10.10.2'),
    slice('kube-system/kube-dns-a', 'kube-dns', ['dns:1053/UDP'], '10.10.10.1', '10.10.10.3', '10.10.10.4!'),
    slice('kube-system/kube-dns-6', 'kube-dns', ['dns:53/UDP'], 'fd00::7'),
    slice('kube-system/other', 'other', ['dns:53/UDP'], '10.10.10.9'),
    slice('default/kube-dns', 'kube-dns', ['dns:53/UDP'], '10.10.10.9'),
  ]);
  assert.deepEqual(otherServers(slices.list(), '10.10.10.1'), ['10.10.10.2:53', '10.10.10.3:1053']);
  assert.deepEqual(otherServers(slices.list(), 'fd00::1'), ['[fd00::7]:53']);
  const own = { address: '10.10.10.1', port: 53 };
  assert.doesNotMatch(failoverTable(['10.96.0.10'], own, []), /dnat/, 'nobody else: the proxy decides');
  assert.match(
    failoverTable(['10.96.0.10'], own, ['1.1.1.1:53', '2.2.2.2:53']),
    /mod 2 0 dnat to 1\.1\.1\.1:53\n.* dnat to 2\.2/,
  );
});
