/** Which addresses count: ServiceCIDR objects, hosts that may use cluster IPs, external IPs, node port addresses, zones; and localhost. */
import { after, afterEach, before, test } from 'node:test';
import assert from 'node:assert/strict';
import type { ServiceCIDR } from '../api/gen/types.ts';
import { addresses, createTopology, service, slice } from '../dataplane/testing/index.ts';
import type { PlaceName, Topology } from '../dataplane/testing/index.ts';
import type { ProxyOptions } from './index.ts';
import { openProxy } from './testing/index.ts';
import type { ProxyProcess } from './testing/index.ts';

let net: Topology;
let proxy: ProxyProcess | undefined;

const podA = { address: addresses['pod-a'][0], node: 'node-1' };
const podB = { address: addresses['pod-b'][0], node: 'node-1' };
const podC = { address: addresses['pod-c'][0], node: 'node-2' };
const http = { port: 80, protocol: 'TCP' };

before(async () => {
  net = await createTopology();
  await Promise.all((['pod-a', 'pod-b', 'pod-c'] as const).map((pod) => net.places[pod].serve('TCP', 8080)));
});
afterEach(async () => {
  await proxy?.kill();
});
after(async () => {
  await net.close();
});

/** On node-1; the kernel keeps what the one before wrote, which the start puts right. */
async function start(
  options?: Partial<ProxyOptions>,
  has: (proxy: ProxyProcess) => Promise<void> = async () => undefined,
): Promise<ProxyProcess> {
  proxy = await openProxy(net, 'node-1');
  await has(proxy);
  await proxy.start(options);
  return proxy;
}

async function ask(from: PlaceName, address: string, port = 80): Promise<string> {
  const [answer = ''] = await net.places[from].ask('TCP', address, port, { timeoutMs: 1_000 });
  return answer.split(' ').slice(0, 2).join(' ').trim();
}

async function becomes(from: PlaceName, address: string, port: number, want: RegExp): Promise<void> {
  const end = performance.now() + 15_000;
  for (;;) {
    const got = await ask(from, address, port);
    if (want.test(got)) return;
    if (performance.now() > end)
      throw new Error(`${from} to ${address}:${String(port)}: want ${want.source}, got ${got}`);
  }
}

function cidr(name: string, ...cidrs: string[]): ServiceCIDR {
  return { apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name }, spec: { cidrs } };
}

test('ServiceCIDR objects add to the ranges while the proxy runs: served, refused where unused, closed to outside; and go again', async () => {
  const one = await start();
  const extra = cidr('extra', '198.18.200.0/24', '10.96.0.0/24');
  await one.set('services', service('web', { clusterIP: '198.18.200.7', ports: [http] }));
  await one.set('endpointslices', slice('web', 8080, [podA]));
  await becomes('pod-b', '198.18.200.7', 80, /^pod-a /);
  // Before: routed out, to the default gateway, which has no way there.
  assert.doesNotMatch(await ask('pod-b', '198.18.200.8'), /ECONNREFUSED/);
  await one.set('servicecidrs', extra);
  await becomes('pod-b', '198.18.200.8', 80, /^ECONNREFUSED/);
  await becomes('node-1', '198.18.200.8', 80, /^ECONNREFUSED/);
  await becomes('pod-b', '198.18.200.7', 80, /^pod-a /);
  await becomes('node-1', '198.18.200.7', 80, /^pod-a /);
  net.run('lan', 'ip', 'route', 'add', '198.18.200.0/24', 'via', addresses['node-1'][0]);
  assert.equal(await ask('lan', '198.18.200.7'), 'TIMEOUT');
  assert.equal(await ask('pod-b', '10.96.7.7'), 'ECONNREFUSED', 'the range of the options stands');
  await one.remove('servicecidrs', extra);
  await becomes('pod-b', '198.18.200.8', 80, /^(?!ECONNREFUSED)/);
  await becomes('pod-b', '198.18.200.7', 80, /^pod-a /);
});

test('a server without ServiceCIDRs, or one that forbids them: the range of the options', async () => {
  for (const code of [404, 403]) {
    const one = await start({}, (opened) => opened.refuse('servicecidrs', code));
    await one.set('services', service('web', { clusterIP: '10.96.1.1', ports: [http] }));
    await one.set('endpointslices', slice('web', 8080, [podA]));
    await becomes('pod-b', '10.96.1.1', 80, /^pod-a /);
    assert.equal(await ask('pod-b', '10.96.1.2'), 'ECONNREFUSED');
    await proxy?.kill();
  }
});

test('hosts that --cluster-ip-clients names use cluster IPs through a node, and see what is refused; others do not', async () => {
  const one = await start({ clusterIpClients: ['10.10.10.100/32'] });
  await one.set('services', service('web', { clusterIP: '10.96.1.1', ports: [http] }));
  await one.set('endpointslices', slice('web', 8080, [podC]));
  // The node's address: the answer must come back through the node.
  await becomes('lan', '10.96.1.1', 80, new RegExp(`^pod-c ${addresses['node-1'][0]}$`));
  assert.equal(await ask('lan', '10.96.1.2'), 'ECONNREFUSED');
  net.run('node-2', 'ip', 'route', 'add', '10.96.0.0/16', 'via', addresses['node-1'][0]);
  assert.equal(await ask('node-2', '10.96.1.1'), 'TIMEOUT', 'another host');
  net.run('node-2', 'ip', 'route', 'del', '10.96.0.0/16');
});

