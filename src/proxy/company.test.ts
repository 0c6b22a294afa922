/** The proxy in bad company: ports that other programs hold, tables in foreign hands, and what went while no proxy was there. */
import { spawn } from 'node:child_process';
import { after, before, beforeEach, afterEach, test } from 'node:test';
import assert from 'node:assert/strict';
import type { EndpointSlice, Service } from '../api/gen/types.ts';
import { addresses, createTopology, end, service, slice } from '../dataplane/testing/index.ts';
import type { EndpointWords, PlaceName, Topology } from '../dataplane/testing/index.ts';
import { until } from '../util/testing.ts';
import { ConntrackAlarm } from './conntrack-fill.ts';
import { openProxy } from './testing/index.ts';
import type { ProxyProcess } from './testing/index.ts';

let net: Topology;
let proxy: ProxyProcess;
const [node] = addresses['node-1'];
const podB = { address: addresses['pod-b'][0], node: 'node-1' };
const podC = { address: addresses['pod-c'][0], node: 'node-2' };
const leaving = { ready: false, serving: true, terminating: true };

before(async () => {
  net = await createTopology();
  await Promise.all(
    (['pod-b', 'pod-c'] as const).flatMap((pod) => [
      net.places[pod].serve('TCP', 8080),
      net.places[pod].serve('UDP', 8080),
    ]),
  );
});
beforeEach(async () => {
  proxy = await openProxy(net, 'node-1');
  // Whom nobody knows is not healthy for load balancers.
  await proxy.set('nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' } });
});
afterEach(() => proxy.kill());
after(() => net.close());

const pluralOf = ({ kind }: Service | EndpointSlice): string => (kind === 'Service' ? 'services' : 'endpointslices');
async function set(...objects: (Service | EndpointSlice)[]): Promise<void> {
  for (const object of objects) await proxy.set(pluralOf(object), object);
}

/** A new connection each time. */
const tcp = (from: PlaceName, address: string, port: number) => async (): Promise<string> => {
  const [answer = ''] = await net.places[from].ask('TCP', address, port, { timeoutMs: 500 });
  return answer.split(' ')[0] ?? '';
};
/** One flow: always the same source port, so without our help the kernel would keep its translation. */
const flow = (from: PlaceName, address: string, port: number, source: number) => async (): Promise<string> => {
  const [answer = ''] = await net.places[from].ask('UDP', address, port, { timeoutMs: 100, from: source });
  return answer.split(' ')[0] ?? '';
};
const meets = (send: () => Promise<string>, want: string): Promise<string> =>
  until(`it meets ${want}`, send, (got) => got === want);

const reasons = async (): Promise<readonly string[]> =>
  (await proxy.written()).map((event) => (event as { reason?: string }).reason ?? '');
const said = (reason: string): Promise<unknown> => until(`${reason} is said`, reasons, (all) => all.includes(reason));
const metrics = (): string => get('http://127.0.0.1:10249/metrics').body;

function get(url: string): { readonly code: number; readonly body: string } {
  const text = net.run('node-1', 'sh', '-c', `curl -s -w '\\n%{http_code}' --connect-timeout 2 ${url} || true`);
  const line = text.lastIndexOf('\n');
  return { code: Number(text.slice(line + 1)), body: text.slice(0, line) };
}

const http = { port: 80, protocol: 'TCP' };
const udp = { port: 53, protocol: 'UDP' };
const nodePort = (
  name: string,
  clusterIP: string,
  port: object,
  creationTimestamp = '2026-01-01T00:00:00Z',
): Service => {
  const one = service(name, { type: 'NodePort', clusterIP, ports: [port as typeof http] });
  return { ...one, metadata: { ...one.metadata, creationTimestamp } };
};
const datagrams = (of: string, ...list: EndpointWords[]): EndpointSlice => slice(of, 8080, list, { protocol: 'UDP' });

