/** Every rule of the tables, with real packets between namespaces. */
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import type { EndpointSlice, Service } from '../api/gen/types.ts';
import { buildTable } from '../model/index.ts';
import type { NodeView } from '../model/index.ts';
import { createDataPlane } from './index.ts';
import type { DataPlane } from './index.ts';
import { addresses, createTopology, outside, service, slice } from './testing/index.ts';
import type { Topology } from './testing/index.ts';

let net: Topology;
const planes: DataPlane[] = [];

const nodes: readonly NodeView[] = ([1, 2] as const).map((n) => ({
  nodeName: `node-${String(n)}`,
  zone: undefined,
  addresses: addresses[`node-${n}`],
}));
const podA = { address: addresses['pod-a'][0], node: 'node-1' };
const podB = { address: addresses['pod-b'][0], node: 'node-1' };
const podC = { address: addresses['pod-c'][0], node: 'node-2' };
const lbAddress = '198.51.100.130';

before(async () => {
  net = await createTopology();
  await Promise.all(
    (['pod-a', 'pod-b', 'pod-c'] as const).flatMap((pod) => [
      net.places[pod].serve('TCP', 8080),
      net.places[pod].serve('UDP', 8080),
    ]),
  );
  await net.places.lan.serve('TCP', 9000);
  await net.places['node-1'].serve('TCP', 9100, '127.0.0.1');
  for (const n of [1, 2] as const) {
    planes.push(
      createDataPlane({
        netns: net.netns(`node-${n}`),
        podCidrs: [`10.244.${String(n)}.0/24`, `fd00:10:244:${String(n)}::/64`],
        serviceCidrs: ['10.96.0.0/16', 'fd00:10:96::/112'],
        nonMasqueradeCidrs: ['10.244.0.0/16', '10.10.10.0/24', 'fd00:10::/32'],
        trustedSources: ['10.10.10.253'],
      }),
    );
  }
});
after(async () => {
  for (const plane of planes) plane.close();
  await net.close();
});

async function program(services: readonly Service[], slices: readonly EndpointSlice[]): Promise<void> {
  await Promise.all(
    planes.map((plane, i) => {
      const node = nodes[i];
      assert.ok(node !== undefined);
      return plane.start(buildTable({ services, slices, node }).entries.values());
    }),
  );
}

/** Only what this test programs is wanted: start() adds, so each test has its own addresses and ports. */
const port = (number: number, more: object = {}): { port: number; protocol: string } & object => ({
  port: number,
  protocol: 'TCP',
  ...more,
});

const servers = (answers: readonly string[]): string[] =>
  [...new Set(answers.map((text) => text.split(' ')[0] ?? ''))].sort();
const clients = (answers: readonly string[]): string[] =>
  [...new Set(answers.map((text) => text.split(' ')[1] ?? ''))].sort();

test('cluster IP: pods and nodes reach it, a pod keeps its address, and endpoints are chosen evenly', async () => {
  await program(
    [service('web', { clusterIP: '10.96.0.1', ports: [port(80)] })],
    [slice('web', 8080, [podA, podB, podC])],
  );
  const fromPod = await net.places['pod-c'].ask('TCP', '10.96.0.1', 80, { times: 600 });
  assert.deepEqual(servers(fromPod), ['pod-a', 'pod-b', 'pod-c']);
  for (const pod of ['pod-a', 'pod-b', 'pod-c']) {
    // 200 expected with a deviation of 11.5: eight of them never happen.
    const count = fromPod.filter((text) => text.startsWith(pod)).length;
    assert.ok(count > 100 && count < 300, `${pod} was chosen ${String(count)} times of 600`);
  }
  const toOthers = fromPod.filter((text) => !text.startsWith('pod-c'));
  assert.deepEqual(clients(toOthers), ['10.244.2.2'], 'source address kept');
  const fromNode = await net.places['node-2'].ask('TCP', '10.96.0.1', 80, { times: 60 });
  assert.deepEqual(servers(fromNode), ['pod-a', 'pod-b', 'pod-c']);
});

test('hairpin: a pod reaches itself through its service, and sees another address', async () => {
  await program([service('self', { clusterIP: '10.96.0.2', ports: [port(80)] })], [slice('self', 8080, [podA])]);
  const answers = await net.places['pod-a'].ask('TCP', '10.96.0.2', 80, { times: 5 });
  assert.deepEqual(servers(answers), ['pod-a']);
  assert.notDeepEqual(clients(answers), ['10.244.1.2']);
});

