import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { resources } from '../api/resources.ts';
import { runLb } from './run.ts';
import { createMemoryApi, testNode, testService } from './testing.ts';
import { eventually, until } from '../util/testing.ts';
import { buildWorld } from './testing-net.ts';
import type { World } from './testing-net.ts';

const vip = '198.51.100.129';
const url = `http://${vip}/`;
const key = { namespace: 'default', name: 'web' };
const api = createMemoryApi();
const healthy = { n1: 200, n2: 200 };
const local = { n1: 200, n2: 503 };
let world: World;
let lb: { stop(): Promise<void> };

before(async () => {
  world = buildWorld(`run-${String(process.pid)}`);
  for (const node of ['n1', 'n2'] as const) {
    world.serve(node, 10256, () => [healthy[node], '{}']);
    world.serve(node, 32000, () => [local[node], '{}']);
    world.serve(node, 30080, (request) => [200, `${node} ${request.socket.remoteAddress?.replace('::ffff:', '')}`]);
  }
  world.serve('internet', 8080, (request) => [200, request.socket.remoteAddress?.replace('::ffff:', '') ?? '']);
  // Something that listens on every address of the load balancer itself.
  world.serve('lb', 2222, () => [200, 'the load balancer itself']);
  await api.create(resources.nodes, testNode('n1', '10.10.10.1'));
  await api.create(resources.nodes, testNode('n2', '10.10.10.2'));
  lb = await startLb();
});
after(async () => {
  await lb.stop();
  world.remove();
});

async function startLb(): Promise<{ stop(): Promise<void> }> {
  const abort = new AbortController();
  const { promise: ready, resolve } = Promise.withResolvers<void>();
  const options = {
    client: api,
    pools: ['198.51.100.128/25'],
    lanInterface: 'lan0',
    publicInterface: 'wan0',
    lanCidrs: ['10.10.10.0/24'],
    podCidrs: ['10.244.0.0/16'],
    nodeHealth: { intervalMs: 100, timeoutMs: 300 },
    onReady: resolve,
  };
  const ended = runLb(options, abort.signal);
  await Promise.race([ready, ended]);
  return {
    stop: async () => {
      abort.abort();
      await ended;
    },
  };
}

async function answers(from: 'internet' | 'lan' | 'lb', times = 12): Promise<ReadonlySet<string>> {
  return new Set(await world.getMany(from, url, times));
}

async function untilAnswers(what: string, expected: readonly string[]): Promise<void> {
  const wanted = [...expected].sort().join();
  await until(
    what,
    () => answers('internet', 8),
    (seen) => [...seen].sort().join() === wanted,
  );
}

const fromInternet = ['n1 198.51.100.10', 'n2 198.51.100.10'];

test('no service, no answer: an unallocated address does not even answer ARP', async () => {
  assert.equal(await world.get('internet', url), 'refused');
  const neighbours = await world.run('internet', ['ip', 'neigh', 'show', vip]);
  assert.match(neighbours, /FAILED|INCOMPLETE/);
});

test('the internet reaches the nodes through the address, and its own address is kept', async () => {
  await api.create(resources.services, testService('web'));
  await eventually('the address is told', async () => {
    const service = await api.get(resources.services, key);
    assert.deepEqual(service.status?.loadBalancer?.ingress, [{ ip: vip, ipMode: 'VIP' }]);
    return true;
  });
  // Told is served: no waiting here.
  assert.deepEqual([...(await answers('internet', 24))].sort(), fromInternet);
});

test('a client on the LAN and the load balancer itself reach it too, masqueraded', async () => {
  assert.deepEqual([...(await answers('lan', 24))].sort(), ['n1 10.10.10.253', 'n2 10.10.10.253']);
  assert.deepEqual([...(await answers('lb', 24))].sort(), ['n1 10.10.10.253', 'n2 10.10.10.253']);
});

test('other ports of the address are refused at once, no listener of the load balancer answers there', async () => {
  assert.equal(await world.get('internet', `http://${vip}:81/`), 'refused');
  assert.equal(await world.get('internet', `http://${vip}:2222/`), 'refused');
  assert.equal(await world.get('lan', `http://${vip}:2222/`), 'refused');
  assert.equal(await world.get('internet', `http://${vip}:30080/`), 'refused');
  // Host unreachable; Linux notes it at the second SYN when it comes while connect() still holds the socket.
  assert.match(await world.get('lan', 'http://198.51.100.200/'), /^(refused|timeout)$/);
});

test('nothing else gets in: nodes are not reachable from the internet, but reach it', async () => {
  await world.run('internet', ['ip', 'route', 'replace', '10.10.10.0/24', 'via', '198.51.100.1']);
  assert.equal(await world.get('internet', 'http://10.10.10.1:30080/'), 'timeout');
  assert.equal(await world.get('n1', 'http://198.51.100.10:8080/'), '198.51.100.1');
  assert.equal(await world.get('lan', 'http://198.51.100.10:8080/'), '198.51.100.1');
  await world.run('internet', ['ip', 'route', 'del', '10.10.10.0/24']);
});

