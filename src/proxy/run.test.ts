/** The proxy whole: objects in, packets out, with a process on each node. */
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import type { EndpointSlice, Service } from '../api/gen/types.ts';
import { addresses, createTopology, service, slice } from '../dataplane/testing/index.ts';
import type { EndpointWords, PlaceName, Topology } from '../dataplane/testing/index.ts';
import { headlessLabel } from '../model/index.ts';
import { until } from '../util/testing.ts';
import { openProxy } from './testing/index.ts';
import type { ProxyProcess } from './testing/index.ts';

let net: Topology;
let proxies: ProxyProcess[] = [];

const podA = { address: addresses['pod-a'][0], node: 'node-1' };
const podB = { address: addresses['pod-b'][0], node: 'node-1' };
const podC = { address: addresses['pod-c'][0], node: 'node-2' };

const nodes = (['node-1', 'node-2'] as const).map((name) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  status: { addresses: addresses[name].map((address) => ({ type: 'InternalIP', address })) },
}));

before(async () => {
  net = await createTopology();
  await Promise.all(
    (['pod-a', 'pod-b', 'pod-c'] as const).flatMap((pod) => [
      net.places[pod].serve('TCP', 8080),
      net.places[pod].serve('UDP', 8080),
    ]),
  );
  proxies = await Promise.all([openProxy(net, 'node-1'), openProxy(net, 'node-2')]);
  await Promise.all(nodes.map(async (node, i) => proxies[i]?.set('nodes', node)));
  await Promise.all(proxies.map((proxy) => proxy.do('start')));
});
after(async () => {
  await Promise.all(proxies.map((proxy) => proxy.kill()));
  await net.close();
});

async function set(...objects: (Service | EndpointSlice)[]): Promise<void> {
  for (const object of objects) {
    const plural = object.kind === 'Service' ? 'services' : 'endpointslices';
    await Promise.all(proxies.map((proxy) => proxy.set(plural, object)));
  }
}

async function remove(...objects: (Service | EndpointSlice)[]): Promise<void> {
  for (const object of objects) {
    const plural = object.kind === 'Service' ? 'services' : 'endpointslices';
    await Promise.all(proxies.map((proxy) => proxy.remove(plural, object)));
  }
}

async function ask(from: PlaceName, address: string, port: number, protocol: 'TCP' | 'UDP' = 'TCP'): Promise<string> {
  const [answer = ''] = await net.places[from].ask(protocol, address, port, { timeoutMs: 500 });
  return answer.split(' ')[0] ?? '';
}

const reached = (from: PlaceName, address: string, port: number, want: string): Promise<string> =>
  until(
    `${from} reaches ${want} at ${address}:${String(port)}`,
    () => ask(from, address, port),
    (got) => got === want,
  );

async function get(from: PlaceName, url: string): Promise<{ readonly code: number; readonly body: string }> {
  const program = `fetch(process.argv[1]).then(async r => console.log(r.status + ' ' + await r.text()), e => console.log('0 ' + e.cause?.code))`;
  const text = net.run(from, process.execPath, '-e', program, url).trim();
  const space = text.indexOf(' ');
  return { code: Number(text.slice(0, space)), body: text.slice(space + 1) };
}

const http = { port: 80, protocol: 'TCP' };

test('a service appears, follows its endpoints, and goes', async () => {
  const web = service('web', { clusterIP: '10.96.0.1', ports: [http] });
  await set(web, slice('web', 8080, [podA]));
  await reached('pod-c', '10.96.0.1', 80, 'pod-a');
  await set(slice('web', 8080, [podB]));
  await reached('pod-c', '10.96.0.1', 80, 'pod-b');
  await set(slice('web', 8080, []));
  await reached('pod-c', '10.96.0.1', 80, 'ECONNREFUSED');
  await set(slice('web', 8080, [{ ...podA, ready: false, serving: true, terminating: true }]));
  await reached('pod-c', '10.96.0.1', 80, 'pod-a');
  await remove(web);
  await reached('pod-c', '10.96.0.1', 80, 'ECONNREFUSED');
});

