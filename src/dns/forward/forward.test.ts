import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { socketsIn } from '../../kernel/socket.ts';
import { messageLines } from '../testing/text.ts';
import { startUpstream } from '../testing/upstream.ts';
import type { Say, TestUpstream } from '../testing/upstream.ts';
import { nameFromText, rrClass, rrType } from '../wire/index.ts';
import { Forwarder, Upstreams, agedMessage, parseUpstream, watchResolvConf } from './index.ts';
import type { Ask, CacheLimits } from './index.ts';
import { parseResolvConf } from './resolv-conf.ts';

interface Bench {
  readonly forwarder: Forwarder;
  /** Seconds that the forwarder believes have passed. */
  clock: { seconds: number };
  readonly lines: (name: string, type?: number) => Promise<string[]>;
}

async function bench(
  t: TestContext,
  ports: readonly number[],
  options: { readonly limits?: CacheLimits; readonly maxConcurrent?: number } = {},
): Promise<Bench> {
  const stop = new AbortController();
  t.after(() => stop.abort());
  const clock = { seconds: 0 };
  const started = performance.now();
  const now = (): number => performance.now() - started + clock.seconds * 1000;
  const addresses = ports.map((port) => ({ address: '127.0.0.1', port }));
  const upstreams = new Upstreams({
    addresses: () => addresses,
    sockets: await socketsIn(undefined),
    signal: stop.signal,
    now,
    timeouts: { tryMs: 150, totalMs: 1_000 },
  });
  const forwarder = new Forwarder({ upstreams, now, ...options });
  const lines = async (name: string, type: number = rrType.A): Promise<string[]> => {
    const entry = await forwarder.resolve(askFor(name, type));
    return entry === undefined ? ['nothing'] : messageLines(agedMessage(entry, now()));
  };
  return { forwarder, clock, lines };
}

function askFor(name: string, type: number = rrType.A): Ask {
  return { name: nameFromText(name), type, class: rrClass.IN, dnssecOk: false, checkingDisabled: false };
}

async function upstream(t: TestContext, say: TestUpstream['say'] | Say): Promise<TestUpstream> {
  const started = await startUpstream(typeof say === 'function' ? say : () => say);
  t.after(() => started[Symbol.asyncDispose]());
  return started;
}

const records = ({ name }: { readonly name: string }): readonly string[] => [`${name} 60 A 192.168.7.7`];

test('forward: an answer is kept for its TTL, counted down, and not a second longer', async (t) => {
  const server = await upstream(t, records);
  const { lines, clock } = await bench(t, [server.port]);
  assert.deepEqual(await lines('a.test'), ['NOERROR ra', 'answer: a.test. 60 A 192.168.7.7']);
  clock.seconds = 20;
  assert.deepEqual(await lines('A.TEST'), ['NOERROR ra', 'answer: a.test. 40 A 192.168.7.7']);
  assert.equal(server.asked.length, 1);
  clock.seconds = 61;
  assert.deepEqual(await lines('a.test'), ['NOERROR ra', 'answer: a.test. 60 A 192.168.7.7']);
  assert.equal(server.asked.length, 2);
});

test('forward: TTL 0 is never kept', async (t) => {
  const server = await upstream(t, ({ name }) => [`${name} 0 A 192.168.7.7`]);
  const { lines } = await bench(t, [server.port]);
  await lines('a.test');
  await lines('a.test');
  assert.equal(server.asked.length, 2);
});

test('forward: a denial lives as long as its SOA says, without an SOA not at all (RFC 2308)', async (t) => {
  const server = await upstream(t, ({ name }) =>
    name.toLowerCase() === 'bare.test' ? 'NXDOMAIN' : ['!test 100 SOA ns.test 30'],
  );
  const { lines, clock } = await bench(t, [server.port]);
  assert.deepEqual(await lines('no.test'), [
    'NXDOMAIN ra',
    'authority: test. 100 SOA ns.test. h.test. SERIAL 2 3 4 30',
  ]);
  clock.seconds = 29;
  await lines('no.test');
  assert.equal(server.asked.length, 1);
  clock.seconds = 31;
  await lines('no.test');
  assert.equal(server.asked.length, 2);
  await lines('bare.test');
  await lines('bare.test');
  assert.equal(server.asked.length, 4);
});

test('forward: the same question is under way once, whoever waits for it', async (t) => {
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => (release = resolve));
  const server = await upstream(t, async (asked) => {
    await gate;
    return records(asked);
  });
  const { lines } = await bench(t, [server.port]);
  const all = Promise.all(['a.test', 'A.test', 'a.TEST'].map((name) => lines(name)));
  while (server.asked.length === 0) await new Promise((resolve) => setImmediate(resolve));
  release();
  for (const found of await all) assert.deepEqual(found, ['NOERROR ra', 'answer: a.test. 60 A 192.168.7.7']);
  assert.equal(server.asked.length, 1);
});

