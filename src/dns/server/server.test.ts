import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import net from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { keyOf } from '../../api/object.ts';
import { catalogue, richCluster } from '../testing/catalogue.ts';
import type { Case } from '../testing/catalogue.ts';
import { aroundCases } from '../testing/catalogue-around.ts';
import { serviceCases } from '../testing/catalogue-services.ts';
import { clusterService, headlessService, namespace, ports, slice } from '../testing/objects.ts';
import { startServer, testCluster } from '../testing/server.ts';
import type { TestCluster, TestServer } from '../testing/server.ts';
import { messageLines } from '../testing/text.ts';
import { startUpstream } from '../testing/upstream.ts';
import { decodeMessage, encodeQuery, flag, nameFromText, rcode, rrClass, rrType } from '../wire/index.ts';
import type { DnsOptions } from '../options.ts';

const web = 'web.default.svc.cluster.local';

async function start(
  t: TestContext,
  cluster: TestCluster = richCluster(),
  options: Partial<DnsOptions> = {},
): Promise<TestServer> {
  const server = await startServer(cluster, options);
  t.after(() => server[Symbol.asyncDispose]());
  return server;
}

function request(name: string, more: { id?: number; type?: number; class?: number; flags?: number } = {}): Buffer {
  const query = { id: 1, flags: flag.RD, type: rrType.A, class: rrClass.IN, edns: undefined, exact: true, ...more };
  return encodeQuery({ ...query, name: nameFromText(name) });
}

function framed(...packets: readonly Buffer[]): Buffer {
  return Buffer.concat(packets.flatMap((packet) => [Buffer.from([packet.length >>> 8, packet.length & 255]), packet]));
}

/** Sends bytes, gives the next datagram. */
function overUdp(port: number, packet: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = dgram.createSocket('udp4');
    socket.on('error', reject);
    socket.on('message', (answer) => socket.close(() => resolve(answer)));
    socket.send(packet, port, '127.0.0.1');
  });
}

/** Sends bytes, gives all messages until the server closes or as many as wanted are there. */
function overTcp(port: number, bytes: Buffer, wanted: number): Promise<Buffer[]> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes));
    let received = Buffer.alloc(0);
    const messages: Buffer[] = [];
    const finish = (): void => {
      socket.destroy();
      resolve(messages);
    };
    socket.on('error', reject);
    socket.on('close', finish);
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        messages.push(received.subarray(2, 2 + received.readUInt16BE(0)));
        received = received.subarray(2 + received.readUInt16BE(0));
      }
      if (messages.length >= wanted) finish();
    });
  });
}

test('dns server: dig reads what it says, over UDP and TCP', async (t) => {
  const server = await start(t);
  for (const transport of ['+notcp', '+tcp']) {
    assert.deepEqual(await server.dig(transport, '+short', web), ['10.96.0.7']);
    assert.deepEqual(await server.dig(transport, '+short', '-x', '10.96.0.7'), [`${web}.`]);
    assert.deepEqual(await server.dig(transport, '+short', 'to-web.default.svc.cluster.local'), [
      `${web}.`,
      '10.96.0.7',
    ]);
    assert.deepEqual(await server.dig(transport, '+short', 'dns-version.cluster.local', 'TXT'), ['"1.1.0"']);
    assert.deepEqual(await server.dig(transport, '+noall', '+answer', '+additional', `_http._tcp.${web}`, 'SRV'), [
      `_http._tcp.${web}. 5 IN SRV 0 100 80 ${web}.`,
      `${web}. 5 IN A 10.96.0.7`,
    ]);
    const all = await server.digAll(transport, 'nope.default.svc.cluster.local');
    assert.match(all, /status: NXDOMAIN/);
    assert.match(all, /flags: qr aa rd ra;/);
    assert.match(
      all,
      /cluster\.local\.\s+5\s+IN\s+SOA\s+ns\.dns\.cluster\.local\. hostmaster\.cluster\.local\. [0-9]+ 7200 1800 86400 5/,
    );
  }
});

