/** Claims C12, C13, C14: names, asked by the programs people use, inside pods. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientPod, webApp } from '../support/apps.ts';
import { sharedCluster } from '../support/cluster.ts';
import { eventually } from '../../src/util/testing.ts';

const cluster = sharedCluster();

async function clientIn(ns: string): Promise<string> {
  await cluster.apply(ns, clientPod('client'));
  await cluster.kubectl(['wait', '-n', ns, '--for=condition=Ready', 'pod/client', '--timeout=60s']);
  return `pod/${ns}/client`;
}

const dig = async (vantage: string, ...args: readonly string[]): Promise<string[]> =>
  (await cluster.mustFrom(vantage, ['dig', '+short', '+timeout=2', '+tries=2', ...args]))
    .split('\n')
    .filter((line) => line !== '');

test('claim C12: ExternalName is a CNAME and nothing else', async (t) => {
  const ns = await cluster.namespace(t, 'c12');
  const client = await clientIn(ns);
  await cluster.apply(
    ns,
    `{ apiVersion: v1, kind: Service, metadata: { name: outside }, spec: { type: ExternalName, externalName: db.example.invalid } }`,
  );
  await eventually('the CNAME is served', async () =>
    (await dig(client, `outside.${ns}.svc.cluster.local`, 'CNAME')).includes('db.example.invalid.'),
  );
  const clusterIP = await cluster.field(ns, 'service/outside', '.spec.clusterIP');
  assert.equal(clusterIP, '');
  const slices = await cluster.kubectl(['get', 'endpoints,endpointslices', '-n', ns, '-o', 'name']);
  assert.equal(slices, '');
  assert.ok(
    !(await cluster.mustFrom('node/node-1', ['nft', 'list', 'ruleset'])).includes('db.example'),
    'no kernel entry',
  );

  // To a service in another namespace: the client that follows the name gets there.
  const other = await cluster.namespace(t, 'c12b');
  await cluster.apply(other, webApp('web'));
  await cluster.kubectl(['expose', 'deployment', 'web', '-n', other, '--port=8080']);
  await cluster.waitForDeployment(other, 'web');
  await cluster.apply(
    ns,
    `{ apiVersion: v1, kind: Service, metadata: { name: neighbour }, spec: { type: ExternalName, externalName: web.${other}.svc.cluster.local } }`,
  );
  const fetched = await eventually('the neighbour answers through its other name', async () => {
    const answer = await cluster.fetch(client, 'http://neighbour:8080/');
    return answer.kind === 'answer' ? answer : false;
  });
  assert.match(fetched.body, /^web-/);
});

test("claim C13: a headless service answers with its ready pods' addresses", async (t) => {
  const ns = await cluster.namespace(t, 'c13');
  const client = await clientIn(ns);
  await cluster.apply(ns, webApp('web', { replicas: 3 }));
  await cluster.kubectl([
    'expose',
    'deployment',
    'web',
    '-n',
    ns,
    '--name=group',
    '--cluster-ip=None',
    '--port=80',
    '--target-port=8080',
  ]);
  await cluster.waitForDeployment(ns, 'web');
  assert.equal(await cluster.field(ns, 'service/group', '.spec.clusterIP'), 'None');
  const addresses = async (): Promise<string[]> =>
    (await cluster.kubectl(['get', 'pods', '-n', ns, '-l', 'app=web', '-o', 'jsonpath={.items[*].status.podIP}']))
      .split(' ')
      .sort();
  const expected = await addresses();
  assert.equal(expected.length, 3);
  await eventually('the answer is the set of pods', async () => {
    const got = (await dig(client, `group.${ns}.svc.cluster.local`)).sort();
    return JSON.stringify(got) === JSON.stringify(expected);
  });
  await cluster.kubectl(['scale', 'deployment', 'web', '-n', ns, '--replicas=1']);
  await eventually(
    'the answer shrinks with the pods',
    async () => (await dig(client, `group.${ns}.svc.cluster.local`)).length === 1,
  );
});

test('claim C14: the three forms of a name resolve in pods through the search path, and nowhere outside', async (t) => {
  const ns = await cluster.namespace(t, 'c14');
  const client = await clientIn(ns);
  await cluster.apply(ns, webApp('myservice'));
  await cluster.exposeWeb(ns, 'myservice');
  const clusterIP = await cluster.field(ns, 'service/myservice', '.spec.clusterIP');
  for (const name of ['myservice', `myservice.${ns}`, `myservice.${ns}.svc`, `myservice.${ns}.svc.cluster.local`]) {
    const seen = await eventually(`${name} resolves`, async () => {
      const outcome = await cluster.from(client, ['getent', 'ahostsv4', name]);
      return outcome.code === 0 ? outcome.stdout : false;
    });
    assert.ok(seen.startsWith(clusterIP), `${name}: ${seen}`);
    assert.equal((await cluster.fetch(client, `http://${name}/`)).kind, 'answer');
  }
  assert.equal((await dig(client, 'kubernetes.default.svc.cluster.local'))[0], '10.96.0.1');
  const [pointer] = await dig(client, '-x', clusterIP);
  assert.equal(pointer, `myservice.${ns}.svc.cluster.local.`);
  // Outside the cluster, nobody who could be asked gives the name away: not a node's server, not the service address.
  const [nodeIP = ''] = await cluster.nodeAddresses();
  for (const server of [nodeIP, '10.96.0.10']) {
    const asked = await cluster.from('lan', [
      'dig',
      `@${server}`,
      '+timeout=1',
      '+tries=1',
      `myservice.${ns}.svc.cluster.local`,
    ]);
    assert.ok(!asked.stdout.includes(clusterIP), asked.stdout);
  }
});
