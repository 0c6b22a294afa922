/**
 * `up --dual-stack`: what upstream's [Feature:IPv6DualStack] suite asks of nodes, pods and Services (test/e2e/network/dual_stack.go),
 * with real packets of both families, and nothing of it outside.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../src/util/testing.ts';
import { launcher } from '../support/paths.ts';
import { mustRun } from '../support/run.ts';
import { ownCluster } from '../support/own-cluster.ts';

const cluster = ownCluster('dual', '--nodes', '2', '--dual-stack');

const objects = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: portolan.local/host
        command: [python3, -m, http.server, "8080", --bind, "::"]
        readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: both}
spec: {type: LoadBalancer, ipFamilyPolicy: RequireDualStack, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: six}
spec: {ipFamilies: [IPv6], selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: six-first}
spec: {ipFamilyPolicy: PreferDualStack, ipFamilies: [IPv6, IPv4], selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: plain}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
`;

const familyOf = (address: string): string => (address.includes(':') ? 'IPv6' : 'IPv4');
const families = (addresses: readonly string[]): string => addresses.map(familyOf).join(' ');

test('nodes, pods and Services have both families, and packets of both arrive', async () => {
  await cluster.apply('default', objects);
  await cluster.waitForDeployment('default', 'web');
  const list = async (object: string, path: string): Promise<string[]> =>
    (await cluster.field('default', object, path)).split(' ').filter((one) => one !== '');

  assert.equal(families(await list('node/node-1', '.status.addresses[?(@.type=="InternalIP")].address')), 'IPv4 IPv6');
  const [pod = ''] = await list('pods', '.items[*].metadata.name');
  assert.equal(families(await list(`pod/${pod}`, '.status.podIPs[*].ip')), 'IPv4 IPv6');
  assert.equal(families(await list(`pod/${pod}`, '.status.hostIPs[*].ip')), 'IPv4 IPv6');

  const expected = { both: 'IPv4 IPv6', six: 'IPv6', 'six-first': 'IPv6 IPv4', plain: 'IPv4' };
  for (const [service, want] of Object.entries(expected)) {
    const addresses = await list(`service/${service}`, '.spec.clusterIPs[*]');
    assert.equal(families(addresses), want, service);
    const slices = await list(
      'endpointslices',
      `.items[?(@.metadata.labels.kubernetes\\.io/service-name=="${service}")].addressType`,
    );
    assert.deepEqual(slices.sort(), want.split(' ').sort(), `one slice per family of ${service}`);
    for (const address of addresses) {
      for (const vantage of [`pod/default/${pod}`, 'node/node-1', 'node/node-2']) await reaches(vantage, address, 80);
      await refuses('lan', address, 80);
    }
  }
});

test('proxy show: every node holds what it should, in both families', async () => {
  const shown = await mustRun([launcher, 'proxy', 'show', '--name', cluster.name], {
    env: { KUBECONFIG: cluster.kubeconfig },
  });
  assert.match(shown, /^node-1: \d+ addresses; the kernel holds what it should$/m);
  assert.match(shown, /^default\/six +ClusterIP +fd00:10:96::\S+ TCP 80 .* ok$/m);
});

test('node ports and load balancer addresses of both families; a name has both records', async () => {
  const nodePort = Number(await cluster.field('default', 'service/both', '.spec.ports[0].nodePort'));
  const nodes = (
    await cluster.field('default', 'node/node-2', '.status.addresses[?(@.type=="InternalIP")].address')
  ).split(' ');
  for (const address of nodes) {
    await reaches('lan', address, nodePort);
    await refuses('internet', address, nodePort);
  }
  for (const loopback of ['127.0.0.1', '::1']) await reaches('node/node-1', loopback, nodePort);
  const public_ = await eventually('the load balancer gives two addresses', async () => {
    const found = (await cluster.field('default', 'service/both', '.status.loadBalancer.ingress[*].ip')).split(' ');
    assert.equal(families(found), 'IPv4 IPv6');
    return found;
  });
  for (const address of public_) await reaches('internet', address, 80);
  const [pod = ''] = (await cluster.field('default', 'pods', '.items[*].metadata.name')).split(' ');
  for (const [index, type] of ['A', 'AAAA'].entries()) {
    const answer = await cluster.mustFrom(`pod/default/${pod}`, ['dig', '+short', '+search', type, 'both']);
    assert.equal(answer.trim(), await cluster.field('default', 'service/both', `.spec.clusterIPs[${String(index)}]`));
  }
});

test('the DNS answers at an address of each family, and reverse names of both', async () => {
  const servers = (await cluster.field('kube-system', 'service/kube-dns', '.spec.clusterIPs[*]')).split(' ');
  assert.deepEqual(servers, ['10.96.0.10', 'fd00:10:96::a']);
  const [pod = ''] = (await cluster.field('default', 'pods', '.items[*].metadata.name')).split(' ');
  const conf = await cluster.mustFrom(`pod/default/${pod}`, ['cat', '/etc/resolv.conf']);
  assert.deepEqual(
    conf.split('\n').filter((line) => line.startsWith('nameserver')),
    servers.map((server) => `nameserver ${server}`),
  );
  const addresses = (await cluster.field('default', 'service/both', '.spec.clusterIPs[*]')).split(' ');
  for (const vantage of [`pod/default/${pod}`, 'node/node-1', 'node/node-2']) {
    for (const server of servers) {
      const dig = (...args: string[]): Promise<string> =>
        cluster.mustFrom(vantage, ['dig', `@${server}`, '+short', ...args]);
      for (const [index, type] of ['A', 'AAAA'].entries()) {
        assert.equal((await dig(type, 'both.default.svc.cluster.local')).trim(), addresses[index]);
        assert.equal((await dig('+tcp', '-x', addresses[index] ?? '')).trim(), 'both.default.svc.cluster.local.');
      }
    }
  }
  // Its metrics too.
  for (const server of servers) await reaches('node/node-1', server, 9153);
});

async function reaches(vantage: string, address: string, port: number): Promise<void> {
  const url = `http://${address.includes(':') ? `[${address}]` : address}:${String(port)}/`;
  await eventually(`${vantage} reaches ${url}`, async () => {
    const fetched = await cluster.fetch(vantage, url);
    assert.equal(fetched.kind, 'answer', JSON.stringify(fetched));
    return true;
  });
}

async function refuses(vantage: string, address: string, port: number): Promise<void> {
  const url = `http://${address.includes(':') ? `[${address}]` : address}:${String(port)}/`;
  const fetched = await cluster.fetch(vantage, url, 1);
  assert.notEqual(fetched.kind, 'answer', `${vantage} → ${url} must not get there`);
}
