/** The search list walked by the server; pods, stub domains, nodes and the query log, asked by dig. */
import assert from 'node:assert/strict';
import { Resolver } from 'node:dns/promises';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { DnsOptions } from '../options.ts';
import { clusterService, externalName, headlessService, namespace, node, pod, slice } from '../testing/objects.ts';
import { startServer, testCluster } from '../testing/server.ts';
import type { TestServer } from '../testing/server.ts';
import { startUpstream } from '../testing/upstream.ts';

const objects = () => ({
  namespaces: ['default', 'shop', 'com'].map(namespace),
  services: [
    clusterService('shop/web', '10.96.0.7', 'http:80'),
    clusterService('default/web', '10.96.0.8', 'http:80'),
    headlessService('default/db'),
    externalName('default/ext', 'www.example.com'),
    clusterService('com/example', '10.96.0.9', 'http:80'),
  ],
  slices: [slice('default/db-1', 'db', [], 'db-0@10.244.1.2')],
  // Loopback addresses, so that dig can ask as a pod does.
  pods: [
    pod('shop/client', '127.0.0.5'),
    pod('shop/own-list', '127.0.0.6', { dnsConfig: { searches: ['corp.example'] } }),
    pod('shop/no-list', '127.0.0.7', { dnsPolicy: 'Default' }),
    pod('default/other', '127.0.0.8'),
    pod('default/host', '127.0.0.9', { hostNetwork: true }),
  ],
});

async function start(t: TestContext, options: Partial<DnsOptions> = {}): Promise<TestServer> {
  const server = await startServer(testCluster(objects()), { autopath: true, ...options });
  t.after(() => server[Symbol.asyncDispose]());
  return server;
}

async function upstreamOf(t: TestContext, known: Readonly<Record<string, string>>) {
  const upstream = await startUpstream(({ name }) => {
    const found = known[name.replace(/\.$/, '').toLowerCase()];
    return found === undefined ? ['!. 30 SOA a.root-servers.example 30'] : [`${name} 60 A ${found}`];
  });
  t.after(() => upstream[Symbol.asyncDispose]());
  return upstream;
}

const answer = (server: TestServer, from: string, name: string, type = 'A'): Promise<string[]> =>
  server.dig('-b', from, '+noall', '+answer', '+noedns', name, type);

test('autopath: the first name of the list gets what the list would find', async (t) => {
  const upstream = await upstreamOf(t, { 'example.com': '192.168.7.7', 'host.corp.example': '192.168.7.8' });
  const server = await start(t, { upstreams: [`127.0.0.1:${upstream.port}`] });
  const pod5 = '127.0.0.5';
  const list = 'shop.svc.cluster.local';

  assert.deepEqual(await answer(server, pod5, `web.${list}`), [`web.${list}. 5 IN A 10.96.0.7`], 'its own namespace');
  assert.deepEqual(await answer(server, pod5, `web.default.${list}`), [
    `web.default.${list}. 5 IN CNAME web.default.svc.cluster.local.`,
    'web.default.svc.cluster.local. 5 IN A 10.96.0.8',
  ]);
  assert.deepEqual(await answer(server, pod5, `db-0.db.default.svc.${list}`), [
    `db-0.db.default.svc.${list}. 5 IN CNAME db-0.db.default.svc.cluster.local.`,
    'db-0.db.default.svc.cluster.local. 5 IN A 10.244.1.2',
  ]);
  assert.deepEqual(await answer(server, pod5, `Example.COM.${list}`.replace('COM', 'Org')), []);
  const names = (): string[] => upstream.asked.map((question) => question.name.toLowerCase());
  assert.ok(names().some((name) => name.startsWith('example.org')));
  assert.ok(!names().some((name) => name.includes('cluster.local')), 'cluster names stay');
  // A namespace called com answers first, as a resolver that walks the list would find it.
  assert.deepEqual(await answer(server, pod5, `example.com.${list}`), [
    `example.com.${list}. 5 IN CNAME example.com.svc.cluster.local.`,
    'example.com.svc.cluster.local. 5 IN A 10.96.0.9',
  ]);
  server.cluster.services.delete({ namespace: 'com', name: 'example' });
  assert.deepEqual(await answer(server, pod5, `Example.com.${list}`), [
    `Example.com.${list}. 5 IN CNAME Example.com.`,
    'example.com. 60 IN A 192.168.7.7',
  ]);
  assert.deepEqual(await answer(server, '127.0.0.6', `host.${list}`), [
    `host.${list}. 5 IN CNAME host.corp.example.`,
    'host.corp.example. 60 IN A 192.168.7.8',
  ]);
});