test('no endpoints: refused at once, by TCP reset and by ICMP; nothing else of the range is answered', async () => {
  const udp = { port: 53, protocol: 'UDP' };
  await program([service('none', { clusterIP: '10.96.0.3', ports: [port(80), { ...udp, name: 'dns' }] })], []);
  for (const from of ['pod-a', 'node-1'] as const) {
    for (const [protocol, address, number] of [
      ['TCP', '10.96.0.3', 80],
      ['UDP', '10.96.0.3', 53],
      ['TCP', '10.96.0.3', 81],
      ['TCP', '10.96.77.77', 443],
      ['UDP', '10.96.77.77', 443],
    ] as const) {
      const [answer] = await net.places[from].ask(protocol, address, number);
      assert.equal(answer, 'ECONNREFUSED', `${from} ${protocol} ${address}:${String(number)}`);
    }
  }
});

test('a LAN host that routes the service range to a node gets nothing', async () => {
  await program([service('inner', { clusterIP: '10.96.0.4', ports: [port(80)] })], [slice('inner', 8080, [podA])]);
  assert.deepEqual(await net.places.lan.ask('TCP', '10.96.0.4', 80, { timeoutMs: 300 }), ['TIMEOUT']);
  assert.deepEqual(await net.places.lan.ask('TCP', '10.96.99.99', 80, { timeoutMs: 300 }), ['TIMEOUT']);
  assert.deepEqual(servers(await net.places.lan.ask('TCP', podA.address, 8080)), ['pod-a'], 'pods are routed');
});

test('node port: on the addresses of every node and only there, also for an endpoint of another node', async () => {
  const spec = { type: 'NodePort', clusterIP: '10.96.0.5', ports: [port(80, { nodePort: 30_005 })] };
  await program([service('np', spec)], [slice('np', 8080, [podC])]);
  for (const n of [1, 2] as const) {
    const address = addresses[`node-${n}`][0];
    const answers = await net.places.lan.ask('TCP', address, 30_005, { times: 3 });
    assert.deepEqual(servers(answers), ['pod-c'], address);
    assert.notDeepEqual(clients(answers), ['10.10.10.100'], 'masqueraded, so that the answer comes back this way');
    assert.deepEqual(servers(await net.places['pod-a'].ask('TCP', address, 30_005)), ['pod-c'], `pod-a ${address}`);
    assert.deepEqual(servers(await net.places['node-1'].ask('TCP', address, 30_005)), ['pod-c'], `node-1 ${address}`);
  }
  assert.deepEqual(await net.places['pod-a'].ask('TCP', '10.96.0.5', 30_005), ['ECONNREFUSED']);
  assert.deepEqual(await net.places['node-1'].ask('TCP', '127.0.0.1', 30_005), ['ECONNREFUSED']);
});

test('endpoints in the host network: a service leads to nodes themselves, from pods and nodes, to the own one too', async () => {
  // Bound to the address: another one's datagrams would answer from the address of the link (agnhost has a flag for the same reason).
  await Promise.all(
    (['node-1', 'node-2'] as const).flatMap((node) =>
      (['TCP', 'UDP'] as const).map((protocol) => net.places[node].serve(protocol, 9_200, addresses[node][0])),
    ),
  );
  const both = ['TCP', 'UDP'].map((protocol) => ({ port: 80, protocol, name: protocol.toLowerCase() }));
  const [one, two] = (['node-1', 'node-2'] as const).map((node) => ({ address: addresses[node][0], node }));
  const slices = both.map(({ protocol, name }) =>
    slice(
      'host',
      9_200,
      [one, two].filter((end) => end !== undefined),
      { name: `host-${name}`, protocol, portName: name },
    ),
  );
  const ports = both.map((item, i) => ({ ...item, nodePort: 30_020 + i }));
  await program([service('host', { type: 'NodePort', clusterIP: '10.96.0.20', ports })], slices);
  for (const place of ['pod-a', 'pod-c', 'node-1', 'node-2', 'lan'] as const) {
    for (const [i, { protocol }] of ports.entries()) {
      const ways: [string, number][] = [[addresses['node-1'][0], 30_020 + i]];
      if (place !== 'lan') ways.push(['10.96.0.20', 80]);
      for (const [address, number] of ways) {
        const answers = await net.places[place].ask(protocol as 'TCP', address, number, { times: 40 });
        assert.deepEqual(servers(answers), ['node-1', 'node-2'], `${place} ${protocol} ${address}`);
      }
    }
  }
});