test('the labels that take a service away work live, in both directions', async () => {
  const plain = service('labelled', { clusterIP: '10.96.0.2', ports: [http] });
  const labelled = (label: string): Service => ({
    ...plain,
    metadata: { ...plain.metadata, labels: { [label]: 'x' } },
  });
  await set(plain, slice('labelled', 8080, [podA]));
  const ends = slice('labelled', 8080, [podA]);
  const headless = {
    ...ends,
    metadata: { ...ends.metadata, labels: { ...ends.metadata?.labels, [headlessLabel]: '' } },
  };
  for (const [without, plainly] of [
    [labelled('service.kubernetes.io/service-proxy-name'), plain],
    [headless, ends],
  ] as const) {
    await reached('pod-c', '10.96.0.2', 80, 'pod-a');
    await set(without);
    await reached('pod-c', '10.96.0.2', 80, 'ECONNREFUSED');
    await set(plainly);
  }
  await set(labelled(headlessLabel));
  await reached('pod-c', '10.96.0.2', 80, 'pod-a');
});

test('localhost:nodePort: both loopbacks, gone with the service, and other ports stay closed', async () => {
  const spec = { type: 'NodePort', clusterIP: '10.96.0.3', ports: [{ ...http, nodePort: 30_303 }] };
  await set(service('local', spec), slice('local', 8080, [podC]));
  for (const node of ['node-1', 'node-2'] as const) {
    for (const loopback of ['127.0.0.1', '::1']) await reached(node, loopback, 30_303, 'pod-c');
    assert.equal(await ask(node, '127.0.0.1', 80), 'ECONNREFUSED');
    assert.equal(net.run(node, 'cat', '/proc/sys/net/ipv4/conf/all/route_localnet').trim(), '0');
  }
  // Clients that reset while the endpoint is still being dialled harm nobody.
  await net.places['node-1'].ask('TCP', '127.0.0.1', 30_303, { times: 100, timeoutMs: 1 });
  await reached('node-1', '127.0.0.1', 30_303, 'pod-c');
  await set(slice('local', 8080, []));
  await reached('node-1', '127.0.0.1', 30_303, 'ECONNREFUSED');
  await set(slice('local', 8080, [podC]));
  await reached('node-1', '127.0.0.1', 30_303, 'pod-c');
  await set(service('local', { clusterIP: '10.96.0.3', ports: [http] }));
  await reached('node-1', '127.0.0.1', 30_303, 'ECONNREFUSED');
  assert.ok(!net.run('node-1', 'ss', '-Hltn').includes(':30303'));
});

test('health check node port: 200 with a local endpoint, 503 without or with terminating ones, closed under Cluster', async () => {
  const lb = (policy: string): Service =>
    service('health', {
      type: 'LoadBalancer',
      clusterIPs: ['10.96.0.4', 'fd00:10:96::4'],
      externalTrafficPolicy: policy,
      ...(policy === 'Local' ? { healthCheckNodePort: 30_404 } : {}),
      ports: [{ ...http, nodePort: 30_403 }],
    });
  const url = (node: 'node-1' | 'node-2'): string => `http://${addresses[node][0]}:30404/`;
  const url6 = `http://[${addresses['node-1'][1]}]:30404/`;
  const code = (node: 'node-1' | 'node-2') => async (): Promise<number> => (await get('lan', url(node))).code;
  const six = (...list: EndpointWords[]): EndpointSlice =>
    slice('health', 8080, list, { name: 'health-6', family: 'IPv6' });
  const podA6 = { address: addresses['pod-a'][1], node: 'node-1' };
  await set(lb('Local'), slice('health', 8080, [podA, podB]), six(podA6));
  await until('node-1 is healthy', code('node-1'), (got) => got === 200);
  assert.deepEqual(JSON.parse((await get('lan', url('node-1'))).body), {
    service: { namespace: 'default', name: 'health' },
    localEndpoints: 2,
    serviceProxyHealthy: true,
  });
  // A pod has an address in each family, and counts once.
  const names = `['x-load-balancing-endpoint-weight', 'content-length']`;
  const program = `fetch(process.argv[1]).then(r => console.log(r.status, ...${names}.map(n => r.headers.get(n))))`;
  const weight = (at: string): string => net.run('lan', process.execPath, '-e', program, at).trim();
  assert.equal(weight(url('node-1')), '200 2 117');
  assert.equal(weight(url6), '200 1 117');
  await set(six());
  await until(
    'no endpoint has an IPv6 address',
    async () => weight(url6),
    (got) => got === '503 0 117',
  );
  assert.equal((await get('lan', url('node-2'))).code, 503);
  const leaving: EndpointWords = { ...podA, ready: false, serving: true, terminating: true };
  await set(slice('health', 8080, [leaving]));
  await until('only terminating', code('node-1'), (got) => got === 503);
  await reached('lan', addresses['node-1'][0], 30_403, 'pod-a');
  await set(lb('Cluster'));
  await until('closed', code('node-1'), (got) => got === 0);
  await net.places['node-2'].serve('TCP', 30_404);
  await set(lb('Local'));
  const told = 'node node-2 failed to start healthcheck \\"default/health\\" on port 30404: listen EADDRINUSE';
  await until(
    'a port that somebody has is told of',
    async () => JSON.stringify(await proxies[1]?.written()),
    (events) => events.includes(told),
  );
});

