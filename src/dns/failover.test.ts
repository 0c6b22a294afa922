/** Two nodes and a pod in network namespaces, and a server that is killed: asked with packets. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { failoverTable, neighbours, otherServers } from './failover.ts';
import { slice } from './testing/objects.ts';
import { testInformer } from './testing/informer.ts';

const run = promisify(execFile);
const prefix = `t-dns-${process.pid}`;
const [pod, first, second, third] = [`${prefix}-pod`, `${prefix}-1`, `${prefix}-2`, `${prefix}-3`];

const node1 = '10.10.10.1,fd00:10:10::1';
const node2 = '10.10.10.2,fd00:10:10::2';

async function network(t: TestContext): Promise<void> {
  t.after(async () => {
    for (const name of [pod, first, second, third]) await run('ip', ['netns', 'del', name]).catch(() => undefined);
  });
  const lines = [
    ...[pod, first, second, third].map((name) => `netns add ${name}`),
    `link add eth0 netns ${pod} type veth peer name pod0 netns ${first}`,
    `link add eth0 netns ${first} type veth peer name eth0 netns ${second}`,
    `link add eth1 netns ${first} type veth peer name eth0 netns ${third}`,
  ];
  for (const line of lines) await run('ip', line.split(' '));
  const inside: Readonly<Record<string, readonly string[]>> = {
    [pod]: [
      'addr add 10.244.1.2/24 dev eth0',
      'addr add fd00:10:244:1::2/64 dev eth0 nodad',
      'link set eth0 up',
      'route add default via 10.244.1.1',
      'route add default via fd00:10:244:1::1',
    ],
    [first]: [
      'link set lo up',
      'addr add 10.244.1.1/24 dev pod0',
      'addr add fd00:10:244:1::1/64 dev pod0 nodad',
      'link set pod0 up',
      'addr add 10.10.10.1/24 dev eth0',
      'addr add fd00:10:10::1/64 dev eth0 nodad',
      'link set eth0 up',
      'addr add 10.10.11.1/24 dev eth1',
      'link set eth1 up',
      'route add default via 10.10.10.2',
      'route add default via fd00:10:10::2',
    ],
    [second]: [
      'link set lo up',
      'addr add 10.10.10.2/24 dev eth0',
      'addr add fd00:10:10::2/64 dev eth0 nodad',
      'link set eth0 up',
      'route add 10.244.1.0/24 via 10.10.10.1',
      'route add fd00:10:244:1::/64 via fd00:10:10::1',
    ],
    [third]: [
      'link set lo up',
      'addr add 10.10.11.3/24 dev eth0',
      'link set eth0 up',
      'route add default via 10.10.11.1',
    ],
  };
  for (const [name, commands] of Object.entries(inside)) {
    for (const command of commands) await run('ip', ['-n', name, ...command.split(' ')]);
  }
  for (const forwarding of ['net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1']) {
    await run('ip', ['netns', 'exec', first, 'sysctl', '-qw', forwarding]);
  }
}

async function serve(t: TestContext, name: string, own: string, others: string): Promise<ChildProcess> {
  const script = new URL('testing/failover-node.ts', import.meta.url).pathname;
  const node = spawn('ip', ['netns', 'exec', name, process.execPath, script, name, own, others], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => node.kill('SIGKILL'));
  await once(node.stdout ?? node, 'data');
  return node;
}

const families = ['10.96.0.10', 'fd00:10:96::a'];

/** Which server answers at the first try; nothing where none does. */
async function who(from: string, server: string, ...options: readonly string[]): Promise<string> {
  const dig = ['dig', `@${server}`, '+short', '+tries=1', '+time=3', ...options, 'who.default.svc.cluster.local'];
  return run('ip', ['netns', 'exec', from, ...dig]).then(
    ({ stdout }) => stdout.trim(),
    () => '',
  );
}

const everywhere = [pod, first].flatMap((from) =>
  families.flatMap((server) => [[], ['+tcp']].map((options) => [from, server, ...options] as const)),
);

/** From a pod and from the node itself, both families, UDP and TCP. */
async function allAnsweredBy(address: string): Promise<void> {
  for (const question of everywhere) assert.equal(await who(...question), address, question.join(' '));
}

/** Links are up when all ways have been gone once. */
async function untilAnswered(t: TestContext): Promise<void> {
  for (const question of everywhere) while ((await who(...question)) === '') t.signal.throwIfAborted();
}

/** The kernel's own clock runs the flag out; nobody on this node is left to wait for. */
async function untilForgotten(set = 'alive', tables: readonly string[] = ['ip', 'ip6']): Promise<void> {
  for (const table of tables) {
    const list = ['netns', 'exec', first, 'nft', 'list', 'set', table, 'portolan-dns', set];
    while ((await run('ip', list)).stdout.includes('elements')) await setImmediate();
  }
}

