/** Claims C1, C4, C6, C10, C22: what a Service is by its type, seen through the real kubectl. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service } from '../../src/api/gen/types.ts';
import { sharedCluster } from '../support/cluster.ts';
import { eventually } from '../../src/util/testing.ts';

const cluster = sharedCluster();

const service = (name: string, spec: string): string => `
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: ${spec}
`;

async function getService(ns: string, name: string): Promise<Service> {
  return await cluster.json<Service>(['get', 'service', name, '-n', ns]);
}

/** The service range of the cluster, from its own first address. */
const inServiceRange = (address: string | undefined): boolean => /^10\.96\.\d+\.\d+$/.test(address ?? '');

test('claim C1: ClusterIP is the default type', async (t) => {
  const ns = await cluster.namespace(t, 'c1');
  await cluster.apply(ns, service('plain', '{ selector: { app: x }, ports: [{ port: 80 }] }'));
  const { spec } = await getService(ns, 'plain');
  assert.equal(spec?.type, 'ClusterIP');
  assert.ok(inServiceRange(spec?.clusterIP), `clusterIP ${spec?.clusterIP} is of the service range`);
  assert.deepEqual(spec?.clusterIPs, [spec?.clusterIP]);
});

test('claim C4: kubectl get svc has the columns and forms that people know', async (t) => {
  const ns = await cluster.namespace(t, 'c4');
  await cluster.apply(ns, service('plain', '{ ports: [{ port: 80 }] }'));
  await cluster.apply(ns, service('node', '{ type: NodePort, ports: [{ port: 80, nodePort: 30030 }] }'));
  await cluster.apply(
    ns,
    service(
      'foreign',
      '{ type: LoadBalancer, loadBalancerClass: example.com/none, ports: [{ port: 80, nodePort: 30031 }] }',
    ),
  );
  await cluster.apply(ns, service('name', '{ type: ExternalName, externalName: www.example.com }'));
  const table = (await cluster.kubectl(['get', 'svc', '-n', ns]))
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/\s{2,}/));
  assert.deepEqual(table[0], ['NAME', 'TYPE', 'CLUSTER-IP', 'EXTERNAL-IP', 'PORT(S)', 'AGE']);
  const row = (name: string): string[] => table.find((cells) => cells[0] === name) ?? assert.fail(`no row ${name}`);
  assert.deepEqual([row('plain')[1], row('plain')[3], row('plain')[4]], ['ClusterIP', '<none>', '80/TCP']);
  assert.deepEqual([row('node')[1], row('node')[3], row('node')[4]], ['NodePort', '<none>', '80:30030/TCP']);
  assert.deepEqual(
    [row('foreign')[1], row('foreign')[3], row('foreign')[4]],
    ['LoadBalancer', '<pending>', '80:30031/TCP'],
  );
  assert.deepEqual(row('name').slice(1, 5), ['ExternalName', '<none>', 'www.example.com', '<none>']);
  for (const name of ['plain', 'node', 'foreign']) assert.ok(inServiceRange(row(name)[2]));
});

test('claim C6: node ports are 30000-32767, random when unset, may be chosen, freed by deletion', async (t) => {
  const ns = await cluster.namespace(t, 'c6');
  await cluster.apply(ns, service('random', '{ type: NodePort, ports: [{ port: 80 }] }'));
  const random = (await getService(ns, 'random')).spec?.ports?.[0]?.nodePort ?? 0;
  assert.ok(random >= 30000 && random <= 32767, `node port ${random}`);

  const chosen = '{ type: NodePort, ports: [{ port: 80, nodePort: 30006 }] }';
  await cluster.apply(ns, service('chosen', chosen));
  assert.equal((await getService(ns, 'chosen')).spec?.ports?.[0]?.nodePort, 30006);

  const taken = await cluster.tryKubectl(['create', '-n', ns, '-f', '-'], { input: service('second', chosen) });
  assert.equal(taken.code, 1);
  assert.match(
    taken.stderr,
    /The Service "second" is invalid: spec\.ports\[0\]\.nodePort: Invalid value: 30006: provided port is already allocated/,
  );
  const outside = await cluster.tryKubectl(['create', '-n', ns, '-f', '-'], {
    input: service('outside', '{ type: NodePort, ports: [{ port: 80, nodePort: 80 }] }'),
  });
  assert.equal(outside.code, 1);
  assert.match(
    outside.stderr,
    /The Service "outside" is invalid: spec\.ports\[0\]\.nodePort: Invalid value: 80: provided port is not in the valid range\. The range of valid ports is 30000-32767/,
  );

  await cluster.kubectl(['delete', 'service', 'chosen', '-n', ns]);
  await cluster.kubectl(['create', '-n', ns, '-f', '-'], { input: service('second', chosen) });
  const refused = await cluster.tryKubectl(['get', 'service', 'outside', '-n', ns]);
  assert.match(refused.stderr, /NotFound/);
});

