/** Flows that exist: which are forgotten, which must never be cut; and the proxy killed, restarted, its tables in foreign hands. */
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import type { EndpointSlice, Service } from '../api/gen/types.ts';
import { createDataPlane } from '../dataplane/index.ts';
import { addresses, createTopology, resetRequest, service, slice } from '../dataplane/testing/index.ts';
import type { EndpointWords, PlaceName, Topology } from '../dataplane/testing/index.ts';
import { openNftElements } from '../kernel/index.ts';
import { buildTable } from '../model/index.ts';
import { until } from '../util/testing.ts';
import { openProxy } from './testing/index.ts';
import type { ProxyProcess } from './testing/index.ts';

let net: Topology;
let proxy: ProxyProcess;
const podB = { address: addresses['pod-b'][0], node: 'node-1' };
const podC = { address: addresses['pod-c'][0], node: 'node-2' };

before(async () => {
  net = await createTopology();
  await Promise.all(
    (['pod-b', 'pod-c'] as const).flatMap((pod) => [
      net.places[pod].serve('TCP', 8080),
      net.places[pod].serve('UDP', 8080),
      net.places[pod].serve('UDP', 9090),
    ]),
  );
  proxy = await openProxy(net, 'node-1');
  await proxy.do('start');
});
after(async () => {
  await proxy.kill();
  await net.close();
});

async function set(...objects: (Service | EndpointSlice)[]): Promise<void> {
  for (const object of objects) await proxy.set(object.kind === 'Service' ? 'services' : 'endpointslices', object);
}

/** One flow: always the same source port, so without our help the kernel would keep its translation. */
function flow(from: PlaceName, address: string, port: number, source: number): () => Promise<string> {
  return async () => {
    const [answer = ''] = await net.places[from].ask('UDP', address, port, { timeoutMs: 300, from: source });
    return answer.split(' ')[0] ?? '';
  };
}

const meets = (send: () => Promise<string>, want: string): Promise<string> =>
  until(`the flow meets ${want}`, send, (got) => got === want);

/** What conntrack remembers of the flows to a service address, as `endpoint:port` each. */
function tracked(address: string): string[] {
  const lines = net.run('node-1', 'conntrack', '-L', '-p', 'udp', '--orig-dst', address).split('\n');
  return lines.flatMap((line) => {
    const [, reply = ''] = line.split(/dport=\d+ (?:\[UNREPLIED\] )?src=/);
    const found = /^(\S+) .*?sport=(\d+)/.exec(reply);
    return found === null ? [] : [`${found[1] ?? ''}:${found[2] ?? ''}`];
  });
}

const udp = (port: number, more: object = {}): { port: number; protocol: string } => ({
  port,
  protocol: 'UDP',
  ...more,
});
const ends = (of: string, port: number, ...list: EndpointWords[]): EndpointSlice =>
  slice(of, port, list, { protocol: 'UDP' });

test('UDP: another target port, an endpoint that gets ready, another port and type of the service', async () => {
  const ip = '10.96.1.1';
  await set(service('moving', { clusterIP: ip, ports: [udp(53)] }), ends('moving', 8080, podB));
  const send = flow('pod-a', ip, 53, 40_001);
  await meets(send, 'pod-b');
  assert.deepEqual(tracked(ip), [`${podB.address}:8080`]);

  await set(ends('moving', 9090, podB));
  await until(
    'the flow is at the new target port',
    async () => [await send(), ...tracked(ip)].join(' '),
    (got) => got === `pod-b ${podB.address}:9090`,
  );

  await set(ends('moving', 9090, { ...podB, ready: false }));
  await meets(send, 'ECONNREFUSED');
  await set(ends('moving', 9090, podB));
  await meets(send, 'pod-b');

  const np = { type: 'NodePort', clusterIP: ip, ports: [udp(5353, { nodePort: 30_101 })] };
  await set(service('moving', np));
  await meets(send, 'ECONNREFUSED');
  await meets(flow('pod-a', ip, 5353, 40_002), 'pod-b');
  const outer = flow('lan', addresses['node-1'][0], 30_101, 40_003);
  await meets(outer, 'pod-b');
  await set(service('moving', { clusterIP: ip, ports: [udp(5353)] }));
  await meets(outer, 'ECONNREFUSED');
});

