/** The DNS server beside the real API server: what is written there is answered here. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resources } from '../api/resources.ts';
import { startTestServer, writeKubeconfig } from '../apiserver/testing.ts';
import { createClient, loadKubeconfig } from '../client/index.ts';
import { ensureKubeDns, runDns } from './index.ts';
import { clusterService, slice } from './testing/objects.ts';
import { digger } from './testing/server.ts';

test('dns and the real API server: sync, announcement, changes, withdrawal', async (t) => {
  const server = await startTestServer(t);
  const client = createClient(await loadKubeconfig(writeKubeconfig(server.dir, server.address)), { userAgent: 'test' });
  t.after(() => client.close());
  const stop = new AbortController();
  t.after(() => stop.abort());
  await ensureKubeDns(client, '10.96.0.10');
  await ensureKubeDns(client, '10.96.0.10');
  const dns = await runDns(
    {
      client,
      listen: [{ address: '127.0.0.1', port: 0 }],
      serviceCidrs: ['10.96.0.0/16'],
      podCidrs: ['10.244.0.0/16'],
      upstreams: [],
      nodeName: 'node-1',
      nodeIP: '10.10.10.1',
      announce: true,
    },
    stop.signal,
  );
  await dns.synced;
  const port = dns.listening[0]?.port ?? 0;
  const { dig, digAll } = digger(port);
  /** The API server's answer may come before the watch event. */
  const eventually = async (expected: readonly string[], ...args: readonly string[]): Promise<void> => {
    for (;;) {
      const found = await dig('+short', ...args);
      if (found.join() === expected.join()) return;
      t.signal.throwIfAborted();
    }
  };
  assert.deepEqual(await dig('+short', 'kubernetes.default.svc.cluster.local'), ['10.96.0.1']);
  assert.deepEqual(await dig('+short', '-x', '10.96.0.10'), ['kube-dns.kube-system.svc.cluster.local.']);
  await eventually(['10.10.10.1'], '10-10-10-1.kube-dns.kube-system.svc.cluster.local');

  const announced = await client.get(resources.endpointSlices, { namespace: 'kube-system', name: 'kube-dns-node-1' });
  assert.deepEqual(announced.endpoints?.[0]?.hints, { forNodes: [{ name: 'node-1' }] });
  assert.deepEqual(
    announced.ports?.map((item) => item.port),
    [port, port],
  );

  const key = { namespace: 'kube-system', name: 'kube-dns-node-1' };
  await client.delete(resources.endpointSlices, key);
  for (let uid: string | undefined; uid === undefined || uid === announced.metadata.uid;) {
    t.signal.throwIfAborted();
    const { items } = await client.list(resources.endpointSlices, { namespace: key.namespace });
    uid = items.find((item) => item.metadata.name === key.name)?.metadata.uid;
  }

  await client.create(resources.serviceCIDRs, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name: 'more' },
    spec: { cidrs: ['10.97.0.0/16'] },
  });
  await eventually(['ns.dns.cluster.local.'], '97.10.in-addr.arpa', 'NS');

  const name = 'web.default.svc.cluster.local';
  assert.match(await digAll(name), /NXDOMAIN/);
  const created = await client.create(resources.services, clusterService('default/web', '10.96.0.77', 'http:80'));
  await eventually(['10.96.0.77'], name);
  await client.create(resources.endpointSlices, slice('default/web-1', 'web', ['http:8080'], '10.244.1.2'));
  await eventually(['10-244-1-2.web.default.svc.cluster.local.'], '-x', '10.244.1.2');
  await client.delete(resources.services, { namespace: 'default', name: created.metadata.name });
  await eventually([], name);

  stop.abort();
  await dns.stopped;
  const left = await client.list(resources.endpointSlices, { namespace: 'kube-system' });
  assert.deepEqual(
    left.items.map((item) => item.metadata.name),
    [],
  );
});
