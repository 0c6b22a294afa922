/** Claims C2, C3, C15, C16: the cluster IP in packets: who reaches it, where it leads, how it spreads. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientPod, webApp } from '../support/apps.ts';
import { sharedCluster } from '../support/cluster.ts';
import type { Fetched } from '../support/cluster.ts';
import { eventually } from '../../src/util/testing.ts';

const cluster = sharedCluster();

async function clusterIP(ns: string, name: string): Promise<string> {
  return await cluster.field(ns, `service/${name}`, '.spec.clusterIP');
}

function assertAnswer(fetched: Fetched, from: string): void {
  assert.equal(fetched.kind, 'answer', `${from}: ${JSON.stringify(fetched)}`);
}

/** A client pod on each node, as vantages. */
async function clientsOnEveryNode(ns: string): Promise<string[]> {
  const nodes = await cluster.nodeNames();
  await cluster.apply(ns, nodes.map((node) => clientPod(`client-${node}`, node)).join('---'));
  await cluster.kubectl(['wait', '-n', ns, '--for=condition=Ready', 'pod', '-l', 'role=client', '--timeout=60s']);
  return nodes.map((node) => `pod/${ns}/client-${node}`);
}

test('claim C2, claim C15: the cluster IP answers pods and nodes, and nobody who has no proxy', async (t) => {
  const ns = await cluster.namespace(t, 'c2');
  await cluster.apply(ns, webApp('web', { replicas: 2 }));
  await cluster.kubectl(['expose', 'deployment', 'web', '-n', ns, '--port=80', '--target-port=8080']);
  const pods = await clientsOnEveryNode(ns);
  await cluster.waitForDeployment(ns, 'web');
  const url = `http://${await clusterIP(ns, 'web')}:80/`;
  const nodes = (await cluster.nodeNames()).map((node) => `node/${node}`);
  for (const vantage of [...pods, ...nodes]) {
    await eventually(
      `${vantage} reaches the cluster IP`,
      async () => (await cluster.fetch(vantage, url)).kind === 'answer',
    );
  }
  // The LAN host has routes to the pods (C15): a pod answers it, the cluster IP does not, even when it asks a node to forward.
  const podIP = await cluster.kubectl([
    'get',
    'pods',
    '-n',
    ns,
    '-l',
    'app=web',
    '-o',
    'jsonpath={.items[0].status.podIP}',
  ]);
  assertAnswer(await cluster.fetch('lan', `http://${podIP}:8080/`), 'lan to the pod itself');
  for (const outsider of ['lan', 'internet']) {
    const fetched = await cluster.fetch(outsider, url, 2);
    assert.notEqual(fetched.kind, 'answer', `${outsider} must not reach ${url}`);
  }
  const [nodeIP = ''] = await cluster.nodeAddresses();
  await cluster.mustFrom('lan', ['ip', 'route', 'add', '10.96.0.0/16', 'via', nodeIP]);
  t.after(async () => {
    await cluster.mustFrom('lan', ['ip', 'route', 'del', '10.96.0.0/16', 'via', nodeIP]);
  });
  assert.notEqual((await cluster.fetch('lan', url, 2)).kind, 'answer', 'a LAN host must not use a node as its proxy');
});

test('claim C2: an unlisted port of a cluster IP, and an address without a service, are refused at once', async (t) => {
  const ns = await cluster.namespace(t, 'c2b');
  await cluster.apply(ns, webApp('web'));
  await cluster.exposeWeb(ns, 'web');
  const ip = await clusterIP(ns, 'web');
  assert.equal((await cluster.fetch('node/node-1', `http://${ip}:81/`)).kind, 'refused');
  await cluster.kubectl(['delete', 'service', 'web', '-n', ns]);
  await eventually(
    'the address of a deleted service is refused',
    async () => (await cluster.fetch('node/node-1', `http://${ip}:80/`)).kind === 'refused',
  );
  await cluster.apply(
    ns,
    `{ apiVersion: v1, kind: Service, metadata: { name: empty }, spec: { selector: { app: nobody }, ports: [{ port: 80 }] } }`,
  );
  const empty = await clusterIP(ns, 'empty');
  await eventually(
    'a service without endpoints refuses',
    async () => (await cluster.fetch('node/node-2', `http://${empty}:80/`)).kind === 'refused',
  );
});