test('dns server: dig agrees with the whole catalogue on code, flags and number of records', async (t) => {
  const server = await start(t);
  const question = ({ ask }: Case): readonly string[] => {
    const space = ask.lastIndexOf(' ');
    const name = ask.slice(0, space);
    const full = name === '@' ? 'cluster.local.' : name.endsWith('.') ? name : `${name}.cluster.local.`;
    return ['-q', full, '-t', ask.slice(space + 1)];
  };
  const judge = ({ ask, expect }: Case, output = ''): void => {
    assert.match(output, new RegExp(`status: ${expect[0]},`), ask);
    assert.match(output, /flags: qr aa rd ra; QUERY: 1,/, ask);
    const inSection = (section: string): number => expect.filter((line) => line.startsWith(section)).length;
    assert.match(output, new RegExp(`ANSWER: ${inSection('answer')},`), ask);
    // An alias's denial carries a SOA that the table may leave out; EDNS is one more.
    if (inSection('answer') === 0) assert.match(output, /AUTHORITY: 1,/, ask);
    assert.match(output, new RegExp(`ADDITIONAL: ${inSection('additional') + 1}$`, 'm'), ask);
    assert.doesNotMatch(output, /WARNING: (?!\.local)|malformed|extra input/i, ask);
  };
  const cases = [...catalogue, ...serviceCases, ...aroundCases];
  // One process asks them all, one after the other; ANY goes over UDP like everything else.
  const output = await server.digAll('+notcp', '+noidnin', ...cases.flatMap(question));
  const [, ...outputs] = output.split(';; Got answer:');
  assert.equal(outputs.length, cases.length);
  for (const [index, one] of cases.entries()) judge(one, outputs[index]);
});

test('dns server: the reverse zone of a ServiceCIDR is ours while the object is there', async (t) => {
  const server = await start(t);
  const cidr = (...cidrs: string[]) => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name: 'more' },
    spec: { cidrs },
  });
  const ask = (...more: readonly string[]): Promise<string> => server.digAll('+noedns', ...more);
  assert.match(await ask('-x', '10.97.3.4'), /SERVFAIL/, 'no upstream to ask');
  server.cluster.serviceCIDRs.set(cidr('10.97.0.0/16', 'fd00:97::/112'));
  assert.match(await ask('-x', '10.97.3.4'), /NXDOMAIN[^]*\b97\.10\.in-addr\.arpa\.\s+5\s+IN\s+SOA/);
  assert.match(await ask('-x', 'fd00:97::1'), /NXDOMAIN/);
  assert.match(await ask('97.10.in-addr.arpa', 'SOA'), /ANSWER: 1,/);
  server.cluster.serviceCIDRs.set(cidr('10.96.4.0/24'));
  assert.match(await ask('-x', '10.97.3.4'), /SERVFAIL/);
  assert.match(await ask('-x', '10.96.4.4'), /NXDOMAIN[^]*\s96\.10\.in-addr\.arpa\./, 'inside the one of the option');
  server.cluster.serviceCIDRs.delete(keyOf(cidr()));
  assert.match(await ask('97.10.in-addr.arpa', 'SOA'), /SERVFAIL/);
  assert.match(await ask('-x', '10.96.4.4'), /NXDOMAIN/);
});