test('ports that other programs hold are told, and taken when they are free: /healthz, health check, localhost', async () => {
  const place = net.places['node-1'];
  for (const port of [10_256, 30_404]) await place.serve('TCP', port);
  await place.serve('TCP', 30_403, '127.0.0.1');
  const spec = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 30_404 };
  const lb = service('lb', { ...spec, clusterIP: '10.96.0.4', ports: [{ ...http, nodePort: 30_403 }] });
  await set(lb, slice('lb', 8080, [podB]));
  await proxy.do('start');
  await said('FailedToStartProxierHealthcheck');
  await said('FailedToStartServiceHealthcheck');
  assert.equal(await tcp('node-1', '127.0.0.1', 30_403)(), 'node-1');
  for (const port of [10_256, 30_404, 30_403]) await place.unserve(port);
  await until(
    'health check',
    () => get(`http://${node}:30404/`).code,
    (code) => code === 200,
  );
  await until(
    '/healthz',
    () => get(`http://${node}:10256/healthz`).code,
    (code) => code === 200,
  );
  await meets(tcp('node-1', '127.0.0.1', 30_403), 'pod-b');
});

test('a node port that two services claim: the older has it, on localhost too, and the other one gets it', async () => {
  await proxy.do('start');
  const [old, young] = [
    nodePort('old', '10.96.0.5', { ...http, nodePort: 30_505 }),
    nodePort('young', '10.96.0.6', { ...http, nodePort: 30_505 }, '2026-02-01T00:00:00Z'),
  ];
  await set(old, slice('old', 8080, [podB]), young, slice('young', 8080, [podC]));
  for (const address of [node, '127.0.0.1']) await meets(tcp('node-1', address, 30_505), 'pod-b');
  await proxy.remove('services', old);
  for (const address of [node, '127.0.0.1']) await meets(tcp('node-1', address, 30_505), 'pod-c');
  // Gone before it was there: nothing is left listening.
  for (let i = 0; i < 10; i++) {
    await Promise.all([proxy.set('services', old), proxy.remove('services', old), proxy.remove('services', young)]);
  }
  await until(
    'closed',
    () => net.run('node-1', 'ss', '-Hltn'),
    (text) => !text.includes(':30505'),
  );
});

test('UDP flows of services that went while no proxy was there are forgotten, on every kind of address; valid ones stay', async () => {
  const lb = { ip: '198.51.100.130' };
  const gone = service(
    'gone',
    { type: 'LoadBalancer', clusterIP: '10.96.0.7', ports: [{ ...udp, nodePort: 30_707 }] },
    { loadBalancer: { ingress: [lb] } },
  );
  const stays = service('stays', { clusterIP: '10.96.0.8', ports: [udp] });
  await set(gone, datagrams('gone', podB), stays, datagrams('stays', podB, podC));
  await proxy.do('start');
  const old = [
    flow('lan', node, 30_707, 40_001),
    flow('lan', lb.ip, 53, 40_002),
    flow('pod-a', '10.96.0.7', 53, 40_003),
  ];
  for (const send of old) await meets(send, 'pod-b');
  const valid = flow('pod-a', '10.96.0.8', 53, 40_004);
  const served = await valid();
  await proxy.kill();
  for (const send of old) assert.equal(await send(), 'pod-b');
  proxy = await openProxy(net, 'node-1');
  await set(stays, datagrams('stays', podB, podC));
  await proxy.do('start');
  for (const send of old) await until('forgotten', send, (got) => !got.startsWith('pod'));
  for (let i = 0; i < 10; i++) assert.equal(await valid(), served);
});

test('a UDP flow that came while the tables were gone meets its endpoint when they are mended', async () => {
  await set(nodePort('web', '10.96.0.9', { ...udp, nodePort: 30_909 }), datagrams('web', podB));
  await proxy.do('start');
  const sends = [flow('pod-a', '10.96.0.9', 53, 40_901), flow('lan', node, 30_909, 40_902)];
  net.run(
    'node-1',
    'nft',
    'flush ruleset; add table ip x; add chain ip x y { type filter hook forward priority 0; }; add rule ip x y ct state new',
  );
  for (const send of sends) assert.notEqual(await send(), 'pod-b');
  for (const send of sends) await meets(send, 'pod-b');
  await said('ProxyTablesRepaired');
});