test('claim C10: LoadBalancer contains NodePort contains ClusterIP, up and down', async (t) => {
  const ns = await cluster.namespace(t, 'c10');
  // Chosen ports are of the static band, 30000-30085: nobody beside us gets one at random.
  await cluster.apply(ns, service('web', '{ type: LoadBalancer, ports: [{ port: 80, nodePort: 30032 }] }'));
  const top = await eventually('the load balancer has an address', async () => {
    const live = await getService(ns, 'web');
    return live.status?.loadBalancer?.ingress?.[0]?.ip === undefined ? false : live;
  });
  const nodePort = top.spec?.ports?.[0]?.nodePort;
  assert.ok(nodePort !== undefined && inServiceRange(top.spec?.clusterIP));

  await cluster.kubectl(['patch', 'service', 'web', '-n', ns, '-p', '{"spec":{"type":"NodePort"}}']);
  const middle = await eventually('the address is given back', async () => {
    const live = await getService(ns, 'web');
    return (live.status?.loadBalancer?.ingress ?? []).length === 0 ? live : false;
  });
  assert.equal(middle.spec?.ports?.[0]?.nodePort, nodePort);

  await cluster.kubectl(['patch', 'service', 'web', '-n', ns, '-p', '{"spec":{"type":"ClusterIP"}}']);
  const low = await getService(ns, 'web');
  assert.equal(low.spec?.ports?.[0]?.nodePort, undefined);
  assert.equal(low.spec?.clusterIP, top.spec?.clusterIP);
  await cluster.apply(
    ns,
    service('takes-the-port', `{ type: NodePort, ports: [{ port: 80, nodePort: ${nodePort} }] }`),
  );

  await cluster.kubectl(['patch', 'service', 'web', '-n', ns, '-p', '{"spec":{"type":"LoadBalancer"}}']);
  await eventually('it has an address and a node port again', async () => {
    const live = await getService(ns, 'web');
    const port = live.spec?.ports?.[0]?.nodePort;
    return live.status?.loadBalancer?.ingress?.[0]?.ip !== undefined && port !== undefined && port !== nodePort;
  });
});

test('claim C22: the cluster IP may be chosen', async (t) => {
  const ns = await cluster.namespace(t, 'c22');
  await cluster.apply(ns, service('chosen', '{ clusterIP: 10.96.0.77, ports: [{ port: 80 }] }'));
  assert.equal((await getService(ns, 'chosen')).spec?.clusterIP, '10.96.0.77');
  const taken = await cluster.tryKubectl(['create', '-n', ns, '-f', '-'], {
    input: service('taken', '{ clusterIP: 10.96.0.77, ports: [{ port: 80 }] }'),
  });
  assert.match(
    taken.stderr,
    /spec\.clusterIPs: Invalid value: \["10\.96\.0\.77"\]: failed to allocate IP 10\.96\.0\.77: provided IP is already allocated/,
  );
  const outside = await cluster.tryKubectl(['create', '-n', ns, '-f', '-'], {
    input: service('outside', '{ clusterIP: 10.1.2.3, ports: [{ port: 80 }] }'),
  });
  assert.match(
    outside.stderr,
    /failed to allocate IP 10\.1\.2\.3: the provided network does not match the current range/,
  );
  const changed = await cluster.tryKubectl([
    'patch',
    'service',
    'chosen',
    '-n',
    ns,
    '-p',
    '{"spec":{"clusterIP":"10.96.0.78","clusterIPs":["10.96.0.78"]}}',
  ]);
  assert.match(changed.stderr, /spec\.clusterIPs\[0\]: Invalid value: .*: may not change once set/);
});