test('dns server: a change is in the next answer, and a denied name can come into being', async (t) => {
  const server = await start(t);
  const name = 'new.default.svc.cluster.local';
  assert.match(await server.digAll(name), /NXDOMAIN/);
  assert.match(await server.digAll('+noedns', name), /NXDOMAIN/);
  server.cluster.services.set(clusterService('default/new', '10.96.9.9', 'http:80'));
  assert.deepEqual(await server.dig('+short', '+noedns', name), ['10.96.9.9']);
  server.cluster.services.set(clusterService('default/new', '10.96.9.10', 'http:80'));
  assert.deepEqual(await server.dig('+short', '+noedns', name), ['10.96.9.10']);
  assert.deepEqual(await server.dig('+short', '-x', '10.96.9.10'), [`${name}.`]);
  server.cluster.services.delete({ namespace: 'default', name: 'new' });
  assert.match(await server.digAll('+noedns', name), /NXDOMAIN/);
  assert.match(await server.digAll('-x', '10.96.9.10'), /NXDOMAIN/);
  server.cluster.endpointSlices.set(slice('default/hushed-1', 'hushed', [], '10.244.1.9'));
  assert.deepEqual(await server.dig('+short', 'hushed.default.svc.cluster.local'), ['10.244.1.9']);
});

function crowded(): TestCluster {
  const pods = Array.from({ length: 100 }, (_, i) => `pod-${i}@10.244.3.${i + 1}`);
  return testCluster({
    namespaces: [namespace('default')],
    services: [headlessService('default/crowd', { ports: ports('http:80') })],
    slices: [slice('default/crowd-1', 'crowd', ['http:80'], ...pods)],
  });
}

test('dns server: what does not fit is cut with TC, and whole over TCP', async (t) => {
  const server = await start(t, crowded());
  const crowd = 'crowd.default.svc.cluster.local';
  const plain = await server.digAll('+noedns', '+ignore', crowd);
  assert.match(plain, /flags: qr aa tc rd ra;/);
  assert.ok(Number(/MSG SIZE\s+rcvd: ([0-9]+)/.exec(plain)?.[1]) <= 512);
  assert.ok(Number(/ANSWER: ([0-9]+)/.exec(plain)?.[1]) > 20, 'what fits is there');
  const edns = await server.digAll('+bufsize=4096', '+ignore', crowd);
  assert.match(edns, /tc/);
  assert.ok(Number(/MSG SIZE\s+rcvd: ([0-9]+)/.exec(edns)?.[1]) <= 1232);
  assert.equal((await server.dig('+short', crowd)).length, 100, 'dig asks again over TCP');
  const srv = await server.digAll('+tcp', crowd, 'SRV');
  assert.match(srv, /ANSWER: 100, AUTHORITY: 0, ADDITIONAL: 101/);
});

test('dns server: additional records are left out before an answer is', async (t) => {
  const cluster = testCluster({
    namespaces: [namespace('default')],
    services: [headlessService('default/few', { ports: ports('http:80') })],
    slices: [
      slice('default/few-1', 'few', ['http:80'], ...Array.from({ length: 6 }, (_, i) => `p${i}@10.244.3.${i + 1}`)),
    ],
  });
  const server = await start(t, cluster);
  const output = await server.digAll('+noedns', '+ignore', 'few.default.svc.cluster.local', 'SRV');
  assert.match(output, /flags: qr aa rd ra; QUERY: 1, ANSWER: 6,/);
});

test('dns server: several addresses take turns in front', async (t) => {
  const server = await start(t);
  const first = new Set<string>();
  for (let i = 0; i < 4; i += 1)
    first.add((await server.dig('+short', '+noedns', 'twins.default.svc.cluster.local'))[0] ?? '');
  assert.deepEqual([...first].toSorted(), ['10.244.1.20', '10.244.1.21']);
});

test('dns server: EDNS: version, DO, and cookies that are none of our business', async (t) => {
  const server = await start(t);
  assert.match(await server.digAll('+edns=1', '+noednsneg', web), /status: BADVERS/);
  assert.match(await server.digAll('+dnssec', web), /flags: do; udp: 1232/);
  assert.match(await server.digAll('+cookie=0123456789abcdef', web), /status: NOERROR/);
  assert.doesNotMatch(await server.digAll('+noedns', web), /EDNS/);
});