test('a UDP flow stays with an endpoint that still serves, and leaves it with its last word', async () => {
  await set(nodePort('quic', '10.96.0.10', { ...udp, nodePort: 30_910 }), datagrams('quic', podB));
  await proxy.do('start');
  const kept = flow('pod-a', '10.96.0.10', 53, 41_001);
  await meets(kept, 'pod-b');
  await set(datagrams('quic', { ...podB, ...leaving }, podC));
  let port = 41_002;
  await meets(() => flow('pod-a', '10.96.0.10', 53, port++)(), 'pod-c');
  for (let i = 0; i < 10; i++) assert.equal(await kept(), 'pod-b');
  await set(datagrams('quic', podC));
  await meets(kept, 'pod-c');
});

test('/healthz tells when tables cannot be mended, and that they are, though no Service changed', async () => {
  await proxy.do('start');
  const code = (): number => get(`http://${node}:10256/healthz`).code;
  await until('healthy', code, (got) => got === 200);
  net.run('node-1', 'nft', 'delete table ip portolan');
  const owner = spawn('nsenter', [`--net=${net.netns('node-1')}`, 'nft', '-i'], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  owner.stdin.write('add table ip portolan\ndelete table ip portolan\nadd table ip portolan { flags owner; }\n');
  await until('unhealthy', code, (got) => got === 503);
  await end(owner);
  await until('healthy again', code, (got) => got === 200);
});

test('metrics: a slice is measured once, when it was changed; services without local endpoints count once', async () => {
  await set(nodePort('timed', '10.96.0.11', { ...http, nodePort: 30_911 }));
  await proxy.do('start');
  const timed = (name: string, at: string, ends: readonly EndpointWords[]): EndpointSlice => {
    const one = slice('timed', 8080, ends, { name });
    return {
      ...one,
      metadata: { ...one.metadata, annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': at } },
    };
  };
  const [first, second] = [new Date(Date.now() + 1).toISOString(), new Date(Date.now() + 2).toISOString()];
  await set(timed('timed-1', first, [podB]), timed('timed-2', second, [podC]));
  for (let i = 0; i < 5; i++) await set(timed('timed-2', second, [podC, podB].slice(0, 1 + (i % 2))));
  const local = service('local', {
    type: 'LoadBalancer',
    externalTrafficPolicy: 'Local',
    clusterIP: '10.96.0.12',
    externalIPs: ['198.51.100.131'],
    ports: [{ ...http, nodePort: 30_912 }],
  });
  await set(slice('local', 8080, [podC]), local);
  const text = await until('counted', metrics, (now) =>
    /no_local_endpoints_total\{ip_family="IPv4",traffic_policy="external"\} [1-9]/.test(now),
  );
  assert.match(text, /no_local_endpoints_total\{ip_family="IPv4",traffic_policy="external"\} 1$/m);
  assert.match(text, /^kubeproxy_network_programming_duration_seconds_count\{ip_family="IPv4"\} 2$/m);
  assert.match(text, /^node_nf_conntrack_entries_limit [1-9]\d*$/m);
});

test('a table of connections that gets full is told once, and again after it was not', () => {
  const told: string[] = [];
  const alarm = new ConntrackAlarm((reason, text) => told.push(`${reason}: ${text}`));
  const look = (entries: number, limit = 1000): number => {
    alarm.look({ entries, limit });
    return told.length;
  };
  assert.deepEqual(
    [790, 810, 900, 750, 810, 690, 850].map((entries) => look(entries)),
    [0, 1, 1, 1, 1, 1, 2],
  );
  assert.equal(look(10, 0), 2);
  assert.match(told[0] ?? '', /^ConntrackFull: the table of connections is 81 % full \(810 of 1000\): /);
});