test('external IPs count only where --external-ip-range allows them', async () => {
  const one = await start({ externalIpCidrs: ['198.51.100.128/28', '2001:db8:51::/64'] });
  const externalIPs = ['198.51.100.130', '198.51.100.200'];
  await one.set('services', service('web', { clusterIP: '10.96.1.1', externalIPs, ports: [http] }));
  await one.set('endpointslices', slice('web', 8080, [podA]));
  await becomes('lan', '198.51.100.130', 80, /^pod-a /);
  assert.doesNotMatch(await ask('lan', '198.51.100.200'), /^pod-a /);
  assert.doesNotMatch(await ask('pod-b', '198.51.100.200'), /^pod-a /);
});

test('--nodeport-addresses: CIDRs of this machine, the primary ones, and both', async () => {
  const second = '198.51.100.140';
  net.run('node-1', 'ip', 'addr', 'add', `${second}/32`, 'dev', 'lo');
  const web = service('web', { type: 'NodePort', clusterIP: '10.96.1.1', ports: [{ ...http, nodePort: 30_800 }] });
  const [primary] = addresses['node-1'];
  for (const [nodePortAddresses, atPrimary, atSecond] of [
    [['primary'], true, false],
    [['198.51.100.128/25'], false, true],
    [['primary', '198.51.100.128/25'], true, true],
  ] as const) {
    await start({ nodePortAddresses }, async (one) => {
      await one.set('services', web);
      await one.set('endpointslices', slice('web', 8080, [podA]));
    });
    const told = `${String(nodePortAddresses)}: `;
    assert.equal((await ask('lan', primary, 30_800)).startsWith('pod-a '), atPrimary, `${told}${primary}`);
    assert.equal((await ask('lan', second, 30_800)).startsWith('pod-a '), atSecond, `${told}${second}`);
    await proxy?.kill();
  }
  // Addresses come and go while the proxy runs, and the Node says nothing of it.
  await start({ nodePortAddresses: ['198.51.100.128/25'] }, async (one) => {
    await one.set('services', web);
    await one.set('endpointslices', slice('web', 8080, [podA]));
  });
  const third = '198.51.100.141';
  net.run('node-1', 'ip', 'addr', 'add', `${third}/32`, 'dev', 'lo');
  net.run('node-1', 'ip', 'addr', 'del', `${second}/32`, 'dev', 'lo');
  await becomes('lan', third, 30_800, /^pod-a /);
  assert.doesNotMatch(await ask('lan', second, 30_800), /^pod-a /);
  net.run('node-1', 'ip', 'addr', 'del', `${third}/32`, 'dev', 'lo');
});

test('zone hints keep packets in the zone of the node, until one endpoint has none or no hint names the zone', async () => {
  const one = await start();
  const node = (zone: string): object => ({
    kind: 'Node',
    metadata: { name: 'node-1', labels: { 'topology.kubernetes.io/zone': zone } },
  });
  const hinted = (...zones: (string | undefined)[]): ReturnType<typeof slice> => {
    const made = slice('web', 8080, [podA, podB, podC]);
    const endpoints = (made.endpoints ?? []).map((endpoint, i) => {
      const name = zones[i];
      return name === undefined ? endpoint : { ...endpoint, hints: { forZones: [{ name }] } };
    });
    return { ...made, endpoints };
  };
  const servers = async (): Promise<string> => {
    const answers = await net.places['pod-a'].ask('TCP', '10.96.1.1', 80, { times: 60, timeoutMs: 2_000 });
    return [...new Set(answers.map((text) => text.split(' ')[0]))].sort().join(' ');
  };
  const become = async (want: string): Promise<void> => {
    const end = performance.now() + 15_000;
    for (let got = await servers(); got !== want; got = await servers()) {
      if (performance.now() > end) throw new Error(`want ${want}, got ${got}`);
    }
  };
  await one.set('nodes', node('east'));
  await one.set('services', service('web', { clusterIP: '10.96.1.1', ports: [http] }));
  await one.set('endpointslices', hinted('east', 'west', 'east'));
  await become('pod-a pod-c');
  await one.set('nodes', node('west'));
  await become('pod-b');
  await one.set('nodes', node('south'));
  await become('pod-a pod-b pod-c');
  await one.set('nodes', node('west'));
  await become('pod-b');
  await one.set('endpointslices', hinted('east', 'west', undefined));
  await become('pod-a pod-b pod-c');
});

test('localhost node ports: ClientIP affinity is the kernel’s, so all ways of the node lead to one endpoint, and move on when it is gone', async () => {
  const one = await start();
  const port = { ...http, nodePort: 30_801 };
  await one.set(
    'services',
    service('web', { type: 'NodePort', clusterIP: '10.96.1.1', sessionAffinity: 'ClientIP', ports: [port] }),
  );
  await one.set('endpointslices', slice('web', 8080, [podA, podB, podC]));
  const servers = async (): Promise<readonly string[]> => {
    const ways = [
      ['127.0.0.1', 30_801],
      ['::1', 30_801],
      ['10.10.10.1', 30_801],
      ['10.96.1.1', 80],
    ] as const;
    const asked = ways.map(([address, at]) =>
      net.places['node-1'].ask('TCP', address, at, { times: 10, timeoutMs: 2_000 }),
    );
    return [...new Set((await Promise.all(asked)).flat().map((text) => text.split(' ')[0] ?? ''))];
  };
  await becomes('node-1', '127.0.0.1', 30_801, /^pod-/);
  const [first, ...others] = await servers();
  assert.deepEqual(others, []);
  const left = Object.entries({ 'pod-a': podA, 'pod-b': podB, 'pod-c': podC }).flatMap(([name, end]) =>
    name === first ? [] : [end],
  );
  await one.set('endpointslices', slice('web', 8080, left));
  await becomes('node-1', '127.0.0.1', 30_801, new RegExp(`^(?!${first ?? ''}|E|T)`));
  assert.equal((await servers()).length, 1);
});
