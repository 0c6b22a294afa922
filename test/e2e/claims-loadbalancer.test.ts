/** Claims C9, C11, C16: LoadBalancer services from the public side. (C23, the death of a node, is in test/lifecycle.) */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { webApp } from '../support/apps.ts';
import { sharedCluster } from '../support/cluster.ts';
import { eventually } from '../../src/util/testing.ts';

const cluster = sharedCluster();

async function externalAddress(ns: string, name: string): Promise<string> {
  return await eventually(`${name} has an external address`, async () => {
    const address = await cluster.field(ns, `service/${name}`, '.status.loadBalancer.ingress[0].ip');
    return address === '' ? false : address;
  });
}

test('claim C9: first <pending>, then a public address that the internet reaches, although it reaches no node', async (t) => {
  const ns = await cluster.namespace(t, 'c9');
  await cluster.apply(ns, webApp('web', { replicas: 2 }));
  await cluster.waitForDeployment(ns, 'web');
  // The answer to the write is what `kubectl get` shows before the load balancer has acted: no address yet.
  const created = await cluster.kubectl([
    'create',
    'service',
    'loadbalancer',
    'web',
    '--tcp=80:8080',
    '-n',
    ns,
    '-o',
    'json',
  ]);
  assert.deepEqual((JSON.parse(created) as { status: unknown }).status, { loadBalancer: {} });
  const address = await externalAddress(ns, 'web');
  const table = await cluster.kubectl(['get', 'service', 'web', '-n', ns]);
  assert.ok(table.includes(address), table);
  await eventually(
    'the internet reaches it',
    async () => (await cluster.fetch('internet', `http://${address}/`)).kind === 'answer',
  );
  for (const vantage of ['host', 'lan', 'node/node-1']) {
    await eventually(
      `${vantage} reaches it`,
      async () => (await cluster.fetch(vantage, `http://${address}/`)).kind === 'answer',
    );
  }
  const [nodeIP = ''] = await cluster.nodeAddresses();
  const nodePort = await cluster.field(ns, 'service/web', '.spec.ports[0].nodePort');
  assert.notEqual((await cluster.fetch('internet', `http://${nodeIP}:${nodePort}/`, 2)).kind, 'answer');
  assert.equal(
    (await cluster.fetch('internet', `http://${address}:81/`)).kind,
    'refused',
    'a port that is not listed is refused at once',
  );
});

test('claim C11: every LoadBalancer service gets its own address, and deletion gives it back', async (t) => {
  const ns = await cluster.namespace(t, 'c11');
  await cluster.apply(ns, webApp('web'));
  for (const name of ['one', 'two'])
    await cluster.kubectl([
      'expose',
      'deployment',
      'web',
      '-n',
      ns,
      `--name=${name}`,
      '--type=LoadBalancer',
      '--port=80',
      '--target-port=8080',
    ]);
  const one = await externalAddress(ns, 'one');
  const two = await externalAddress(ns, 'two');
  assert.notEqual(one, two);
  await cluster.waitForDeployment(ns, 'web');
  for (const address of [one, two])
    await eventually(
      `${address} answers`,
      async () => (await cluster.fetch('internet', `http://${address}/`)).kind === 'answer',
    );
  await cluster.kubectl(['delete', 'service', 'one', '-n', ns]);
  await eventually(
    'the deleted address is dead',
    async () => (await cluster.fetch('internet', `http://${one}/`, 1)).kind !== 'answer',
  );
  assert.equal((await cluster.fetch('internet', `http://${two}/`)).kind, 'answer');
  await cluster.apply(
    ns,
    `{ apiVersion: v1, kind: Service, metadata: { name: again }, spec: { type: LoadBalancer, loadBalancerIP: ${one}, selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }] } }`,
  );
  assert.equal(await externalAddress(ns, 'again'), one, 'the address is in the pool again');
});

test('claim C16: through the load balancer, requests reach the pods of all nodes', async (t) => {
  const ns = await cluster.namespace(t, 'c16lb');
  await cluster.apply(ns, webApp('web', { replicas: 3 }));
  await cluster.exposeWeb(ns, 'web', 'LoadBalancer');
  const address = await externalAddress(ns, 'web');
  await eventually(
    'all three pods answer',
    async () =>
      new Set((await cluster.fetchMany('internet', `http://${address}/`, 30)).map((line) => line.split(' ')[0]))
        .size === 3,
  );
});