test('TCP: a connection that was reset is forgotten in a second, and its port then leads to an endpoint that is there', async () => {
  const ip = '10.96.1.20';
  const ask = async (from?: number): Promise<string> => {
    const [answer = ''] = await net.places['pod-a'].ask('TCP', ip, 80, from === undefined ? {} : { from });
    return answer.split(' ')[0] ?? '';
  };
  const remembered = (): string =>
    net.run('node-1', 'conntrack', '-L', '-p', 'tcp', '--orig-dst', ip, '--orig-port-src', '40020');
  await net.places['pod-b'].serve('TCP', 8098);
  await set(service('again', { clusterIP: ip, ports: [{ port: 80 }] }), slice('again', 8098, [podB]));
  await until('pod-b answers', ask, (got) => got === 'pod-b');
  assert.match(await net.places['pod-a'].hold('first', ip, 80, 40_020), /^pod-b /);
  assert.match(remembered(), / ESTABLISHED /);
  await assert.rejects(net.places['pod-a'].say('first', resetRequest));
  const [, seconds = '0'] = /^tcp +6 (\d+) CLOSE /.exec(remembered()) ?? [];
  assert.ok(Number(seconds) <= 1, `kept for ${seconds} s more`);
  await set(slice('again', 8080, [podC]));
  await net.places['pod-b'].unserve(8098);
  await until('a new client meets pod-c', ask, (got) => got === 'pod-c');
  await until('the old connection is forgotten', remembered, (lines) => !lines.includes('40020'));
  assert.equal(await ask(40_020), 'pod-c');
});

test('UDP, internalTrafficPolicy Local: the flow follows the endpoint of this node', async () => {
  const ip = '10.96.1.2';
  const local = service('near', { clusterIP: ip, internalTrafficPolicy: 'Local', ports: [udp(53)] });
  await set(local, ends('near', 8080, podB, podC));
  const send = flow('pod-a', ip, 53, 40_010);
  await meets(send, 'pod-b');
  await set(ends('near', 8080, podC));
  await meets(send, 'TIMEOUT');
  await set(ends('near', 9090, podB, podC));
  await meets(send, 'pod-b');
});

test('UDP: a flow stays where it is while that endpoint serves, whatever is chosen for new ones, and goes with its last service', async () => {
  const ip = '10.96.1.7';
  const web = service('stay', { clusterIP: ip, ports: [udp(443)] });
  await set(web, ends('stay', 8080, podB));
  const send = flow('pod-a', ip, 443, 40_050);
  await meets(send, 'pod-b');
  // New clients tell when the kernel has the change; the old flow was looked at then.
  const newOnes = (want: string): Promise<string> => meets(flow('pod-a', ip, 443, 0), want);
  const leaving = { ...podB, ready: false, serving: true, terminating: true };
  await set(ends('stay', 8080, leaving, podC));
  await newOnes('pod-c');
  assert.equal(await send(), 'pod-b', 'it terminates and serves');
  const near = service('stay', { clusterIP: ip, internalTrafficPolicy: 'Local', ports: [udp(443)] });
  await set(ends('stay', 8080, podC));
  await meets(send, 'pod-c');
  await set(near);
  await newOnes('TIMEOUT');
  assert.equal(await send(), 'pod-c', 'the policy is for new flows');
  await set(ends('stay', 8080, { ...podC, ready: false }));
  await meets(send, 'ECONNREFUSED');
});

test('UDP: a long flow stays at its endpoint while the proxy is killed and starts again, and while the service grows', async () => {
  const ip = '10.96.1.3';
  const long = service('long', { clusterIP: ip, ports: [udp(443)] });
  const objects = [long, ends('long', 8080, podB, podC)];
  await set(...objects);
  const send = flow('pod-a', ip, 443, 40_020);
  const first = await until('the flow is there', send, (got) => got.startsWith('pod-'));
  const stays = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) assert.equal(await send(), first);
  };
  await proxy.kill();
  await stays(10);
  proxy = await openProxy(net, 'node-1');
  await set(...objects);
  await Promise.all([proxy.do('start'), stays(60)]);
  await set(ends('long', 8080, podB, podC, { address: addresses['pod-d'][0], node: 'node-2' }));
  await stays(20);
});

test('churn leaves nothing in conntrack: the flows of a service go with it', async () => {
  const ip = '10.96.1.4';
  const many = service('many', { clusterIP: ip, ports: [udp(53)] });
  await set(many, ends('many', 8080, podB, podC));
  await until('the service is there', flow('pod-a', ip, 53, 40_030), (got) => got.startsWith('pod-'));
  const questions = Array.from({ length: 300 }, () => ({
    protocol: 'UDP' as const,
    address: ip,
    port: 53,
    timeoutMs: 5_000,
  }));
  await net.places['pod-a'].askAll(questions);
  // Ports are drawn at random, so some meet twice.
  assert.ok(tracked(ip).length > 250);
  await proxy.remove('services', many);
  await until(
    'the flows are forgotten',
    () => tracked(ip),
    (flows) => flows.length === 0,
  );
});

