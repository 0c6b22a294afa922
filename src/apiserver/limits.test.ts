/** What a client may do wrong: every case a Status in upstream's words, and the server goes on. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { join } from 'node:path';
import { connect } from 'node:tls';
import test from 'node:test';
import { startTestServer, testClient } from './testing.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';
const services = '/api/v1/namespaces/default/services';

test('bodies: malformed, empty, too large, of another kind, of another type, with traps', async (t) => {
  const { client } = await startTestServer(t);
  const yaml = { 'content-type': 'application/yaml' };
  const cases: [path: string, body: string, headers: Record<string, string>, code: number, message: RegExp][] = [
    [
      configMaps,
      '{"a',
      {},
      400,
      /^the object provided is unrecognized \(must be of type ConfigMap\): couldn't get version\/kind; json parse error: .+ \(\{"a\)$/,
    ],
    [
      configMaps,
      '',
      { 'content-type': 'application/json' },
      400,
      /json parse error: unexpected end of JSON input \(<empty>\)$/,
    ],
    [configMaps, 'a: [', yaml, 400, /^the object provided is unrecognized/],
    [configMaps, 'x'.repeat(3 * 1024 * 1024 + 1), {}, 413, /^Request entity too large: limit is 3145728$/],
    [
      configMaps,
      '{}',
      { 'content-type': 'text/plain' },
      415,
      /^the body of the request was in an unknown format - accepted media types include: application\/json, application\/yaml/,
    ],
    [configMaps, '{"metadata":{"name":"a","labels":{"__proto__":"x"}}}', {}, 400, /__proto__/],
    [configMaps, `{"metadata":${'['.repeat(5000)}${']'.repeat(5000)}}`, {}, 400, /nested deeper/],
    [
      configMaps,
      '{"kind":"Secret","apiVersion":"v1"}',
      {},
      400,
      /^Secret in version "v1" cannot be handled as a ConfigMap/,
    ],
    [
      services,
      '{"metadata":{"name":"a"},"spec":{"ports":[{"port":"80"}]}}',
      {},
      400,
      /^Service in version "v1" cannot be handled as a Service: json: cannot unmarshal string into Go struct field ServicePort\.spec\.ports\.port of type int32$/,
    ],
    [
      configMaps,
      'k8s\0garbage',
      { 'content-type': 'application/vnd.kubernetes.protobuf' },
      400,
      /^the object provided is unrecognized/,
    ],
    [configMaps, '{"metadata":{}}', {}, 422, /metadata.name: Required value: name or generateName is required/],
    [
      configMaps,
      '{"metadata":{"name":"A_b"}}',
      {},
      422,
      /^ConfigMap "A_b" is invalid: metadata\.name: Invalid value: "A_b": a lowercase RFC 1123 subdomain/,
    ],
    [
      configMaps,
      '{"metadata":{"name":"a","finalizers":["mine"]}}',
      {},
      422,
      /metadata\.finalizers\[0\]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified$/,
    ],
    ['/api/v1/namespaces/default/widgets', '{}', {}, 404, /^the server could not find the requested resource$/],
    ['/api/v1/configmaps', '{}', {}, 405, /^the server does not allow this method on the requested resource$/],
    [
      configMaps,
      '{"metadata":{"name":"a","namespace":"other"}}',
      {},
      400,
      /^the namespace of the provided object does not match the namespace sent on the request$/,
    ],
  ];
  for (const [path, body, headers, code, message] of cases) {
    const answer = await client.call('POST', path, body, headers);
    assert.equal(answer.code, code, `${body.slice(0, 60)}: ${answer.text}`);
    assert.equal(answer.body['kind'], 'Status');
    assert.match(String(answer.body['message']), message);
  }
  assert.equal(((await client.call('GET', configMaps)).body['items'] as unknown[]).length, 0, 'nothing was changed');
});

test('a body that does not say how long it is: what is read of it is limited too, and the connection goes on', async (t) => {
  const { address, dir } = await startTestServer(t);
  const file = (name: string): Buffer => readFileSync(join(dir, 'pki', name));
  const tls = { ca: file('ca.crt'), cert: file('admin.crt'), key: file('admin.key') };
  const session = connectHttp2(`https://${address}`, tls);
  t.after(() => session.destroy());
  const post = async (body: string): Promise<unknown> => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const stream = session.request({ ':method': 'POST', ':path': configMaps });
    stream.once('response', (headers) => resolve(headers[':status']));
    stream.once('error', reject);
    stream.resume();
    stream.end(body);
    return promise;
  };
  assert.equal(await post('x'.repeat(3 * 1024 * 1024 + 1)), 413);
  assert.equal(await post('{"metadata":{"name":"a"}}'), 201);
});

test('methods and numbers that there are not', async (t) => {
  const { client } = await startTestServer(t);
  for (const method of ['OPTIONS', 'TRACE', 'PROPFIND']) {
    const answer = await client.call(method, configMaps);
    assert.equal(answer.code, 405, method);
    assert.equal(answer.body['message'], 'the server does not allow this method on the requested resource');
  }
  assert.equal((await client.call('GET', `${configMaps}?limit=9223372036854775807`)).code, 200);
  const over = await client.call('GET', `${configMaps}?limit=9223372036854775808`);
  assert.equal(over.body['message'], 'strconv.ParseInt: parsing "9223372036854775808": value out of range');
});

test('YAML bodies, with a bomb refused', async (t) => {
  const { client } = await startTestServer(t);
  const yaml = { 'content-type': 'application/yaml' };
  const fine = await client.call('POST', configMaps, 'metadata:\n  name: a\ndata:\n  k: "1"\n', yaml);
  assert.equal(fine.code, 201, fine.text);
  const level = (n: number): string =>
    `l${String(n)}: &l${String(n)} [${Array.from({ length: 10 }, () => `*l${String(n - 1)}`).join(',')}]`;
  const bomb = ['l0: &l0 [x,x,x,x,x,x,x,x,x,x]', ...Array.from({ length: 9 }, (_, i) => level(i + 1))].join('\n');
  assert.equal((await client.call('POST', configMaps, bomb, yaml)).code, 400);
});

test('big answers are compressed for those who ask', async (t) => {
  const { client } = await startTestServer(t);
  await client.call('POST', configMaps, { metadata: { name: 'big' }, data: { k: 'x'.repeat(300_000) } });
  const answer = await client.call('GET', configMaps, undefined, { 'accept-encoding': 'gzip' });
  assert.equal(answer.headers['content-encoding'], 'gzip');
  assert.ok(Number(answer.headers['content-length']) < 10_000);
});

test('without a certificate: health and version, nothing else', async (t) => {
  const { address, dir } = await startTestServer(t);
  const client = testClient(address, join(dir, 'pki'), null);
  t.after(() => client.close());
  for (const path of ['/healthz', '/livez', '/readyz', '/version', '/version/', '/readyz?verbose']) {
    assert.equal((await client.call('GET', path)).code, 200, path);
  }
  for (const path of ['/api', '/apis', '/api/v1/namespaces', '/metrics', '/openapi/v3', '/livez/ping']) {
    const answer = await client.call('GET', path);
    assert.equal(answer.code, 403);
    assert.match(String(answer.body['message']), /forbidden: User "system:anonymous" cannot (get|list) /);
  }
  const forged = await client.call('GET', '/healthz', undefined, { authorization: 'Bearer nonsense' });
  assert.equal(forged.code, 401);
});

test('targets that are no URL', async (t) => {
  const { client } = await startTestServer(t);
  for (const path of ['//', '/%', '/api/v1/%zz', '/api//v1', '/apis/apps/v1/namespaces//deployments/..', '/?watch=%']) {
    assert.ok([400, 404, 200].includes((await client.call('GET', path)).code), path);
  }
  const index = await client.call('GET', '/');
  assert.equal(index.code, 200);
});

test('bytes that are no request end their own connection only', async (t) => {
  const { address, dir, client } = await startTestServer(t);
  const port = Number(address.split(':')[1]);
  const ca = readFileSync(join(dir, 'pki', 'ca.crt'));
  for (const bytes of [
    '\0\0\0\0',
    'GET\r\n\r\n',
    `GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(200_000)}\r\n\r\n`,
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\ngarbage',
  ]) {
    const socket = connect({ host: '127.0.0.1', port, ca, servername: '' });
    const { promise, resolve } = Promise.withResolvers<undefined>();
    socket.on('error', () => undefined);
    socket.once('close', () => resolve(undefined));
    socket.resume();
    socket.write(bytes);
    socket.end();
    await promise;
  }
  assert.equal((await client.call('GET', '/livez')).code, 200);
});
