import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiError } from '../api/errors.ts';
import type { EndpointSlice } from '../api/gen/types.ts';
import type { KubeObject, Live, ObjectKey } from '../api/object.ts';
import { keyOf, keyText } from '../api/object.ts';
import type { Resource } from '../api/resources.ts';
import { resources } from '../api/resources.ts';
import type { Client } from '../client/index.ts';
import { announce, ensureKubeDns, withdraw } from './announce.ts';

/** As much of an API server as is spoken to here. */
function fakeClient(): {
  readonly client: Client;
  readonly objects: Map<string, KubeObject>;
  readonly calls: string[];
} {
  const objects = new Map<string, KubeObject>();
  const calls: string[] = [];
  const at = (resource: Resource, key: ObjectKey): string => `${resource.plural} ${keyText(key)}`;
  const known = <T extends KubeObject>(verb: string, where: string): Live<T> => {
    calls.push(`${verb} ${where}`);
    const object = objects.get(where);
    if (object === undefined) throw apiError(404, 'NotFound', `${where} not found`);
    return object as Live<T>;
  };
  const client = {
    get: async (resource: Resource, key: ObjectKey) => known('get', at(resource, key)),
    create: async (resource: Resource, object: KubeObject) => {
      const where = at(resource, keyOf(object));
      calls.push(`create ${where}`);
      if (objects.has(where)) throw apiError(409, 'AlreadyExists', `${where} already exists`);
      objects.set(where, object);
      return object;
    },
    update: async (resource: Resource, object: KubeObject) => {
      known('update', at(resource, keyOf(object)));
      objects.set(at(resource, keyOf(object)), object);
      return object;
    },
    delete: async (resource: Resource, key: ObjectKey) => {
      known('delete', at(resource, key));
      objects.delete(at(resource, key));
    },
  };
  return { client: client as unknown as Client, objects, calls };
}

test('ensureKubeDns: the Service as kubeadm writes it, without a selector, and only once', async () => {
  const { client, objects, calls } = fakeClient();
  await ensureKubeDns(client, '10.96.0.10');
  await ensureKubeDns(client, '10.96.0.99');
  assert.deepEqual(calls, [
    'get services kube-system/kube-dns',
    'create services kube-system/kube-dns',
    'get services kube-system/kube-dns',
  ]);
  assert.deepEqual(objects.get('services kube-system/kube-dns'), {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'kube-dns',
      namespace: 'kube-system',
      annotations: { 'prometheus.io/port': '9153', 'prometheus.io/scrape': 'true' },
      labels: { 'k8s-app': 'kube-dns', 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' },
    },
    spec: {
      clusterIP: '10.96.0.10',
      clusterIPs: ['10.96.0.10'],
      ports: [
        { name: 'dns', port: 53, protocol: 'UDP' },
        { name: 'dns-tcp', port: 53, protocol: 'TCP' },
        { name: 'metrics', port: 9153, protocol: 'TCP' },
      ],
      trafficDistribution: 'PreferSameNode',
    },
  });
});

test('ensureKubeDns: two at the same time do not disturb each other', async () => {
  const { client } = fakeClient();
  await Promise.all([ensureKubeDns(client, ['10.96.0.10', 'fd00:10:96::a']), ensureKubeDns(client, '10.96.0.10')]);
});

test('announce: one slice per node, brought up to date, taken back', async () => {
  const { client, objects } = fakeClient();
  const node = { nodeName: 'node-1', nodeIP: '10.10.10.1', dnsPort: 53, metricsPort: 9153 };
  await announce(client, node);
  await announce(client, { ...node, nodeIP: 'fd00::1', metricsPort: undefined });
  const where = keyOf({ metadata: { namespace: 'kube-system', name: 'kube-dns-node-1' } });
  assert.deepEqual(objects.get(`${resources.endpointSlices.plural} ${keyText(where)}`), {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: 'kube-dns-node-1',
      namespace: 'kube-system',
      labels: {
        'kubernetes.io/service-name': 'kube-dns',
        'endpointslice.kubernetes.io/managed-by': 'dns.portolan.local',
      },
    },
    addressType: 'IPv6',
    endpoints: [
      {
        addresses: ['fd00::1'],
        conditions: { ready: true, serving: true, terminating: false },
        hints: { forNodes: [{ name: 'node-1' }] },
        nodeName: 'node-1',
      },
    ],
    ports: [
      { name: 'dns', port: 53, protocol: 'UDP' },
      { name: 'dns-tcp', port: 53, protocol: 'TCP' },
    ],
  });
  await withdraw(client, node);
  await withdraw(client, node);
  assert.equal(objects.size, 0);
});

test('announce: the second family has a slice of its own', async () => {
  const { client, objects } = fakeClient();
  const node = { nodeName: 'node-1', nodeIP: '10.10.10.1', dnsPort: 53, metricsPort: 9153 };
  const second = { ...node, nodeIP: 'fd00::1', metricsPort: undefined, second: true };
  await Promise.all([announce(client, node), announce(client, second)]);
  assert.deepEqual(
    [...objects.values()].map(({ metadata, ...rest }) => [metadata?.name, (rest as EndpointSlice).addressType]),
    [
      ['kube-dns-node-1', 'IPv4'],
      ['kube-dns-node-1-ipv6', 'IPv6'],
    ],
  );
  await withdraw(client, second);
  assert.equal(objects.size, 1);
});