test("failover: a server that dies or hangs is stood in for by another node's, in both families, for pods and the node", async (t) => {
  await network(t);
  const [own] = await Promise.all([serve(t, first, node1, node2), serve(t, second, node2, node1)]);
  await untilAnswered(t);
  await allAnsweredBy('10.10.10.1');

  own.kill('SIGSTOP');
  await untilForgotten();
  await allAnsweredBy('10.10.10.2');
  own.kill('SIGCONT');
  while ((await who(first, '10.96.0.10')) !== '10.10.10.1') t.signal.throwIfAborted();
  while ((await who(first, 'fd00:10:96::a')) !== '10.10.10.1') t.signal.throwIfAborted();
  await allAnsweredBy('10.10.10.1');

  own.kill('SIGKILL');
  await once(own, 'exit');
  for (const server of families) {
    assert.equal(await who(pod, server), '10.10.10.2', 'pods at the very next question: the socket is gone');
    assert.equal(await who(pod, server, '+tcp'), '10.10.10.2');
  }
  await untilForgotten();
  await allAnsweredBy('10.10.10.2');
  await serve(t, first, node1, node2);
  await allAnsweredBy('10.10.10.1');
});

test('failover: a question repeated from the same port does not follow its flow to the server that hangs', async (t) => {
  await network(t);
  const [own] = await Promise.all([serve(t, first, node1, node2), serve(t, second, node2, node1)]);
  await untilAnswered(t);
  for (const [from, server, source] of [
    [pod, '10.96.0.10', '0.0.0.0#4053'],
    [first, 'fd00:10:96::a', '::#4053'],
  ] as const) {
    const ask = (): Promise<string> => who(from, server, '-b', source);
    assert.equal(await ask(), '10.10.10.1');
    own.kill('SIGSTOP');
    await untilForgotten();
    assert.equal(await ask(), '10.10.10.2', `${from} ${server}`);
    own.kill('SIGCONT');
    while ((await ask()) !== '10.10.10.1') t.signal.throwIfAborted();
  }
});

test('failover: of the others one that lives is taken, also when another one dies after our own', async (t) => {
  await network(t);
  const [own, near] = await Promise.all([
    serve(t, first, '10.10.10.1', '10.10.10.2,10.10.11.3'),
    serve(t, second, '10.10.10.2', '10.10.10.1,10.10.11.3'),
    serve(t, third, '10.10.11.3', '10.10.10.1,10.10.10.2'),
  ]);
  const kill = async (server: ChildProcess, set: string): Promise<void> => {
    server.kill('SIGKILL');
    await once(server, 'exit');
    await untilForgotten(set, ['ip']);
  };
  for (const from of [pod, first]) while ((await who(from, '10.96.0.10')) === '') t.signal.throwIfAborted();
  await kill(own, 'alive');
  await kill(near, 'alive-1');
  // By chance each of these would be lost as often as not.
  for (let i = 0; i < 8; i += 1) assert.equal(await who(i % 2 === 0 ? pod : first, '10.96.0.10'), '10.10.11.3');
});

test('failover: other servers are those of kube-dns, ready, of the same family, and not this one', () => {
  const slices = testInformer([
    slice('kube-system/kube-dns-b', 'kube-dns', ['dns:53/UDP'], '10.10.10.2'),
    slice('kube-system/kube-dns-a', 'kube-dns', ['dns:1053/UDP'], '10.10.10.1', '10.10.10.3', '10.10.10.4!'),
    slice('kube-system/kube-dns-6', 'kube-dns', ['dns:53/UDP'], 'fd00::7'),
    slice('kube-system/other', 'other', ['dns:53/UDP'], '10.10.10.9'),
    slice('default/kube-dns', 'kube-dns', ['dns:53/UDP'], '10.10.10.9'),
  ]);
  assert.deepEqual(otherServers(slices.list(), '10.10.10.1'), [
    { address: '10.10.10.2', port: 53 },
    { address: '10.10.10.3', port: 1053 },
  ]);
  assert.deepEqual(otherServers(slices.list(), 'fd00::1'), [{ address: 'fd00::7', port: 53 }]);
  const table = { addresses: ['10.96.0.10'], own: { address: '10.10.10.1', port: 53 }, heartbeat: 4444 };
  assert.doesNotMatch(failoverTable({ ...table, others: [] }), /dnat/, 'nobody else: the proxy decides');
  const others = ['1.1.1.1', '2.2.2.2'].map((address) => ({ address, port: 53 }));
  assert.match(
    failoverTable({ ...table, others }),
    /@alive-1 numgen random mod 2 0 dnat to 1\.1\.1\.1:53\n.* dnat to 2\.2/,
  );
});

test('failover: each hears from those that would stand in for it, in a ring of any size', () => {
  for (const size of [1, 2, 3, 4, 5, 9]) {
    const all = Array.from({ length: size }, (_, i) => ({ address: `10.10.10.${i + 1}`, port: 53 }));
    const around = (own: string) =>
      neighbours(
        all.filter(({ address }) => address !== own),
        own,
      );
    for (const { address } of all) {
      const { next } = around(address);
      assert.equal(next.length, Math.min(3, size - 1));
      assert.ok(next.every((other) => around(other.address).previous.some((told) => told.address === address)));
    }
  }
});
