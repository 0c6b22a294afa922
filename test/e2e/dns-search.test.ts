/** The search list of a pod, walked by the server, as resolvers in pods see it; and who may ask which node. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientPod, webApp } from '../support/apps.ts';
import { sharedCluster } from '../support/cluster.ts';
import { eventually } from '../../src/util/testing.ts';

const cluster = sharedCluster();

test("a pod's short names cost one question, whatever its resolver", async (t) => {
  const ns = await cluster.namespace(t, 'dns-a');
  const other = await cluster.namespace(t, 'dns-b');
  await cluster.apply(ns, clientPod('client'));
  await cluster.apply(other, webApp('web'));
  await cluster.exposeWeb(other, 'web');
  await cluster.kubectl(['wait', '-n', ns, '--for=condition=Ready', 'pod/client', '--timeout=60s']);
  const address = await cluster.field(other, 'service/web', '.spec.clusterIP');
  const client = `pod/${ns}/client`;
  const ask = (...args: readonly string[]): Promise<string> =>
    cluster.mustFrom(client, ['dig', '+noall', '+answer', '+timeout=2', ...args]);

  // The first name of the list, which does not exist, leads on to the one that does.
  const first = `web.${other}.${ns}.svc.cluster.local`;
  const answer = await eventually('the list is walked', async () => {
    const lines = (await ask(first)).trim().split('\n');
    return lines.length === 2 ? lines : false;
  });
  assert.match(
    answer[0] ?? '',
    new RegExp(`^${first}\\.\\s+5\\s+IN\\s+CNAME\\s+web\\.${other}\\.svc\\.cluster\\.local\\.$`),
  );
  assert.match(answer[1] ?? '', new RegExp(`\\sA\\s+${address.replaceAll('.', '\\.')}$`));
  for (const name of [`web.${other}`, `web.${other}.svc`, `web.${other}.svc.cluster.local`]) {
    assert.ok((await cluster.mustFrom(client, ['getent', 'ahostsv4', name])).startsWith(address), `glibc: ${name}`);
    assert.ok((await cluster.mustFrom(client, ['dig', '+short', '+search', name])).includes(address), `dig: ${name}`);
  }
  // On a node nobody has that list.
  const node = await cluster.mustFrom('node/node-1', ['dig', '@10.96.0.10', '+timeout=2', first]);
  assert.match(node, /status: NXDOMAIN/);
});

test("a node's processes may ask every node's server, other hosts none", async () => {
  const [one = '', two = ''] = await cluster.nodeAddresses();
  const name = 'kubernetes.default.svc.cluster.local';
  for (const server of [one, two]) {
    assert.match(
      await cluster.mustFrom('node/node-1', ['dig', `@${server}`, '+timeout=2', name]),
      /status: NOERROR/,
      server,
    );
    assert.match(await cluster.mustFrom('lan', ['dig', `@${server}`, '+timeout=2', name]), /status: REFUSED/, server);
  }
});