test('UDP: a client that never pauses is moved in all four cases, and a valid flow is left alone', async () => {
  const udp = { port: 53, protocol: 'UDP' };
  const dns = service('dns', { clusterIP: '10.96.0.5', ports: [udp] });
  const ends = (...endpoints: EndpointWords[]): EndpointSlice => slice('dns', 8080, endpoints, { protocol: 'UDP' });
  // One source port, so one flow: without our help it would stay translated as it was.
  const send = async (): Promise<string> => {
    const [answer = ''] = await net.places['pod-a'].ask('UDP', '10.96.0.5', 53, { timeoutMs: 300, from: 40_053 });
    return answer.split(' ')[0] ?? '';
  };
  const moves = (want: string): Promise<string> => until(`the flow meets ${want}`, send, (got) => got === want);
  await set(dns, ends());
  await moves('ECONNREFUSED');
  await set(ends(podB));
  await moves('pod-b');
  await set(ends(podC));
  await moves('pod-c');
  await set(ends(podB, podC));
  for (let i = 0; i < 20; i++) assert.equal(await send(), 'pod-c', 'a valid flow stays');
  await set(ends());
  await moves('ECONNREFUSED');
  await set(ends(podB));
  await moves('pod-b');
  await remove(dns);
  await moves('ECONNREFUSED');
});

test('UDP node port: a flow that found nobody before the service was there', async () => {
  const send = async (): Promise<string> => {
    const [answer = ''] = await net.places.lan.ask('UDP', addresses['node-1'][0], 30_553, {
      timeoutMs: 300,
      from: 40_553,
    });
    return answer.split(' ')[0] ?? '';
  };
  assert.equal(await send(), 'ECONNREFUSED');
  const spec = { type: 'NodePort', clusterIP: '10.96.0.6', ports: [{ port: 53, protocol: 'UDP', nodePort: 30_553 }] };
  await set(service('udp-np', spec), slice('udp-np', 8080, [podC], { protocol: 'UDP' }));
  await until('the flow is translated', send, (got) => got === 'pod-c');
});

