/** The DNS server beside the real API server: what is written there is answered here. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resources } from '../api/resources.ts';
import { startTestServer, writeKubeconfig } from '../apiserver/testing.ts';
import { createClient, createInformer, loadKubeconfig } from '../client/index.ts';
import { eventually, until } from '../util/testing.ts';
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
  const comesToAnswer = (expected: readonly string[], ...args: readonly string[]): Promise<string[]> =>
    until(
      args.join(' '),
      () => dig('+short', ...args),
      (found) => found.join() === expected.join(),
    );
  assert.deepEqual(await dig('+short', 'kubernetes.default.svc.cluster.local'), ['10.96.0.1']);
  assert.deepEqual(await dig('+short', '-x', '10.96.0.10'), ['kube-dns.kube-system.svc.cluster.local.']);
  await comesToAnswer(['10.10.10.1'], '10-10-10-1.kube-dns.kube-system.svc.cluster.local');

  const announced = await client.get(resources.endpointSlices, { namespace: 'kube-system', name: 'kube-dns-node-1' });
  assert.deepEqual(announced.endpoints?.[0]?.hints, { forNodes: [{ name: 'node-1' }] });
  assert.deepEqual(
    announced.ports?.map((item) => item.port),
    [port, port],
  );

  const key = { namespace: 'kube-system', name: 'kube-dns-node-1' };
  await client.delete(resources.endpointSlices, key);
  await eventually('it is announced again', async () => {
    const { items } = await client.list(resources.endpointSlices, { namespace: key.namespace });
    const uid = items.find((item) => item.metadata.name === key.name)?.metadata.uid;
    return uid !== undefined && uid !== announced.metadata.uid;
  });

  await client.create(resources.serviceCIDRs, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name: 'more' },
    spec: { cidrs: ['10.97.0.0/16'] },
  });
  await comesToAnswer(['kube-dns.kube-system.svc.cluster.local.'], '97.10.in-addr.arpa', 'NS');

  const name = 'web.default.svc.cluster.local';
  assert.match(await digAll(name), /NXDOMAIN/);
  const created = await client.create(resources.services, clusterService('default/web', '10.96.0.77', 'http:80'));
  await comesToAnswer(['10.96.0.77'], name);
  await client.create(resources.endpointSlices, slice('default/web-1', 'web', ['http:8080'], '10.244.1.2'));
  await comesToAnswer(['10-244-1-2.web.default.svc.cluster.local.'], '-x', '10.244.1.2');
  await client.delete(resources.services, { namespace: 'default', name: created.metadata.name });
  await comesToAnswer([], name);

  stop.abort();
  await dns.stopped;
  const left = await client.list(resources.endpointSlices, { namespace: 'kube-system' });
  assert.deepEqual(
    left.items.map((item) => item.metadata.name),
    [],
  );
});

test('dns and the real API server: a name that starts to exist, changes or ends is right at the first question after its event', async (t) => {
  const server = await startTestServer(t);
  const client = createClient(await loadKubeconfig(writeKubeconfig(server.dir, server.address)), { userAgent: 'test' });
  t.after(() => client.close());
  const stop = new AbortController();
  t.after(() => stop.abort());
  const informers = {
    services: createInformer(client, resources.services, {}, stop.signal),
    endpointSlices: createInformer(client, resources.endpointSlices, {}, stop.signal),
    namespaces: createInformer(client, resources.namespaces, {}, stop.signal),
  };
  const listen = [{ address: '127.0.0.1', port: 0 }];
  const ranges = { serviceCidrs: ['10.96.0.0/16'], podCidrs: ['10.244.0.0/16'] };
  const dns = await runDns({ client, informers, listen, ...ranges, upstreams: [] }, stop.signal);
  await dns.synced;
  const seen = new Map<string, () => void>();
  informers.services.onChange((current, old) => seen.get((current ?? old)?.metadata.name ?? '')?.());
  /** Asked once, when the write is acknowledged and its event is here. */
  const after = async (name: string, write: () => Promise<unknown>): Promise<string> => {
    const event = new Promise<void>((resolve) => seen.set(name, resolve));
    await Promise.all([write(), event]);
    const { digAll } = digger(dns.listening[0]?.port ?? 0);
    const output = await digAll('+noedns', `${name}.default.svc.cluster.local`);
    return /\sA\s+([0-9.]+)$/m.exec(output)?.[1] ?? /status: ([A-Z]+)/.exec(output)?.[1] ?? output;
  };
  const { digAll } = digger(dns.listening[0]?.port ?? 0);
  for (let i = 1; i <= 8; i += 1) {
    const name = `new-${i}`;
    const key = { namespace: 'default', name };
    assert.match(await digAll('+noedns', `${name}.default.svc.cluster.local`), /NXDOMAIN/);
    const service = clusterService(`default/${name}`, `10.96.3.${i}`, 'http:80');
    assert.equal(await after(name, () => client.create(resources.services, service)), `10.96.3.${i}`);
    const alias = {
      spec: {
        type: 'ExternalName',
        externalName: 'kubernetes.default.svc.cluster.local',
        clusterIP: '',
        clusterIPs: null,
      },
    };
    assert.equal(await after(name, () => client.patch(resources.services, key, 'merge', alias)), '10.96.0.1');
    assert.equal(await after(name, () => client.delete(resources.services, key)), 'NXDOMAIN');
  }
});