test('dns server: transfers, other classes and opcodes are refused', async (t) => {
  const server = await start(t);
  assert.match(await server.digAll('cluster.local', 'AXFR'), /Transfer failed/);
  const ixfr = await overUdp(server.port, request('cluster.local', { type: rrType.IXFR }));
  assert.equal(ixfr.readUInt16BE(2) & 0xf, rcode.REFUSED);
  assert.match(await server.digAll('version.bind', 'TXT', 'CH'), /status: REFUSED/);
  assert.match(await server.digAll('+opcode=notify', web), /status: NOTIMP/);
});

test('dns server: who is not allowed to ask is refused, whatever was answered before', async (t) => {
  const server = await start(t, richCluster(), { allowFrom: ['127.0.0.2/32', '10.244.0.0/16'] });
  assert.deepEqual(await server.dig('-b', '127.0.0.2', '+short', '+noedns', web), ['10.96.0.7']);
  assert.match(await server.digAll('+noedns', web), /status: REFUSED/);
  assert.match(await server.digAll('+tcp', web), /status: REFUSED/);
  assert.deepEqual(await server.dig('-b', '127.0.0.2', '+short', '+noedns', web), ['10.96.0.7']);
});

test('dns server: malformed requests get FORMERR or silence, and the next one an answer', async (t) => {
  const server = await start(t);
  const bad = Buffer.concat([request(web).subarray(0, 12), Buffer.from([0xc0, 0x0c, 0, 1, 0, 1])]);
  assert.equal((await overUdp(server.port, bad)).readUInt16BE(2) & 0xf, rcode.FORMERR);
  const none = request(web);
  none.writeUInt16BE(0, 4);
  assert.equal((await overUdp(server.port, none)).readUInt16BE(2) & 0xf, rcode.FORMERR);
  // An answer, and half a header: if one of them were answered, it would come before the answer to the question.
  const answer = request(web);
  answer.writeUInt16BE(flag.QR, 2);
  const socket = dgram.createSocket('udp4');
  t.after(() => socket.close());
  const next = new Promise<Buffer>((resolve) => socket.once('message', resolve));
  for (const packet of [answer, Buffer.from('short'), Buffer.alloc(0), request(web, { id: 99 })]) {
    socket.send(packet, server.port, '127.0.0.1');
  }
  assert.equal((await next).readUInt16BE(0), 99);
});

