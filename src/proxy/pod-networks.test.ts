/** Beside somebody else's pod network: it may give pods addresses that no Node tells, and hides pods' addresses itself or not. */
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { addresses, createTopology, outside, service, slice } from '../dataplane/testing/index.ts';
import type { PlaceName, Topology } from '../dataplane/testing/index.ts';
import { openProxy } from './testing/index.ts';
import type { ProxyProcess } from './testing/index.ts';

let net: Topology;
const proxies: ProxyProcess[] = [];
const ip = '10.96.0.9';
const nodePort = 30_909;
const [node1, node2] = [addresses['node-1'][0], addresses['node-2'][0]];

before(async () => {
  net = await createTopology();
  await Promise.all([net.places['pod-d'].serve('TCP', 8080), net.places.lan.serve('TCP', 9000)]);
  const spec = { type: 'NodePort', clusterIP: ip, ports: [{ port: 80, protocol: 'TCP', nodePort }] };
  const slices = slice('web', 8080, [{ address: addresses['pod-d'][0], node: 'node-2' }]);
  for (const node of ['node-1', 'node-2'] as const) {
    const proxy = await openProxy(net, node);
    proxies.push(proxy);
    await proxy.set('services', service('web', spec));
    await proxy.set('endpointslices', slices);
    await proxy.start({ localPods: 'cluster', masqueradePods: false });
  }
});
after(async () => {
  await Promise.all(proxies.map((proxy) => proxy.kill()));
  await net.close();
});

/** Who answered, and whose address it saw. */
async function ask(from: PlaceName, address: string, port: number): Promise<readonly [string, string]> {
  const [answer = ''] = await net.places[from].ask('TCP', address, port);
  const [server = '', client = ''] = answer.split(' ');
  return [server, client];
}

test('every pod of the cluster may use cluster IPs, with its own address', async () => {
  for (const pod of ['pod-a', 'pod-c'] as const) assert.deepEqual(await ask(pod, ip, 80), ['pod-d', addresses[pod][0]]);
});

test('a pod that is sent back to its own node through the node port of another gets its answer', async () => {
  assert.deepEqual(await ask('pod-c', node1, nodePort), ['pod-d', node1]);
  assert.deepEqual(await ask('lan', node2, nodePort), ['pod-d', '10.244.2.1']);
});

test('what leaves the cluster is the pod network’s business', async () => {
  assert.deepEqual(await ask('pod-a', outside, 9000), ['lan', addresses['pod-a'][0]]);
  await proxies[0]?.kill();
  const again = await openProxy(net, 'node-1');
  proxies[0] = again;
  await again.start({ localPods: 'cluster' });
  assert.deepEqual(await ask('pod-a', outside, 9000), ['lan', node1]);
});
