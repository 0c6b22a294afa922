/**
 * `up --ipv6`: a cluster without one IPv4 address. Who carries addresses in URLs, host:port texts and certificates is where that
 * shows: the API server and its proxies to nodes, pods and services; probes; DNS; the load balancer's question for health.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../src/util/testing.ts';
import { ownCluster } from '../support/own-cluster.ts';

const cluster = ownCluster('ipv6', '--nodes', '2', '--zones', '2', '--ipv6');

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
      affinity:
        podAntiAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
          - {topologyKey: topology.kubernetes.io/zone, labelSelector: {matchLabels: {app: web}}}
      containers:
      - name: web
        image: portolan.local/host
        command: [python3, -m, http.server, "8080", --bind, "::"]
        ports: [{containerPort: 8080, hostPort: 8088}]
        readinessProbe: {httpGet: {port: 8080, path: /}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: LoadBalancer, externalTrafficPolicy: Local, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
`;

test('a service of a cluster of IPv6 alone is reached at each of its addresses, by name, and through the API server', async () => {
  await cluster.apply('default', objects);
  await cluster.waitForDeployment('default', 'web');
  const field = (object: string, path: string): Promise<string> => cluster.field('default', object, path);
  const [pod = ''] = (await field('pods', '.items[*].metadata.name')).split(' ');
  const node = await field(`pod/${pod}`, '.spec.nodeName');
  const nodeIp = await field(`node/${node}`, '.status.addresses[0].address');
  const nodePort = await field('service/web', '.spec.ports[0].nodePort');
  const external = await eventually('the load balancer gives an address', async () => {
    const ip = await field('service/web', '.status.loadBalancer.ingress[0].ip');
    assert.match(ip, /^fd00:198:51:/);
    return ip;
  });

  for (const [vantage, url] of [
    [`pod/default/${pod}`, 'http://web/'],
    [`node/${node}`, `http://[${await field('service/web', '.spec.clusterIP')}]/`],
    [`node/${node}`, `http://[::1]:${nodePort}/`],
    ['lan', `http://[${nodeIp}]:${nodePort}/`],
    ['lan', `http://[${nodeIp}]:8088/`],
    ['internet', `http://[${external}]/`],
  ] as const) {
    await eventually(`${vantage} reaches ${url}`, async () => {
      const fetched = await cluster.fetch(vantage, url);
      assert.equal(fetched.kind, 'answer', JSON.stringify(fetched));
      return true;
    });
  }
  for (const path of ['services/web:80', `pods/${pod}:8080`]) {
    const page = await cluster.kubectl(['get', '--raw', `/api/v1/namespaces/default/${path}/proxy/`]);
    assert.match(page, /Directory listing/);
  }
  assert.match(await cluster.kubectl(['logs', pod]), /GET/);
  assert.equal((await cluster.kubectl(['exec', pod, '--', 'echo', 'here'])).trim(), 'here');
});

test('nothing of it has an IPv4 address', async () => {
  const everything = await cluster.kubectl([
    'get',
    'nodes,pods,services,endpointslices,endpoints,ipaddresses',
    '-A',
    '-o',
    'yaml',
  ]);
  assert.deepEqual(everything.match(/\b\d+\.\d+\.\d+\.\d+(?![\d.])/g), null);
  for (const place of ['node/node-1', 'lan', 'internet', 'lb']) {
    const links = await cluster.mustFrom(place, ['ip', '-4', '-oneline', 'address', 'show', 'scope', 'global']);
    assert.equal(links, '', place);
  }
});