test('datagrams larger than a packet: 2,000 bytes there and back, by cluster IP and node port, in both families', async () => {
  const ports = [{ port: 53, protocol: 'UDP', nodePort: 30_022 }];
  const clusterIPs = ['10.96.0.22', 'fd00:10:96::22'] as const;
  const ends = [podC, { address: addresses['pod-c'][1], node: 'node-2' }] as const;
  await program(
    [service('large', { type: 'NodePort', clusterIPs: [...clusterIPs], ports })],
    (['IPv4', 'IPv6'] as const).map((family, v) =>
      slice('large', 8080, [ends[v === 0 ? 0 : 1]], { name: `large-${family}`, family, protocol: 'UDP' }),
    ),
  );
  for (const v of [0, 1] as const) {
    for (const [place, address, number] of [
      ['pod-a', clusterIPs[v], 53],
      ['node-1', clusterIPs[v], 53],
      ['pod-a', addresses['node-1'][v], 30_022],
      ['lan', addresses['node-1'][v], 30_022],
    ] as const) {
      const answers = await net.places[place].ask('UDP', address, number, { times: 3, bytes: 2_000 });
      assert.deepEqual(servers(answers), ['pod-c'], `${place} ${address}: ${answers.join()}`);
    }
  }
});

test('source port of a masqueraded connection is never a node port', async () => {
  const spec = { type: 'NodePort', clusterIP: '10.96.0.6', ports: [port(80, { nodePort: 30_006 })] };
  await program([service('ports', spec)], [slice('ports', 8080, [podC])]);
  const answers = await net.places.lan.ask('TCP', '10.10.10.1', 30_006, { times: 300 });
  const ports = answers.map((text) => Number(text.split(' ')[2]));
  assert.equal(ports.length, 300);
  for (const number of ports) assert.ok(number > 32_767, `source port ${String(number)}`);
});

test('externalTrafficPolicy Local: the address is kept; no local endpoint: silence outside, all endpoints inside', async () => {
  const spec = {
    type: 'LoadBalancer',
    clusterIP: '10.96.0.7',
    externalTrafficPolicy: 'Local',
    ports: [port(80, { nodePort: 30_007 })],
  };
  const status = { loadBalancer: { ingress: [{ ip: lbAddress, ipMode: 'VIP' }] } };
  await program([service('local', spec, status)], [slice('local', 8080, [podC])]);
  const there = await net.places.lan.ask('TCP', '10.10.10.2', 30_007, { times: 3 });
  assert.deepEqual([servers(there), clients(there)], [['pod-c'], ['10.10.10.100']]);
  assert.deepEqual(await net.places.lan.ask('TCP', '10.10.10.1', 30_007, { timeoutMs: 300 }), ['TIMEOUT']);
  assert.deepEqual(await net.places.lan.ask('TCP', lbAddress, 80, { timeoutMs: 300 }), ['TIMEOUT']);
  for (const from of ['pod-a', 'node-1'] as const) {
    assert.deepEqual(servers(await net.places[from].ask('TCP', '10.10.10.1', 30_007)), ['pod-c'], `${from} node port`);
    assert.deepEqual(servers(await net.places[from].ask('TCP', lbAddress, 80)), ['pod-c'], `${from} load balancer`);
  }
});

test('internalTrafficPolicy Local: silence where the node has no endpoint', async () => {
  const spec = { clusterIP: '10.96.0.8', internalTrafficPolicy: 'Local', ports: [port(80)] };
  await program([service('itp', spec)], [slice('itp', 8080, [podB])]);
  assert.deepEqual(servers(await net.places['pod-a'].ask('TCP', '10.96.0.8', 80, { times: 5 })), ['pod-b']);
  assert.deepEqual(await net.places['pod-c'].ask('TCP', '10.96.0.8', 80, { timeoutMs: 300 }), ['TIMEOUT']);
});