test('claim C3: targetPort leads from port to container port; unset means the same; a name resolves per pod', async (t) => {
  const ns = await cluster.namespace(t, 'c3');
  await cluster.apply(
    ns,
    `${webApp('one', { port: 8080, portName: 'site' })}---${webApp('two', { port: 9090, portName: 'site' })}`,
  );
  await cluster.kubectl(['label', 'deployment', 'one', 'two', '-n', ns, 'checked=yes']);
  for (const name of ['one', 'two']) {
    await cluster.kubectl([
      'patch',
      'deployment',
      name,
      '-n',
      ns,
      '-p',
      '{"spec":{"template":{"metadata":{"labels":{"group":"both"}}}}}',
    ]);
    await cluster.waitForDeployment(ns, name);
  }
  await cluster.apply(
    ns,
    `
{ apiVersion: v1, kind: Service, metadata: { name: mapped }, spec: { selector: { app: one }, ports: [{ port: 80, targetPort: 8080 }] } }
---
{ apiVersion: v1, kind: Service, metadata: { name: same }, spec: { selector: { app: one }, ports: [{ port: 8080 }] } }
---
{ apiVersion: v1, kind: Service, metadata: { name: named }, spec: { selector: { group: both }, ports: [{ port: 80, targetPort: site }] } }
`,
  );
  assert.equal(await cluster.field(ns, 'service/same', '.spec.ports[0].targetPort'), '8080');
  for (const [name, port] of [
    ['mapped', 80],
    ['same', 8080],
  ] as const) {
    const url = `http://${await clusterIP(ns, name)}:${port}/`;
    await eventually(`${name} answers`, async () => (await cluster.fetch('node/node-1', url)).kind === 'answer');
  }
  const named = `http://${await clusterIP(ns, 'named')}:80/`;
  await eventually('the named port leads to both pods, each at its own number', async () => {
    const hosts = new Set((await cluster.fetchMany('node/node-1', named, 20)).map((line) => line.split('-')[0]));
    return hosts.has('one') && hosts.has('two');
  });
});

test('claim C16: connections are spread evenly over the pods of all nodes', async (t) => {
  const ns = await cluster.namespace(t, 'c16');
  await cluster.apply(ns, webApp('web', { replicas: 6 }));
  await cluster.exposeWeb(ns, 'web');
  const nodesUsed = new Set(
    (
      await cluster.kubectl(['get', 'pods', '-n', ns, '-l', 'app=web', '-o', 'jsonpath={.items[*].spec.nodeName}'])
    ).split(' '),
  );
  assert.equal(nodesUsed.size, 3, 'the scheduler used every node');
  const url = `http://${await clusterIP(ns, 'web')}:80/`;
  await eventually(
    'all six pods are endpoints',
    async () => new Set((await cluster.fetchMany('node/node-1', url, 60)).map(podOf)).size === 6,
  );
  const total = 600;
  const counts = new Map<string, number>();
  for (const line of await cluster.fetchMany('node/node-1', url, total))
    counts.set(podOf(line), (counts.get(podOf(line)) ?? 0) + 1);
  // Chi-square with 5 degrees of freedom: above 35.9 once in a million fair runs.
  const expected = total / 6;
  const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  assert.equal(counts.size, 6);
  assert.ok(chiSquare < 35.9, `chi-square ${chiSquare.toFixed(1)} of ${JSON.stringify([...counts])}`);
});

/** The server answers `HOSTNAME CLIENT-ADDRESS`. */
function podOf(line: string): string {
  return line.split(' ')[0] ?? '';
}