test('forward: letter case, id and port differ from question to question', async (t) => {
  const server = await upstream(t, ({ name }) => [`${name} 0 A 192.168.7.7`]);
  const { lines } = await bench(t, [server.port]);
  for (let i = 0; i < 5; i += 1) await lines('a-rather-long-name-with-many-letters.example.test');
  assert.ok(new Set(server.asked.map(({ name }) => name)).size > 1);
});

test('forward: a cut answer is fetched over TCP', async (t) => {
  const server = await upstream(t, ({ name, transport }) =>
    transport === 'udp' ? 'truncated' : [`${name} 60 A 192.168.7.8`],
  );
  const { lines } = await bench(t, [server.port]);
  assert.deepEqual(await lines('big.test'), ['NOERROR ra', 'answer: big.test. 60 A 192.168.7.8']);
  assert.deepEqual(
    server.asked.map(({ transport }) => transport),
    ['udp', 'tcp'],
  );
});

test('forward: a server that folds letter case is believed over TCP and then asked plainly', async (t) => {
  const server = await upstream(t, ({ transport, name }) => (transport === 'tcp' ? records({ name }) : 'lower-case'));
  const { lines } = await bench(t, [server.port]);
  assert.match((await lines('many-letters-so-that-case-is-mixed.test'))[1] ?? '', /192\.168\.7\.7/);
  server.say = (asked) => records(asked);
  await lines('more-letters-so-that-case-would-be-mixed.test');
  assert.deepEqual(
    server.asked.map(({ transport }) => transport),
    ['udp', 'tcp', 'udp'],
  );
  assert.equal(server.asked[2]?.name, 'more-letters-so-that-case-would-be-mixed.test');
});

test('forward: a server without EDNS is asked without', async (t) => {
  const server = await upstream(t, (asked) => (asked.hasEdns ? 'FORMERR' : records(asked)));
  const { lines } = await bench(t, [server.port]);
  assert.match((await lines('a.test'))[1] ?? '', /192\.168\.7\.7/);
  await lines('b.test');
  assert.deepEqual(
    server.asked.map(({ hasEdns }) => hasEdns),
    [true, false, false],
  );
});

for (const bad of ['silence', 'garbage', 'wrong-id', 'SERVFAIL', 'REFUSED'] as const) {
  test(`forward: after ${bad} the next server is asked`, async (t) => {
    const [first, second] = [await upstream(t, bad), await upstream(t, records)];
    const { lines } = await bench(t, [first.port, second.port]);
    assert.deepEqual(await lines('a.test'), ['NOERROR ra', 'answer: a.test. 60 A 192.168.7.7']);
    assert.ok(first.asked.length >= 1);
  });
}

test('forward: a server that fails twice rests, and comes back when it answers', async (t) => {
  const [first, second] = [await upstream(t, 'silence'), await upstream(t, records)];
  const { lines, clock } = await bench(t, [first.port, second.port]);
  await lines('a.test');
  await lines('b.test');
  const before = first.asked.length;
  await lines('c.test');
  assert.equal(first.asked.length, before);
  first.say = ({ name }) => [`${name} 60 A 192.168.9.9`];
  clock.seconds = 40;
  assert.match((await lines('d.test'))[1] ?? '', /192\.168\.9\.9/);
});

test('forward: nobody to ask, or nobody there: nothing, at once', async (t) => {
  const nobody = await bench(t, []);
  assert.deepEqual(await nobody.lines('a.test'), ['nothing']);
  const gone = await upstream(t, records);
  const port = gone.port;
  await gone[Symbol.asyncDispose]();
  t.mock.method(gone, Symbol.asyncDispose, async () => {});
  const refused = await bench(t, [port]);
  assert.deepEqual(await refused.lines('a.test'), ['nothing']);
});

test('forward: while nobody answers, an expired answer is served, with TTL 30 (RFC 8767)', async (t) => {
  const server = await upstream(t, records);
  const { lines, clock, forwarder } = await bench(t, [server.port]);
  await lines('a.test');
  server.say = () => 'SERVFAIL';
  clock.seconds = 100;
  assert.deepEqual(await lines('a.test'), ['NOERROR ra', 'answer: a.test. 30 A 192.168.7.7']);
  const asked = server.asked.length;
  // It has just failed: nobody is asked again so soon.
  assert.deepEqual(await lines('a.test'), ['NOERROR ra', 'answer: a.test. 30 A 192.168.7.7']);
  assert.equal(server.asked.length, asked);
  assert.equal(forwarder.counts.stale, 2);
  server.say = ({ name }) => [`${name} 60 A 192.168.7.9`];
  clock.seconds = 110;
  assert.match((await lines('a.test'))[1] ?? '', /60 A 192\.168\.7\.9/);
});

