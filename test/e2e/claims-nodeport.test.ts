/** Claims C5, C7, C8: node ports on every node, and nowhere else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { webApp } from '../support/apps.ts';
import { sharedCluster } from '../support/cluster.ts';
import { eventually } from '../../src/util/testing.ts';

const cluster = sharedCluster();

test('claim C5, claim C7: nodeIP:nodePort answers on every node, with or without a pod, and the cluster IP too', async (t) => {
  const ns = await cluster.namespace(t, 'c5');
  await cluster.apply(ns, webApp('web'));
  await cluster.exposeWeb(ns, 'web', 'NodePort');
  const nodePort = await cluster.field(ns, 'service/web', '.spec.ports[0].nodePort');
  const clusterIP = await cluster.field(ns, 'service/web', '.spec.clusterIP');

  // C7: the addresses come out of the table that people read.
  const lines = (await cluster.kubectl(['get', 'nodes', '-o', 'wide'])).trimEnd().split('\n');
  const column = lines[0]?.indexOf('INTERNAL-IP') ?? -1;
  const addresses = lines.slice(1).map((line) => line.slice(column).split(/\s/)[0] ?? '');
  assert.equal(addresses.length, 3);
  for (const vantage of ['lan', 'node/node-1', 'host']) {
    for (const address of addresses) {
      await eventually(
        `${vantage} reaches ${address}:${nodePort}`,
        async () => (await cluster.fetch(vantage, `http://${address}:${nodePort}/`)).kind === 'answer',
      );
    }
  }
  assert.equal((await cluster.fetch('node/node-2', `http://${clusterIP}:80/`)).kind, 'answer');
  assert.equal(
    (await cluster.fetch('node/node-2', `http://${clusterIP}:${nodePort}/`)).kind,
    'refused',
    'clusterIP:nodePort does not answer',
  );
  assert.notEqual(
    (await cluster.fetch('internet', `http://${addresses[0]}:${nodePort}/`, 2)).kind,
    'answer',
    'the internet sees no node',
  );
});

test('claim C8: localhost:nodePort answers on every node, localhost:80 is refused, and 127.0.0.1 stays private', async (t) => {
  const ns = await cluster.namespace(t, 'c8');
  await cluster.apply(ns, webApp('web'));
  await cluster.exposeWeb(ns, 'web', 'NodePort');
  const nodePort = await cluster.field(ns, 'service/web', '.spec.ports[0].nodePort');
  for (const node of await cluster.nodeNames()) {
    await eventually(
      `localhost:${nodePort} answers on ${node}`,
      async () => (await cluster.fetch(`node/${node}`, `http://127.0.0.1:${nodePort}/`)).kind === 'answer',
    );
    assert.equal((await cluster.fetch(`node/${node}`, 'http://127.0.0.1:80/')).kind, 'refused');
    const routeLocalnet = await cluster.mustFrom(`node/${node}`, [
      'sh',
      '-c',
      // A pod that ends takes its link along.
      'cat /proc/sys/net/ipv4/conf/*/route_localnet 2>/dev/null || true',
    ]);
    assert.match(routeLocalnet, /^(0\n)+$/, `route_localnet is off on ${node}`);
  }
  // A neighbour sends to the node's 127.0.0.1 by its link address (CVE-2020-8558): nothing may come back.
  const [nodeIP = ''] = await cluster.nodeAddresses();
  await cluster.mustFrom('lan', ['ip', 'route', 'add', '127.0.0.1/32', 'via', nodeIP, 'dev', 'eth0', 'table', '99']);
  await cluster.mustFrom('lan', ['ip', 'rule', 'add', 'pref', '0', 'to', '127.0.0.1/32', 'lookup', '99']);
  t.after(async () => {
    await cluster.mustFrom('lan', ['ip', 'rule', 'del', 'pref', '0', 'to', '127.0.0.1/32', 'lookup', '99']);
    await cluster.mustFrom('lan', ['ip', 'route', 'flush', 'table', '99']);
  });
  assert.notEqual(
    (await cluster.fetch('lan', `http://127.0.0.1:${nodePort}/`, 2)).kind,
    'answer',
    "nobody on the LAN reaches a node's 127.0.0.1",
  );
});