test('dns server: many questions on one TCP connection, in one write or octet by octet', async (t) => {
  const server = await start(t);
  const ids = Array.from({ length: 300 }, (_, i) => i);
  const packets = ids.map((id) => request(id % 2 === 0 ? web : 'nope.default.svc.cluster.local', { id }));
  const answers = await overTcp(server.port, framed(...packets), ids.length);
  assert.deepEqual(
    answers.map((packet) => packet.readUInt16BE(0)).toSorted((a, b) => a - b),
    ids,
  );
  const bytes = framed(request(web, { id: 5 }), request(web, { id: 6 }));
  const socket = net.connect(server.port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.setNoDelay(true);
  let received = 0;
  const done = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length;
      if (received === 2 * (2 + (answers[0]?.length ?? 0))) resolve();
    });
  });
  for (const octet of bytes) {
    socket.write(Buffer.from([octet]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await done;
});

test('dns server: a TCP client that closes its side is still answered; one that sends no question is cut off', async (t) => {
  const server = await start(t);
  const answered = await new Promise<number>((resolve, reject) => {
    const socket = net.connect(server.port, '127.0.0.1', () => socket.end(framed(request(web))));
    let length = 0;
    socket.on('error', reject);
    socket.on('data', (chunk: Buffer) => (length += chunk.length));
    socket.on('close', () => resolve(length));
  });
  assert.ok(answered > 12);
  assert.deepEqual(await overTcp(server.port, framed(Buffer.alloc(5)), 1), []);
});

test('dns server: a 64 kB message over TCP is read to its end', async (t) => {
  const server = await start(t);
  const huge = Buffer.concat([request(web, { id: 3 }), Buffer.alloc(65_535 - request(web).length)]);
  const [answer] = await overTcp(server.port, framed(huge), 1);
  assert.equal(answer?.readUInt16BE(0), 3);
});

test('dns server: one TCP client cannot have all connections', async (t) => {
  const server = await start(t);
  const sockets = Array.from({ length: 130 }, () => net.connect(server.port, '127.0.0.1'));
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  let closed = 0;
  await new Promise<void>((resolve) => {
    for (const socket of sockets) {
      socket.on('error', () => {});
      socket.on('close', () => (closed += 1) === 30 && resolve());
    }
  });
  assert.deepEqual(await server.dig('-b', '127.0.0.2', '+tcp', '+short', web), ['10.96.0.7']);
});

test("dns server: before the first sync a question waits, and what is not the cluster's does not", async (t) => {
  const upstream = await startUpstream(({ name }) => [`${name} 60 A 192.168.7.7`]);
  t.after(() => upstream[Symbol.asyncDispose]());
  const cluster = testCluster({ services: [clusterService('default/web', '10.96.0.7', 'http:80')] }, false);
  const server = await start(t, cluster, { upstreams: [`127.0.0.1:${upstream.port}`] });
  assert.equal(server.dns.hasSynced(), false);
  const waiting = server.dig('+short', web);
  assert.deepEqual(await server.dig('+short', 'www.example.test'), ['192.168.7.7']);
  for (const informer of Object.values(cluster) as { finishSync(): void }[]) informer.finishSync();
  assert.deepEqual(await waiting, ['10.96.0.7']);
  await server.dns.synced;
});

test('dns server: without a sync it fails, it never denies', async (t) => {
  const server = await start(t, testCluster({}, false));
  assert.match(await server.digAll(web), /status: SERVFAIL/);
});

test("dns server: forwarding: letter case, TTL, flags and EDNS are the client's", async (t) => {
  const upstream = await startUpstream(({ name }) => [`${name} 60 A 192.168.7.7`]);
  t.after(() => upstream[Symbol.asyncDispose]());
  const server = await start(t, richCluster(), { upstreams: [`127.0.0.1:${upstream.port}`] });
  for (const name of ['www.Example.test', 'WWW.example.TEST']) {
    const answer = decodeMessage(await overUdp(server.port, request(name, { id: 77 })));
    assert.equal(answer.id, 77);
    assert.deepEqual(messageLines(answer), ['NOERROR rd ra', `answer: ${name}. 60 A 192.168.7.7`]);
  }
  assert.match(await server.digAll('+dnssec', 'www.example.test'), /flags: do; udp: 1232/);
  assert.match(await server.digAll('www.example.test', 'ANY', '+notcp'), /HINFO/);
});

test('dns server: names of the cluster are never forwarded', async (t) => {
  const upstream = await startUpstream(() => 'SERVFAIL');
  t.after(() => upstream[Symbol.asyncDispose]());
  const server = await start(t, richCluster(), { upstreams: [`127.0.0.1:${upstream.port}`] });
  for (const name of [
    'nope.svc.cluster.local',
    'x.CLUSTER.local',
    '99.99.96.10.in-addr.arpa',
    '9.9.244.10.in-addr.arpa',
    'cluster.local',
  ]) {
    assert.match(await server.digAll(name), /flags: qr aa/, name);
  }
  assert.deepEqual(upstream.asked, []);
});

test('dns server: ExternalName: the CNAME with what the upstream knows, or with its failure', async (t) => {
  const upstream = await startUpstream(({ name }) => [`${name} 60 A 192.168.7.7`]);
  t.after(() => upstream[Symbol.asyncDispose]());
  const server = await start(t, richCluster(), { upstreams: [`127.0.0.1:${upstream.port}`] });
  const ext = 'ext.default.svc.cluster.local';
  assert.deepEqual(await server.dig('+noall', '+answer', ext), [
    `${ext}. 5 IN CNAME www.example.com.`,
    'www.example.com. 60 IN A 192.168.7.7',
  ]);
  upstream.say = () => ['!example.com 30 SOA ns.example.com 30'];
  const denied = await server.digAll(ext, 'AAAA');
  assert.match(denied, /status: NXDOMAIN/);
  assert.match(denied, /CNAME\s+www\.example\.com\./);
  upstream.say = () => 'SERVFAIL';
  assert.match(await server.digAll(ext, 'TXT'), /status: SERVFAIL[^]*CNAME\s+www\.example\.com\./);
});

test('dns server: nobody upstream: SERVFAIL', async (t) => {
  const server = await start(t);
  assert.match(await server.digAll('www.example.test'), /status: SERVFAIL/);
});

test('dns server: an upstream that leads back here is found out and asked no more', async (t) => {
  const relay = dgram.createSocket('udp4');
  t.after(() => relay.close());
  await new Promise<void>((resolve) => relay.bind(0, '127.0.0.1', resolve));
  const server = await start(t, testCluster(), { upstreams: [`127.0.0.1:${relay.address().port}`] });
  let relayed = 0;
  relay.on('message', (packet) => {
    relayed += 1;
    relay.send(packet, server.port, '127.0.0.1');
  });
  assert.match(await server.digAll('www.example.test'), /status: SERVFAIL/);
  const before = relayed;
  assert.match(await server.digAll('www.example2.test'), /status: SERVFAIL/);
  assert.equal(relayed, before);
});

test('dns server: metrics under the names of CoreDNS, health and readiness, at an address of each family', async (t) => {
  const metrics = ['127.0.0.1', '::1'].map((address) => ({ address, port: 0 }));
  const server = await start(t, richCluster(), { metrics });
  await server.dig(web);
  await server.dig('+tcp', 'nope.default.svc.cluster.local', 'AAAA');
  const [base = '', second = ''] = server.dns.metrics.map(({ address, port }) =>
    address.includes(':') ? `http://[${address}]:${port}` : `http://${address}:${port}`,
  );
  const text = await (await fetch(`${base}/metrics`)).text();
  for (const line of [
    /^coredns_dns_requests_total\{server="dns:\/\/:53",zone="\.",view="",proto="udp",family="1",type="A"\} 1$/m,
    /^coredns_dns_requests_total\{.*proto="tcp",family="1",type="AAAA"\} 1$/m,
    /^coredns_dns_responses_total\{.*rcode="NXDOMAIN",plugin=""\} 1$/m,
    /^coredns_dns_request_duration_seconds_count\{.*\} 2$/m,
    /^coredns_dns_response_size_bytes_bucket\{.*proto="udp",le="\+Inf"\} 1$/m,
    /^coredns_cache_misses_total\{.*\} 0$/m,
    /^process_resident_memory_bytes /m,
  ]) {
    assert.match(text, line);
  }
  assert.equal(await (await fetch(`${base}/health`)).text(), 'OK');
  assert.match(
    await (await fetch(`${second}/metrics`)).text(),
    /^coredns_dns_request_duration_seconds_count\{.*\} 2$/m,
  );
  assert.equal((await fetch(`${base}/ready`)).status, 200);
  assert.equal((await fetch(`${base}/nope`)).status, 404);
  assert.equal((await fetch(`${base}/metrics`, { method: 'POST' })).status, 405);
});

test('dns server: an address that is taken, or options that make no sense, are refused at once', async (t) => {
  const server = await start(t);
  await assert.rejects(
    startServer(testCluster(), { listen: [{ address: '127.0.0.1', port: server.port }] }),
    /EADDRINUSE/,
  );
  await assert.rejects(startServer(testCluster(), { announce: true }), /announce needs nodeName and nodeIP/);
  await assert.rejects(startServer(testCluster(), { podCidrs: ['10.244.0.0'] }), /10\.244\.0\.0/);
  await assert.rejects(startServer(testCluster(), { upstreams: ['dns.example'] }), /upstreams: "dns.example"/);
});