test('forward: an answer in use is fetched anew before it ends', async (t) => {
  const server = await upstream(t, records);
  const { lines, clock, forwarder } = await bench(t, [server.port]);
  await lines('a.test');
  clock.seconds = 55;
  assert.match((await lines('a.test'))[1] ?? '', / [45] A /);
  assert.equal(forwarder.counts.prefetches, 1);
  while (!(await lines('a.test'))[1]?.includes(' 60 A ')) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(server.asked.length, 2);
});

test('forward: what is not about the question is dropped', async (t) => {
  const server = await upstream(t, ({ name }) => [
    'bank.test 60 A 10.6.6.6',
    `${name} 60 CNAME real.test`,
    'real.test 60 A 192.168.7.7',
    'victim.example 60 SOA evil.test 60',
  ]);
  const { lines } = await bench(t, [server.port]);
  assert.deepEqual(await lines('a.test'), [
    'NOERROR ra',
    'answer: a.test. 60 CNAME real.test.',
    'answer: real.test. 60 A 192.168.7.7',
  ]);
});

test('forward: the cache is bounded by number and by bytes', async (t) => {
  const server = await upstream(t, records);
  const few = await bench(t, [server.port], { limits: { entries: 3, bytes: 1 << 20 } });
  for (const name of ['a', 'b', 'c', 'a', 'd']) await few.lines(`${name}.test`);
  assert.equal(few.forwarder.cacheSize, 3);
  const asked = server.asked.length;
  await few.lines('a.test');
  assert.equal(server.asked.length, asked, 'the least recently used one went first');
  const small = await bench(t, [server.port], { limits: { entries: 100, bytes: 700 } });
  for (let i = 0; i < 20; i += 1) await small.lines(`n${i}.test`);
  assert.ok(small.forwarder.cacheSize <= 2);
});

test('forward: more questions than may be under way are refused', async (t) => {
  const server = await upstream(t, 'silence');
  const { lines, forwarder } = await bench(t, [server.port], { maxConcurrent: 1 });
  const first = lines('a.test');
  assert.deepEqual(await lines('b.test'), ['nothing']);
  assert.equal(forwarder.counts.rejects, 1);
  await first;
});

test('forward: upstream names', () => {
  assert.deepEqual(parseUpstream('1.2.3.4'), { address: '1.2.3.4', port: 53 });
  assert.deepEqual(parseUpstream('1.2.3.4:5353'), { address: '1.2.3.4', port: 5353 });
  assert.deepEqual(parseUpstream('2001:db8::1'), { address: '2001:db8::1', port: 53 });
  assert.deepEqual(parseUpstream('[2001:db8::1]:54'), { address: '2001:db8::1', port: 54 });
  for (const bad of ['dns.example', '1.2.3.4:0', '1.2.3.4:70000', '', '[1.2.3.4', '1.2.3.4:x']) {
    assert.throws(() => parseUpstream(bad), /upstreams: ".*" is not an address/, bad);
  }
});

test('forward: resolv.conf as glibc reads it', () => {
  const text =
    '# nameserver 9.9.9.9\nsearch x\nnameserver 1.1.1.1\n nameserver 2.2.2.2\nnameserver\t3.3.3.3 # x\nnameserver nonsense\nnameserver fe80::1%eth0\nnameserver 4.4.4.4\n';
  assert.deepEqual(
    parseResolvConf(text).map(({ address }) => address),
    ['1.1.1.1', '3.3.3.3', 'fe80::1%eth0'],
  );
});

test('forward: a changed resolv.conf is read again, an unchanged one gives the same list', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 't-dns-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'resolv.conf');
  let now = 0;
  const list = watchResolvConf(path, () => now);
  assert.deepEqual(list(), []);
  writeFileSync(path, 'nameserver 1.1.1.1\n');
  now += 6_000;
  const first = list();
  assert.deepEqual(first, [{ address: '1.1.1.1', port: 53 }]);
  now += 6_000;
  assert.equal(list(), first);
  writeFileSync(path, 'nameserver 2.2.2.2\n');
  utimesSync(path, 1, 1);
  now += 6_000;
  assert.deepEqual(list(), [{ address: '2.2.2.2', port: 53 }]);
});