test('autopath: who has no such list is told the plain truth', async (t) => {
  const server = await start(t);
  const name = 'web.default.shop.svc.cluster.local';
  for (const from of ['127.0.0.1', '127.0.0.7', '127.0.0.8', '127.0.0.9']) {
    assert.match(await server.digAll('-b', from, '+noedns', name), /NXDOMAIN/, from);
  }
  assert.match(await server.digAll('-b', '127.0.0.5', '+noedns', name), /NOERROR/, 'after others were told otherwise');
  assert.match(await server.digAll('-b', '127.0.0.5', '+noedns', name, 'TXT'), /NXDOMAIN/, 'only addresses');
  server.cluster.pods.delete({ namespace: 'shop', name: 'client' });
  assert.match(await server.digAll('-b', '127.0.0.5', '+noedns', name), /NXDOMAIN/, 'no pod any more');
});

test('autopath: both families agree that the name exists', async (t) => {
  const server = await start(t);
  const output = await server.digAll('-b', '127.0.0.5', 'web.default.shop.svc.cluster.local', 'AAAA');
  assert.match(output, /status: NOERROR/);
  assert.match(output, /CNAME\s+web\.default\.svc\.cluster\.local\./);
  assert.match(output, /SOA\s+ns\.dns\.cluster\.local\./);
  // Only names below it exist: a resolver would go on, so nothing is found here.
  assert.match(await server.digAll('-b', '127.0.0.5', 'default.shop.svc.cluster.local'), /NXDOMAIN/);
});

test('autopath: an upstream that is gone leaves the plain truth', async (t) => {
  const server = await start(t);
  assert.match(await server.digAll('-b', '127.0.0.5', 'www.example.org.shop.svc.cluster.local'), /NXDOMAIN/);
});

test('pods: insecure, verified and none', async (t) => {
  const ask = async (podRecords: NonNullable<DnsOptions['podRecords']>, name: string): Promise<string[]> => {
    const server = await start(t, { podRecords, podCidrs: ['127.0.0.0/8'] });
    return server.dig('+short', `${name}.pod.cluster.local`);
  };
  assert.deepEqual(await ask('insecure', '127-0-0-99.shop'), ['127.0.0.99']);
  assert.deepEqual(await ask('verified', '127-0-0-5.shop'), ['127.0.0.5']);
  assert.deepEqual(await ask('verified', '127-0-0-5.default'), [], 'another namespace');
  assert.deepEqual(await ask('verified', '127-0-0-99.shop'), [], 'no such pod');
  assert.deepEqual(await ask('verified', '127-0-0-9.default'), [], 'on the network of its host');
  assert.deepEqual(await ask('disabled', '127-0-0-5.shop'), []);
  const server = await start(t, { podRecords: 'verified' });
  assert.deepEqual(await server.dig('+short', '+noedns', '10-244-1-9.shop.pod.cluster.local'), []);
  server.cluster.pods.set(pod('shop/late', '10.244.1.9'));
  assert.deepEqual(await server.dig('+short', '+noedns', '10-244-1-9.shop.pod.cluster.local'), ['10.244.1.9']);
  server.cluster.pods.set({ ...pod('shop/late', '10.244.1.9'), status: { phase: 'Succeeded', podIP: '10.244.1.9' } });
  assert.deepEqual(await server.dig('+short', '+noedns', '10-244-1-9.shop.pod.cluster.local'), []);
});