test('source ranges: who is not in them gets nothing, live', async () => {
  const set = (loadBalancerSourceRanges: readonly string[] | null): Promise<unknown> =>
    api.patch(resources.services, key, 'merge', { spec: { loadBalancerSourceRanges } });
  await set(['10.10.10.0/24', '10.10.10.100/32']);
  await eventually('the internet is out', async () => (await world.get('internet', url)) === 'timeout');
  assert.match(await world.get('lan', url), /^n[12] /);
  await set(['0.0.0.0/1', '128.0.0.0/1']);
  await eventually('everybody is in', async () => (await world.get('internet', url)).startsWith('n'));
  await set(['198.51.100.10/32']);
  await eventually('the LAN is out', async () => (await world.get('lan', url)) === 'timeout');
  assert.match(await world.get('internet', url), /^n[12] /);
  await set(null);
  await eventually('the LAN is in', async () => (await world.get('lan', url)).startsWith('n'));
});

test('session affinity keeps a client at its node, and is dropped with the setting', async () => {
  await api.patch(resources.services, key, 'merge', {
    spec: { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } },
  });
  await eventually('one node only', async () => (await answers('internet', 16)).size === 1);
  const [first] = await answers('internet', 1);
  assert.deepEqual([...(await answers('internet', 16))], [first]);
  const home = first?.startsWith('n1') === true ? 'n1' : 'n2';
  healthy[home] = 503;
  const others = fromInternet.filter((one) => one !== first);
  await untilAnswers('the other node', others);
  healthy[home] = 200;
  // Clients that nobody has seen: each one is new, and half of them meet the node that is back.
  let number = 20;
  await eventually('its node is back, for others', async () => {
    const source = `198.51.100.${String(number++)}`;
    await world.run('internet', ['ip', 'address', 'add', `${source}/24`, 'dev', 'eth0']);
    const answer = await world.run('internet', ['curl', '-sS', '-m', '2', '--interface', source, url]);
    return answer.startsWith(home);
  });
  assert.deepEqual([...(await answers('internet', 16))], others, 'the other node is the one that is remembered now');
  await api.patch(resources.services, key, 'merge', { spec: { sessionAffinity: 'None', sessionAffinityConfig: null } });
  await untilAnswers('both nodes again', fromInternet);
});

test('policy Local: only nodes whose health check node port says 200', async () => {
  const policy = { externalTrafficPolicy: 'Local', healthCheckNodePort: 32000 };
  await api.patch(resources.services, key, 'merge', { spec: policy });
  await untilAnswers('n1 only', ['n1 198.51.100.10']);
  [local.n1, local.n2] = [503, 200];
  await untilAnswers('n2 only', ['n2 198.51.100.10']);
  local.n2 = 503;
  await untilAnswers('nobody', ['refused']);
  await api.patch(resources.services, key, 'merge', {
    spec: { externalTrafficPolicy: 'Cluster', healthCheckNodePort: null },
  });
  await untilAnswers('both', fromInternet);
});

test('a node that dies is taken out, its connections move; a node that drains keeps the old ones', async () => {
  const clients = world.keep('internet', 'tcp', vip, 80, 24);
  const homes = (await clients.ask()).map((answer) => answer.split(' ')[1]);
  assert.equal(new Set(homes).size, 2, 'twenty-four connections, two nodes');

  healthy.n1 = 503;
  await untilAnswers('n1 gets no new ones', ['n2 198.51.100.10']);
  assert.deepEqual(
    await clients.ask(),
    homes.map((home) => `same ${home} 198.51.100.10`),
  );
  healthy.n1 = 200;
  await untilAnswers('n1 is back', fromInternet);

  world.unplug('n1');
  await untilAnswers('n1 is out', ['n2 198.51.100.10']);
  const afterDeath = await clients.ask();
  for (const [i, home] of homes.entries()) {
    if (home === 'n2') assert.equal(afterDeath[i], 'same n2 198.51.100.10');
    // A reset at once; a client library that retries has already connected anew.
    else assert.match(afterDeath[i] ?? '', /^(error ECONNRESET|new n2 198\.51\.100\.10)$/);
  }
  assert.ok((await clients.ask()).every((answer) => answer.endsWith('n2 198.51.100.10')));
  world.plug('n1');
  await untilAnswers('n1 is back from the dead', fromInternet);
});