test('/healthz, /livez, /proxyMode and /metrics', async () => {
  const health = await get('lan', `http://${addresses['node-1'][0]}:10256/healthz`);
  assert.equal(health.code, 200);
  const body = JSON.parse(health.body) as Record<string, unknown>;
  assert.deepEqual(Object.keys(body), ['lastUpdated', 'currentTime', 'nodeEligible', 'healthy', 'status']);
  assert.match(health.body, /"healthy":true,"status":\{"IPv4":\{"lastUpdated":"[^"]+","healthy":true\},"IPv6":\{/);
  const livez = await get('lan', `http://${addresses['node-1'][0]}:10256/livez`);
  assert.equal(livez.code, 200);
  assert.deepEqual(Object.keys(JSON.parse(livez.body) as object), ['lastUpdated', 'currentTime', 'healthy', 'status']);
  assert.deepEqual(await get('node-1', 'http://127.0.0.1:10249/proxyMode'), { code: 200, body: 'nftables' });
  assert.equal((await get('lan', `http://${addresses['node-1'][0]}:10249/proxyMode`)).code, 0, 'not from outside');
  const { body: metrics } = await get('node-1', 'http://127.0.0.1:10249/metrics');
  const wanted = [
    /^kubeproxy_sync_proxy_rules_duration_seconds_count\{ip_family="IPv4"\} [1-9]\d*$/m,
    /^kubeproxy_sync_full_proxy_rules_duration_seconds_bucket\{ip_family="IPv6",le="16.384"\} 1$/m,
    /^kubeproxy_sync_partial_proxy_rules_duration_seconds_sum\{ip_family="IPv4"\} 0\.\d+$/m,
    /^kubeproxy_sync_proxy_rules_last_timestamp_seconds\{ip_family="IPv4"\} \d{10}\.\d+$/m,
    /^kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds\{ip_family="IPv4"\} \d{10}(\.\d+)?$/m,
    /^kubeproxy_sync_proxy_rules_endpoint_changes_total [1-9]\d*$/m,
    /^kubeproxy_sync_proxy_rules_service_changes_total [1-9]\d*$/m,
    /^kubeproxy_sync_proxy_rules_endpoint_changes_pending 0$/m,
    /^kubeproxy_sync_proxy_rules_service_changes_pending 0$/m,
    /^kubeproxy_sync_proxy_rules_nftables_sync_failures_total\{ip_family="IPv4"\} 0$/m,
    /^kubeproxy_sync_proxy_rules_nftables_cleanup_failures_total\{ip_family="IPv6"\} 0$/m,
    /^kubeproxy_sync_proxy_rules_no_local_endpoints_total\{ip_family="IPv4",traffic_policy="external"\} 0$/m,
    /^kubeproxy_network_programming_duration_seconds_bucket\{ip_family="IPv4",le="0.25"\} 0$/m,
    /^kubeproxy_conntrack_reconciler_sync_duration_seconds_count\{ip_family="IPv4"\} [1-9]\d*$/m,
    /^kubeproxy_conntrack_reconciler_deleted_entries_total\{ip_family="IPv4"\} [1-9]\d*$/m,
    /^kubeproxy_proxy_healthz_total\{code="200"\} 1$/m,
    /^kubeproxy_proxy_livez_total\{code="200"\} 1$/m,
    /^# TYPE rest_client_requests_total counter$/m,
    /^process_resident_memory_bytes \d+$/m,
  ];
  for (const line of wanted) assert.match(metrics, line);
});

test('a half-closed connection keeps its translation for an hour', () => {
  const timeOut = '/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close_wait';
  for (const node of ['node-1', 'node-2'] as const) assert.equal(Number(net.run(node, 'cat', timeOut)), 3_600);
});

test('the node: its addresses and its going away are followed', async () => {
  const node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'node-1' },
    spec: { taints: [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' }] },
    status: { addresses: [{ type: 'InternalIP', address: '10.10.10.11' }] },
  };
  const spec = { type: 'NodePort', clusterIP: '10.96.0.7', ports: [{ ...http, nodePort: 30_707 }] };
  await set(service('moved', spec), slice('moved', 8080, [podA]));
  await reached('lan', '10.10.10.1', 30_707, 'pod-a');
  net.run('node-1', 'ip', 'addr', 'add', '10.10.10.11/24', 'dev', 'eth0');
  assert.equal(await ask('lan', '10.10.10.11', 30_707), 'ECONNREFUSED', 'not a node address yet');
  await proxies[0]?.set('nodes', node);
  await reached('lan', '10.10.10.11', 30_707, 'pod-a');
  // What is new is written before what is old goes.
  await reached('lan', '10.10.10.1', 30_707, 'ECONNREFUSED');
  assert.equal((await get('node-1', 'http://127.0.0.1:10256/healthz')).code, 503);
  assert.equal((await get('node-1', 'http://127.0.0.1:10256/livez')).code, 200);
  await proxies[0]?.set('nodes', nodes[0] ?? node);
  await reached('lan', '10.10.10.1', 30_707, 'pod-a');
  assert.equal((await get('node-1', 'http://127.0.0.1:10256/healthz')).code, 200);
  await proxies[0]?.remove('nodes', node);
  await until(
    'a node that is gone gets no connections',
    async () => (await get('node-1', 'http://127.0.0.1:10256/healthz')).code,
    (code) => code === 503,
  );
  assert.equal(await ask('lan', '10.10.10.1', 30_707), 'pod-a');
});

test('without its API server the proxy goes on; killed, the kernel goes on; started again, it repairs by difference', async () => {
  const web = service('lasting', { clusterIP: '10.96.0.8', ports: [http] });
  await set(web, slice('lasting', 8080, [podC]));
  await reached('pod-a', '10.96.0.8', 80, 'pod-c');
  await proxies[0]?.do('go-away');
  assert.equal(await ask('pod-a', '10.96.0.8', 80), 'pod-c');
  await proxies[0]?.kill();
  assert.equal(await ask('pod-a', '10.96.0.8', 80), 'pod-c');
  const again = await openProxy(net, 'node-1');
  proxies[0] = again;
  await again.set('services', web);
  await again.set('endpointslices', slice('lasting', 8080, [podB]));
  // However busy the machine is: what must not be is a refusal.
  const [answers] = await Promise.all([
    net.places['pod-a'].ask('TCP', '10.96.0.8', 80, { times: 100, timeoutMs: 20_000 }),
    again.do('start'),
  ]);
  for (const answer of answers) assert.match(answer, /^pod-[bc] /);
  await reached('pod-a', '10.96.0.8', 80, 'pod-b');
  const started = await until(
    'the start is told',
    () => again.written(),
    (events) => events.length > 0,
  );
  assert.equal((started[0] as { reason?: string }).reason, 'Starting');
});