test('tables in foreign hands: mended, told by an event on the Node, and the tables of others left alone', async () => {
  const ip = '10.96.1.5';
  await set(service('hurt', { clusterIP: ip, ports: [{ port: 80, protocol: 'TCP' }] }), slice('hurt', 8080, [podB]));
  const ask = async (): Promise<string> => (await net.places['pod-a'].ask('TCP', ip, 80))[0]?.split(' ')[0] ?? '';
  await until('the service is there', ask, (got) => got === 'pod-b');
  const others = 'add table ip others; add set ip others s { type ipv4_addr; }; add element ip others s { 192.0.2.7 }';
  net.run('node-1', 'nft', `${others}; add chain ip others c; add rule ip others c counter drop`);
  const listed = (): string => net.run('node-1', 'nft', '-a', 'list', 'table', 'ip', 'others');
  const before = listed();
  net.run('node-1', 'nft', 'delete table ip portolan');
  await until('the table is back', ask, (got) => got === 'pod-b');
  const found = await until(
    'the repair is told',
    async () => (await proxy.written()) as readonly { reason?: string; note?: string; message?: string }[],
    (events) => events.some(({ reason }) => reason === 'ProxyTablesRepaired'),
  );
  const event = found.find(({ reason }) => reason === 'ProxyTablesRepaired') as Record<string, unknown>;
  assert.match(JSON.stringify(event), /kernel tables were changed by somebody else; rewritten: rules of table IPv4/);
  assert.match(JSON.stringify(event), /"kind":"Node".*"name":"node-1"/);
  assert.equal(listed(), before);
});

test('killed in the middle of a load: under constant traffic no request fails, and the next start completes the tables', async () => {
  const steady = service('steady', { clusterIP: '10.96.1.6', ports: [{ port: 80, protocol: 'TCP' }] });
  const kept = [steady, slice('steady', 8080, [podB, podC])];
  await set(...kept);
  const question = { protocol: 'TCP', address: '10.96.1.6', port: 80, timeoutMs: 5_000 } as const;
  const first = async (): Promise<string> => (await net.places['pod-a'].ask('TCP', question.address, 80))[0] ?? '';
  await until('the service is there', first, (got) => got.startsWith('pod-'));
  await proxy.kill();
  const services = Array.from({ length: 3_000 }, (_, i) =>
    service(`load-${String(i)}`, {
      clusterIP: `10.96.${String(100 + (i >> 8))}.${String(i & 255)}`,
      ports: [{ port: 80, protocol: 'TCP' }],
    }),
  );
  const slices = services.map((_, i) => slice(`load-${String(i)}`, 8080, [podB, podC]));
  await net.places['pod-a'].load([question]);
  for (const isKilled of [true, false]) {
    proxy = await openProxy(net, 'node-1');
    await set(...kept);
    await proxy.set('services', ...services);
    await proxy.set('endpointslices', ...slices);
    if (!isKilled) {
      await proxy.do('start');
      continue;
    }
    const failed = assert.rejects(proxy.do('start'));
    const kernel = openNftElements(net.netns('node-1'));
    // The load is several transactions; after the first one the tables are half of what they should be.
    const before = kernel.generation();
    while (kernel.generation() === before) await new Promise((resolve) => setImmediate(resolve));
    await Promise.all([proxy.kill(), failed]);
    kernel.close();
  }
  const { asked, failed } = await net.places['pod-a'].unload();
  assert.ok(asked > 100);
  assert.deepEqual(failed, []);

  // A fresh process with a fresh build finds nothing to write: the tables are what the objects say.
  const node = { nodeName: 'node-1', zone: undefined, addresses: addresses['node-1'] };
  const table = buildTable({
    services: [steady, ...services],
    slices: [slice('steady', 8080, [podB, podC]), ...slices],
    node,
  });
  const plane = createDataPlane({
    netns: net.netns('node-1'),
    podCidrs: ['10.244.1.0/24', 'fd00:10:244:1::/64'],
    serviceCidrs: ['10.96.0.0/16', 'fd00:10:96::/112'],
    nonMasqueradeCidrs: [
      '10.244.0.0/16',
      'fd00:10:244::/48',
      '10.10.10.0/24',
      'fd00:10:10::/64',
      '10.10.10.1/32',
      'fd00:10:10::1/128',
    ],
  });
  try {
    assert.equal((await plane.start(table.entries.values())).changes, 0);
  } finally {
    plane.close();
  }
});