test('UDP: a flow of a lost node goes on at another one at once', async () => {
  const udp = { name: 'udp', protocol: 'UDP', port: 53, nodePort: 30053 };
  const tcp = { name: 'tcp', protocol: 'TCP', port: 80, nodePort: 30080 };
  for (const node of ['n1', 'n2'] as const) world.serveUdp(node, 30053);
  await api.patch(resources.services, key, 'merge', { spec: { ports: [tcp, udp] } });
  const clients = world.keep('internet', 'udp', vip, 53, 24);
  const nodesOf = (homes: readonly string[]): string => [...new Set(homes)].sort().join();
  const homes = await until(
    'twenty-four flows, two nodes',
    () => clients.ask(),
    (seen) => nodesOf(seen) === 'n1,n2',
  );
  assert.deepEqual(await clients.ask(), homes, 'flows stay where they are');
  healthy.n1 = 503;
  await until(
    'all at n2',
    () => clients.ask(),
    (seen) => nodesOf(seen) === 'n2',
  );
  healthy.n1 = 200;
  await untilAnswers('n1 is back', fromInternet);
  assert.deepEqual(new Set(await clients.ask()), new Set(['n2']), 'a flow is not moved without need');
  await api.patch(resources.services, key, 'merge', { spec: { ports: [tcp] } });
});

test('nobody healthy, but machines that answer: the kernel tables of the nodes are trusted', async () => {
  [healthy.n1, healthy.n2] = [503, 503];
  await untilAnswers('both still', fromInternet);
  world.unplug('n1');
  await untilAnswers('the one that answers', ['n2 198.51.100.10']);
  world.plug('n1');
  [healthy.n1, healthy.n2] = [200, 200];
  await untilAnswers('both', fromInternet);
});

test('nodes that are not Ready, excluded, or leaving get no new connections, and keep the old ones', async () => {
  const clients = world.keep('internet', 'tcp', vip, 80, 24);
  const homes = await clients.ask();
  const n1 = { namespace: '', name: 'n1' };
  const label = { 'node.kubernetes.io/exclude-from-external-load-balancers': '' };
  await api.patch(resources.nodes, n1, 'merge', { metadata: { labels: label } });
  await untilAnswers('excluded', ['n2 198.51.100.10']);
  await api.patch(resources.nodes, n1, 'merge', { metadata: { labels: null } });
  await untilAnswers('both', fromInternet);
  await api.patch(resources.nodes, n1, 'merge', { status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } });
  await untilAnswers('not Ready', ['n2 198.51.100.10']);
  assert.deepEqual(
    await clients.ask(),
    homes.map((answer) => answer.replace('new', 'same')),
  );
  await api.patch(resources.nodes, n1, 'merge', { status: { conditions: [{ type: 'Ready', status: 'True' }] } });
  await untilAnswers('both', fromInternet);
});

test('without node ports, connections go straight to the ready pods', async () => {
  await world.run('n1', ['ip', 'address', 'add', '10.244.1.9/32', 'dev', 'lo']);
  await world.run('lb', ['ip', 'route', 'replace', '10.244.1.0/24', 'via', '10.10.10.1']);
  const { ports } = (await api.get(resources.services, key)).spec ?? {};
  await api.create(resources.endpointSlices, {
    metadata: { name: 'web-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [{ name: '', protocol: 'TCP', port: 30080 }],
    endpoints: [{ addresses: ['10.244.1.9'], nodeName: 'n1', conditions: { ready: true } }],
  });
  const direct = { allocateLoadBalancerNodePorts: false, ports: [{ protocol: 'TCP', port: 80 }] };
  await api.patch(resources.services, key, 'merge', { spec: direct });
  await untilAnswers('the pod on n1', ['n1 198.51.100.10']);
  await api.patch(resources.services, key, 'merge', { spec: { allocateLoadBalancerNodePorts: true, ports } });
  await untilAnswers('both nodes', fromInternet);
});

test('killed, the kernel goes on; restarted, it changes only what is wrong', async () => {
  const kept = world.keep('internet', 'tcp', vip, 80, 1);
  const [first = ''] = await kept.ask();
  const same = [first.replace('new', 'same')];
  await lb.stop();
  assert.deepEqual([...(await answers('internet', 24))].sort(), fromInternet);
  assert.deepEqual(await kept.ask(), same);
  const table = (): string => execFileSync('nft', ['-a', 'list', 'map', 'ip', 'portolan-lb', 'services']).toString();
  const wanted = table();
  // A foreign hand, and a service that went meanwhile.
  execFileSync('nft', ['add element ip portolan-lb services { 198.51.100.222 . tcp . 99 : drop }']);
  execFileSync('nft', [`delete element ip portolan-lb vips { ${vip} }`]);
  lb = await startLb();
  assert.equal(table(), wanted);
  assert.deepEqual(await kept.ask(), same);
  assert.equal(await world.get('internet', `http://${vip}:81/`), 'refused');
});

test('a deleted service: its address is silent, its port refused nowhere, its table empty', async () => {
  await api.delete(resources.services, key);
  await eventually('the address is silent', async () => {
    await world.run('internet', ['ip', 'neigh', 'flush', 'all']);
    assert.equal(await world.get('internet', url), 'refused');
    assert.match(await world.run('internet', ['ip', 'neigh', 'show', vip]), /FAILED|INCOMPLETE/);
    return true;
  });
  assert.doesNotMatch(execFileSync('nft', ['list', 'map', 'ip', 'portolan-lb', 'slots']).toString(), /198/);
});
