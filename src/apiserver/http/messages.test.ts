/** Requests and answers over HTTP/2, which goes without Node's compatibility layer, beside the same over HTTP/1.1. */
import assert from 'node:assert/strict';
import { connect } from 'node:http2';
import type { ClientHttp2Session, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { startTestServer } from '../testing.ts';

interface Answered {
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Of 1xx answers before it. */
  readonly informed: readonly number[];
}

function ask(session: ClientHttp2Session, headers: OutgoingHttpHeaders, body?: string): Promise<Answered> {
  const { promise, resolve, reject } = Promise.withResolvers<Answered>();
  const stream = session.request(headers, { endStream: body === undefined });
  const informed: number[] = [];
  let answer: IncomingHttpHeaders = {};
  let text = '';
  stream.setEncoding('utf8');
  stream.on('headers', (head: IncomingHttpHeaders) => informed.push(Number(head[':status'])));
  stream.on('response', (head: IncomingHttpHeaders) => (answer = head));
  stream.on('data', (chunk: string) => (text += chunk));
  stream.on('error', reject);
  stream.on('close', () => resolve({ headers: answer, text, informed }));
  if (body !== undefined) stream.end(body);
  return promise;
}

test('HTTP/2: answers are those of HTTP/1.1, whatever is asked for', async (t) => {
  const { address, client, pki } = await startTestServer(t);
  const file = (name: string): Buffer => readFileSync(join(pki.dir, name));
  const identity = { ca: file('ca.crt'), cert: file('admin.crt'), key: file('admin.key') };
  const session = connect(`https://${address}`, identity);
  t.after(() => session.destroy());
  const path = '/api/v1/namespaces/default/configmaps';
  const post = { ':method': 'POST', ':path': path, 'content-type': 'application/json' };

  await t.test('a body, and its object', async () => {
    const made = await ask(session, post, '{"metadata":{"name":"a"},"data":{"k":"ü"}}');
    assert.equal(made.headers[':status'], 201);
    const read = await client.call('GET', `${path}/a`);
    assert.equal(made.text, read.text);
    for (const name of ['content-type', 'cache-control', 'content-length'])
      assert.equal(made.headers[name], read.headers[name]);
    assert.ok(!Number.isNaN(Date.parse(String(made.headers.date))));
  });

  await t.test('several headers of one name', async () => {
    const body = '{"metadata":{"name":"b"},"x":1,"größe":2}';
    const warned = await ask(session, post, body);
    assert.equal(
      Buffer.from(String(warned.headers['warning']), 'latin1').toString(),
      '299 - "unknown field \\"x\\"", 299 - "unknown field \\"größe\\""',
    );
    assert.equal(
      warned.headers['warning'],
      (await client.call('POST', `${path}?dryRun=All`, body.replace('"b"', '"c"'))).headers['warning'],
    );
  });

  await t.test('HEAD has the head and no body', async () => {
    const { headers, text } = await ask(session, { ':method': 'HEAD', ':path': '/version' });
    assert.equal(headers[':status'], 200);
    assert.ok(Number(headers['content-length']) > 0);
    assert.equal(text, '');
  });

  await t.test('304 has none either', async () => {
    const document = { ':method': 'GET', ':path': '/openapi/v3' };
    const first = await ask(session, document);
    const again = await ask(session, { ...document, 'if-none-match': String(first.headers.etag) });
    assert.deepEqual([again.headers[':status'], again.headers.etag, again.text], [304, first.headers.etag, '']);
  });

  await t.test('a body that nobody reads, many times', async () => {
    for (let i = 0; i < 100; i++) {
      const refused = await ask(session, { ...post, ':path': '/version' }, 'x'.repeat(20_000));
      assert.equal(refused.headers[':status'], 405);
    }
  });

  await t.test('who expects 100 gets it, who expects anything else does not', async () => {
    const continued = await ask(session, { ...post, expect: '100-continue' }, '{"metadata":{"name":"d"}}');
    assert.deepEqual([continued.informed, continued.headers[':status']], [[100], 201]);
    const refused = await ask(session, { ...post, expect: 'the-unexpected' }, '{"metadata":{"name":"e"}}');
    assert.equal(refused.headers[':status'], 417);
    assert.equal((await client.call('GET', `${path}/e`)).code, 404);
  });
});