test('load balancer and external addresses: captured on every node, ipMode Proxy is not', async () => {
  const spec = {
    type: 'LoadBalancer',
    clusterIP: '10.96.0.9',
    externalIPs: ['198.51.100.140'],
    allocateLoadBalancerNodePorts: false,
    ports: [port(80)],
  };
  const ingress = [
    { ip: '198.51.100.131', ipMode: 'VIP' },
    { ip: '198.51.100.132', ipMode: 'Proxy' },
  ];
  await program([service('lb', spec, { loadBalancer: { ingress } })], [slice('lb', 8080, [podC])]);
  for (const from of ['pod-a', 'node-1', 'lan'] as const) {
    assert.deepEqual(servers(await net.places[from].ask('TCP', '198.51.100.131', 80)), ['pod-c'], from);
    assert.deepEqual(servers(await net.places[from].ask('TCP', '198.51.100.140', 80)), ['pod-c'], from);
  }
  const proxied = await net.places['pod-a'].ask('TCP', '198.51.100.132', 80, { timeoutMs: 300 });
  assert.notDeepEqual(servers(proxied), ['pod-c']);
});

test('loadBalancerSourceRanges hold on every path: load balancer address and node port, LAN, pod and node', async () => {
  const spec = {
    type: 'LoadBalancer',
    clusterIP: '10.96.0.10',
    loadBalancerSourceRanges: ['10.244.1.0/24', '10.244.1.3/32', '10.10.10.2/32'],
    ports: [port(80, { nodePort: 30_010 })],
  };
  const status = { loadBalancer: { ingress: [{ ip: '198.51.100.133' }] } };
  await program([service('ranges', spec, status)], [slice('ranges', 8080, [podC])]);
  const ask = async (
    from: 'lan' | 'pod-a' | 'pod-c' | 'node-1' | 'node-2',
    to: string,
    number: number,
  ): Promise<string> => servers(await net.places[from].ask('TCP', to, number, { timeoutMs: 300 }))[0] ?? '';
  for (const [to, number] of [
    ['198.51.100.133', 80],
    ['10.10.10.1', 30_010],
  ] as const) {
    assert.equal(await ask('lan', to, number), 'TIMEOUT', `lan ${to}`);
    assert.equal(await ask('pod-a', to, number), 'pod-c', `pod-a ${to}`);
    assert.equal(await ask('pod-c', to, number), 'TIMEOUT', `pod-c ${to}`);
    assert.equal(await ask('node-1', to, number), 'TIMEOUT', `node-1 ${to}`);
    assert.equal(await ask('node-2', to, number), 'pod-c', `node-2 ${to}`);
  }
  assert.equal(await ask('pod-c', '10.96.0.10', 80), 'pod-c', 'the cluster IP is not restricted');
});

test('out of the cluster: a pod leaves with its node address, inside it keeps its own', async () => {
  await program([], []);
  assert.deepEqual(clients(await net.places['pod-a'].ask('TCP', outside, 9000)), ['10.10.10.1']);
  assert.deepEqual(clients(await net.places['pod-a'].ask('TCP', '10.10.10.100', 9000)), ['10.244.1.2']);
  assert.deepEqual(clients(await net.places['pod-a'].ask('TCP', podC.address, 8080)), ['10.244.1.2']);
});

test("a neighbour can't reach 127.0.0.1 of a node, even with route_localnet on", async () => {
  const localnet = (value: 0 | 1): string => `echo ${String(value)} >/proc/sys/net/ipv4/conf/all/route_localnet`;
  net.run('node-1', 'sh', '-c', localnet(1));
  net.run(
    'lan',
    'sh',
    '-c',
    `${localnet(1)}; ip route del local 127.0.0.0/8 dev lo; ip route del local 127.0.0.1 dev lo`,
  );
  net.run('lan', 'ip', 'route', 'add', '127.0.0.1/32', 'via', '10.10.10.1');
  net.run('node-1', 'nft', 'add table ip watch; add chain ip watch in { type filter hook input priority 0; }');
  net.run('node-1', 'nft', 'add rule ip watch in iifname eth0 ip daddr 127.0.0.1 counter');
  try {
    const arrived = async (): Promise<boolean> => {
      await net.places.lan.ask('TCP', '127.0.0.1', 9100, { timeoutMs: 300 });
      return !net.run('node-1', 'nft', 'list', 'table', 'ip', 'watch').includes('packets 0 ');
    };
    assert.equal(await arrived(), false);
    net.run('node-1', 'nft', 'flush', 'chain', 'ip', 'portolan', 'raw-prerouting');
    assert.equal(await arrived(), true, 'without our rule it would arrive, so this test can fail');
    const { mended } = (await planes[0]?.audit()) ?? {};
    assert.match(mended ?? '', /rules of table IPv4/);
  } finally {
    net.run('node-1', 'sh', '-c', localnet(0));
  }
});