test('stub domains: a zone has servers of its own, the most specific one counts, and there is no way round it', async (t) => {
  const general = await upstreamOf(t, { 'www.example.com': '192.168.1.1', 'a.deep.corp.example': '192.168.1.9' });
  const corp = await upstreamOf(t, { 'a.corp.example': '192.168.2.2' });
  const deep = await upstreamOf(t, { 'a.deep.corp.example': '192.168.3.3' });
  const at = ({ port }: { readonly port: number }): string => `127.0.0.1:${port}`;
  const server = await start(t, {
    upstreams: [at(general)],
    forward: [`Corp.Example=${at(corp)}`, `deep.corp.example.=127.0.0.1:1,${at(deep)}`],
  });
  assert.deepEqual(await server.dig('+short', 'www.example.com'), ['192.168.1.1']);
  assert.deepEqual(await server.dig('+short', 'a.CORP.example'), ['192.168.2.2']);
  assert.deepEqual(await server.dig('+short', 'a.deep.corp.example'), ['192.168.3.3'], 'the second of its servers');
  assert.match(await server.digAll('b.corp.example'), /NXDOMAIN/);
  assert.ok(!general.asked.some(({ name }) => name.toLowerCase().includes('corp')));
  assert.deepEqual(await server.dig('+short', 'acorp.example'), [], 'another zone');
  await assert.rejects(
    startServer(testCluster(), { forward: ['corp.example'] }),
    /forward: "corp.example" is not a zone/,
  );
  await assert.rejects(
    startServer(testCluster(), { forward: ['x=nowhere'] }),
    /forward: "x=nowhere": .*not an address/,
  );
  await assert.rejects(
    startServer(testCluster(), { forward: ['db.cluster.local=1.2.3.4'] }),
    /inside cluster.local, whose names never leave/,
  );
});

test('access: nodes may ask as they come and go', async (t) => {
  const server = await start(t, { allowFrom: ['10.244.0.0/16'] });
  const ask = (): Promise<string> => server.digAll('-b', '127.0.0.44', '+noedns', 'web.default.svc.cluster.local');
  assert.match(await ask(), /REFUSED/);
  server.cluster.nodes.set(node('node-2', '127.0.0.44'));
  assert.match(await ask(), /NOERROR/);
  server.cluster.nodes.delete({ namespace: '', name: 'node-2' });
  assert.match(await ask(), /REFUSED/);
});

test('query log: one line for each question, in the form of CoreDNS', async (t) => {
  const lines: string[] = [];
  const server = await start(t, { queryLog: (line) => lines.push(line) });
  for (let i = 0; i < 2; i += 1) await server.dig('+noedns', 'Web.default.svc.cluster.local');
  await server.dig('+tcp', '+dnssec', 'nope.default.svc.cluster.local', 'TYPE65280');
  assert.equal(lines.length, 3);
  assert.match(
    lines[1] ?? '',
    /^127\.0\.0\.1:0 - [0-9]+ "A IN Web\.default\.svc\.cluster\.local\. udp 47 false 512" NOERROR qr,aa,rd,ra 63 0\.[0-9]{9}s$/,
  );
  assert.match(lines[2] ?? '', /"TYPE65280 IN nope.* tcp [0-9]+ true 1232" NXDOMAIN qr,aa,rd,ra /);
});

test('a Node client agrees: every kind of record', async (t) => {
  const server = await start(t);
  const resolver = new Resolver();
  resolver.setServers([`127.0.0.1:${server.port}`]);
  assert.deepEqual(await resolver.resolve4('web.default.svc.cluster.local'), ['10.96.0.8']);
  const [srv] = await resolver.resolveSrv('_http._tcp.web.default.svc.cluster.local');
  assert.equal(`${srv?.priority} ${srv?.weight} ${srv?.port} ${srv?.name}`, '0 100 80 web.default.svc.cluster.local');
  assert.deepEqual(await resolver.reverse('10.96.0.8'), ['web.default.svc.cluster.local']);
  assert.deepEqual(await resolver.resolveCname('ext.default.svc.cluster.local'), ['www.example.com']);
  assert.deepEqual(await resolver.resolveTxt('dns-version.cluster.local'), [['1.1.0']]);
  assert.deepEqual(await resolver.resolveNs('cluster.local'), ['ns.dns.cluster.local']);
  await assert.rejects(resolver.resolve4('nope.default.svc.cluster.local'), { code: 'ENOTFOUND' });
  await assert.rejects(resolver.resolve6('web.default.svc.cluster.local'), { code: 'ENODATA' });
});
