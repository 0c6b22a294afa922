/** The rules of the proxies that need no back end: names, addresses, links. The packets are in src/agent/proxy.test.ts. */
import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import test from 'node:test';
import fc from 'fast-check';
import { startTestServer } from '../../testing.ts';
import { checkedAddress } from './address.ts';
import { rewriteHtml, rewriteUrl } from './rewrite.ts';
import { splitName } from './target.ts';

const prefix = '/api/v1/namespaces/ns/services/https:web:a/proxy';
const place = { prefix, backend: '10.1.2.3:80', host: 'api:6443' };

test('[scheme:]name[:port]', () => {
  assert.deepEqual(splitName('web'), { scheme: '', name: 'web', port: '' });
  assert.deepEqual(splitName('web:80'), { scheme: '', name: 'web', port: '80' });
  assert.deepEqual(splitName('https:web:a'), { scheme: 'https', name: 'web', port: 'a' });
  assert.deepEqual(splitName('http:web:'), { scheme: 'http', name: 'web', port: '' });
  for (const bad of ['', ':80', 'ftp:web:80', ':web:80', 'a:b:c:d']) assert.equal(splitName(bad), undefined, bad);
});

test('addresses that only the API server could reach are refused', () => {
  const bad =
    '127.0.0.1 127.255.1.2 169.254.169.254 0.0.0.0 224.0.0.1 255.255.255.255 :: ::1 fe80::1 ff02::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 fd00:ec2::254 localhost 010.0.0.1 2130706433 10.9.9.9';
  for (const address of ['', ...bad.split(' ')]) {
    assert.throws(() => checkedAddress(address, ['10.9.9.9']), /address not allowed/, address);
  }
  for (const address of ['10.1.2.3', '192.168.1.1', 'fd00::1', '2001:db8::1'])
    assert.equal(checkedAddress(address), address);
});

test('links: only the back end’s own, whatever way the page is cut', async () => {
  const cases: readonly (readonly [string, string])[] = [
    ['/rewriteme', `${prefix}/rewriteme`],
    ['http://10.1.2.3:80/a?b#c', `${prefix}/a?b#c`],
    ['https://api:6443/x', `${prefix}/x`],
    [`https://api:6443${prefix}/x`, `https://api:6443${prefix}/x`],
    ['relative/x', 'relative/x'],
    ['http://example.com/x', 'http://example.com/x'],
    ['//example.com/x', '//example.com/x'],
    ['mailto:a@b', 'mailto:a@b'],
    ['#top', '#top'],
  ];
  for (const [from, to] of cases) assert.equal(rewriteUrl(from, place), to);
  const page = `<a href="/rewriteme">test</a><IMG alt='/a' src='/b'><p title="/c">1 < 2</p><script src=/d></script>é`;
  const wanted = `<a href="${prefix}/rewriteme">test</a><IMG alt='/a' src='${prefix}/b'><p title="/c">1 < 2</p><script src=${prefix}/d></script>é`;
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 40 }), async (step) => {
      const stream = rewriteHtml(place);
      const bytes = Buffer.from(page);
      for (let at = 0; at < bytes.length; at += step) stream.write(bytes.subarray(at, at + step));
      stream.end();
      assert.equal(await text(stream), wanted);
    }),
  );
});

test('what can not be proxied says why, in upstream’s words', async (t) => {
  const { client } = await startTestServer(t);
  const merge = { 'content-type': 'application/merge-patch+json' };
  const ns = '/api/v1/namespaces/default';
  await client.call('POST', `${ns}/serviceaccounts`, { metadata: { name: 'default' } });
  await client.call('POST', `${ns}/pods`, {
    metadata: { name: 'p' },
    spec: { containers: [{ name: 'c', image: 'i' }] },
  });
  const ask = async (path: string): Promise<readonly [number, unknown]> => {
    const { code, body } = await client.call('GET', path);
    return [code, body['message']];
  };
  for (const podIP of ['127.0.0.1', '169.254.169.254', '::1', '10.10.10.250']) {
    const status = { podIP, podIPs: [{ ip: podIP }] };
    await client.call('PATCH', `${ns}/pods/p/status`, { status }, merge);
    assert.deepEqual(await ask(`${ns}/pods/p:80/proxy/`), [400, 'address not allowed'], podIP);
  }
  assert.deepEqual(await ask(`${ns}/pods/ftp:p:80/proxy/`), [400, 'invalid pod request "ftp:p:80"']);
  assert.deepEqual(await ask(`${ns}/pods/q/proxy/`), [404, 'pods "q" not found']);
  const service = { metadata: { name: 's' }, spec: { selector: { a: 'b' }, ports: [{ port: 80, name: 'x' }] } };
  await client.call('POST', `${ns}/services`, service);
  assert.deepEqual(await ask(`${ns}/services/s:x/proxy/`), [503, 'no endpoints available for service "s:x"']);
  assert.deepEqual(await ask(`${ns}/services/s:81/proxy/`), [503, 'no service port 81 found for service "s:81"']);
  const external = { metadata: { name: 'e' }, spec: { type: 'ExternalName', externalName: 'localhost' } };
  await client.call('POST', `${ns}/services`, external);
  assert.deepEqual(await ask(`${ns}/services/e/proxy/`), [503, 'no endpoints available for service "e"']);
  await client.call('POST', '/api/v1/nodes', { metadata: { name: 'n' } });
  const addresses = { status: { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }] } };
  await client.call('PATCH', '/api/v1/nodes/n/status', addresses, merge);
  assert.deepEqual(await ask('/api/v1/nodes/n/proxy/logs/'), [400, 'address not allowed']);
  const bare = await client.call('GET', `${ns}/pods/p/proxy?x=1`);
  assert.equal(bare.code, 400);
});
