import assert from 'node:assert/strict';
import http from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { ApiError } from '../api/errors.ts';
import type { Service } from '../api/gen/types.ts';
import { resources } from '../api/resources.ts';
import { createClient } from './client.ts';
import type { ClosableClient } from './client.ts';
import { createEventRecorder } from './events.ts';
import type { Page } from './types.ts';

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly type: string | undefined;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

describe('client', () => {
  let server: http.Server;
  let client: ClosableClient;
  let url: string;
  let seen: Seen[];
  let answer: (request: http.IncomingMessage, response: http.ServerResponse) => void;

  beforeEach(async () => {
    seen = [];
    answer = (_request, response) => response.setHeader('content-type', 'application/json').end('{"items":[]}');
    server = http.createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        const { method, url: path, headers } = request;
        const body = text === '' ? undefined : (JSON.parse(text) as unknown);
        seen.push({ method, url: path, type: headers['content-type'], authorization: headers.authorization, body });
        answer(request, response);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    client = createClient({ server: url });
  });
  afterEach(async () => {
    client.close();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  const key = { namespace: 'shop', name: 'web' };
  const cases: readonly [string, () => Promise<unknown>, string, string, unknown?][] = [
    ['get', () => client.get(resources.services, key), 'GET', '/api/v1/namespaces/shop/services/web'],
    ['get cluster-scoped', () => client.get(resources.nodes, { namespace: '', name: 'n' }), 'GET', '/api/v1/nodes/n'],
    [
      'list all namespaces',
      () => client.list(resources.deployments, { labelSelector: 'a=b,c', limit: 5 }),
      'GET',
      '/apis/apps/v1/deployments?labelSelector=a%3Db%2Cc&limit=5',
    ],
    [
      'list one namespace',
      () => client.list(resources.pods, { namespace: 'shop', fieldSelector: 'spec.nodeName=n' }),
      'GET',
      '/api/v1/namespaces/shop/pods?fieldSelector=spec.nodeName%3Dn',
    ],
    [
      'create',
      () =>
        client.create(resources.endpointSlices, { metadata: { name: 'x', namespace: 'shop' }, addressType: 'IPv4' }),
      'POST',
      '/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices',
      {
        metadata: { name: 'x', namespace: 'shop' },
        addressType: 'IPv4',
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
      },
    ],
    [
      'update status',
      () => client.update(resources.services, { metadata: { ...key } }, { subresource: 'status', fieldManager: 'me' }),
      'PUT',
      '/api/v1/namespaces/shop/services/web/status?fieldManager=me',
    ],
    [
      'delete with options',
      () => client.delete(resources.pods, key, { gracePeriodSeconds: 0 }),
      'DELETE',
      '/api/v1/namespaces/shop/pods/web',
      { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0 },
    ],
  ];
  for (const [name, call, method, path, body] of cases) {
    it(`${name}: ${method} ${path}`, async () => {
      await call();
      assert.equal(`${seen[0]?.method} ${seen[0]?.url}`, `${method} ${path}`);
      if (body !== undefined) assert.deepEqual(seen[0]?.body, body);
    });
  }

  it('sends each kind of patch under its own type', async () => {
    for (const kind of ['json', 'merge', 'strategic', 'apply'] as const) {
      await client.patch(resources.services, key, kind, {}, { fieldManager: 'me' });
    }
    assert.deepEqual(
      seen.map(({ type }) => type),
      [
        'application/json-patch+json',
        'application/merge-patch+json',
        'application/strategic-merge-patch+json',
        'application/apply-patch+yaml',
      ],
    );
    assert.match(seen[3]?.url ?? '', /fieldManager=me&force=true$/);
  });

  it('gives the items of a list their kind', async () => {
    answer = (_request, response) =>
      response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ metadata: { resourceVersion: '7' }, items: [{ metadata: { name: 'a' } }] }));
    const list = await client.list(resources.deployments);
    assert.deepEqual(list.items[0], { metadata: { name: 'a' }, apiVersion: 'apps/v1', kind: 'Deployment' });
    answer = (_request, response) => response.setHeader('content-type', 'application/json').end('{"items":null}');
    assert.deepEqual((await client.list(resources.deployments)).items, []);
  });

  it('takes what is no list for an error, never for an empty one', async () => {
    for (const [type, text] of [
      ['text/html', '<html>log in first</html>'],
      ['application/json', '{"items":['],
      ['application/json', '{"message":"hello"}'],
      ['application/json', '"items"'],
    ] as const) {
      answer = (_request, response) => response.setHeader('content-type', type).end(text);
      await assert.rejects(client.list(resources.services), /the answer is no list/, text);
    }
  });

  it('gives the bytes of a list to who reads it, and asks for it as for any other', async () => {
    const text = '{"metadata":{"resourceVersion":"7"},"items":[]}';
    const read = (bytes: Buffer): Page<Service> => ({ metadata: { continue: bytes.toString() }, items: [] });
    answer = (_request, response) => response.setHeader('content-type', 'application/json').end(text);
    const page = await client.page(resources.services, { limit: 2, continue: 'x' }, read);
    assert.equal(page.metadata.continue, text);
    assert.equal(seen[0]?.url, '/api/v1/services?limit=2&continue=x');
    answer = (_request, response) => response.setHeader('content-type', 'text/html').end('<html>');
    await assert.rejects(client.page(resources.services, {}, read), /no JSON/);
    const refusal = { kind: 'Status', status: 'Failure', code: 410, reason: 'Expired', message: 'too old' };
    answer = (_request, response) =>
      response.writeHead(410, { 'content-type': 'application/json' }).end(JSON.stringify(refusal));
    await assert.rejects(client.page(resources.services, {}, read), { name: 'ApiError', code: 410 });
    answer = (_request, response) =>
      response.writeHead(200, { 'content-length': 100 }).write('{', () => response.destroy());
    await assert.rejects(client.page(resources.services, {}, read), { code: 'ECONNRESET' });
  });

  it('turns a Status into an ApiError', async () => {
    const status = {
      kind: 'Status',
      status: 'Failure',
      reason: 'NotFound',
      message: 'services "web" not found',
      code: 404,
    };
    answer = (_request, response) =>
      response.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify(status));
    await assert.rejects(client.get(resources.services, key), (error) => {
      assert.ok(error instanceof ApiError);
      assert.equal(`${error.code} ${error.reason} ${error.message}`, '404 NotFound services "web" not found');
      return true;
    });
  });

  it('makes an ApiError of an answer that is no Status, with Retry-After', async () => {
    answer = (_request, response) => response.writeHead(429, { 'retry-after': '3' }).end('slow down');
    await assert.rejects(client.get(resources.services, key), (error) => {
      assert.ok(error instanceof ApiError);
      assert.equal(error.reason, 'TooManyRequests');
      assert.equal(error.status.details?.retryAfterSeconds, 3);
      assert.match(error.message, /answered 429: slow down/);
      return true;
    });
  });

  it('keeps the code of a network error', async () => {
    const nobody = createClient({ server: 'http://127.0.0.1:1' });
    await assert.rejects(nobody.get(resources.services, key), { code: 'ECONNREFUSED' });
    nobody.close();
    answer = (request) => request.socket.destroy();
    await assert.rejects(client.create(resources.services, { metadata: { ...key } }), { code: 'ECONNRESET' });
  });

  it('reads again when an idle connection turns out to be closed, and never writes twice', async () => {
    await client.get(resources.services, key);
    let cut = true;
    answer = (request, response) => {
      if (cut) request.socket.destroy();
      else response.setHeader('content-type', 'application/json').end('{}');
      cut = false;
    };
    await client.get(resources.services, key);
    assert.equal(seen.length, 3);
    cut = true;
    await assert.rejects(client.create(resources.services, { metadata: { ...key } }), { code: 'ECONNRESET' });
    assert.equal(seen.length, 4);
  });

  it('says what is missing in a request', async () => {
    await assert.rejects(
      client.get(resources.services, { namespace: '', name: 'web' }),
      /metadata.namespace is not set/,
    );
    await assert.rejects(
      client.create(resources.services, { metadata: { name: 'web' } }),
      /metadata.namespace is not set/,
    );
    assert.throws(() => createClient({ server: 'nonsense' }), /server "nonsense" must be a URL/);
  });

  it('reads the token file', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'portolan-client-'));
    try {
      writeFileSync(join(dir, 'token'), 'secret\n');
      const pod = createClient({ server: url, tokenFile: join(dir, 'token') });
      await pod.get(resources.services, key);
      pod.close();
      assert.equal(seen[0]?.authorization, 'Bearer secret');
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('watches line by line, also across chunks', async () => {
    const event = (name: string): string =>
      JSON.stringify({ type: 'ADDED', object: { metadata: { name, label: 'é' } } });
    answer = (_request, response) => {
      const bytes = Buffer.from(`${event('a')}\n${event('b')}\n`);
      const middle = bytes.indexOf(0xc3) + 1;
      response.writeHead(200, { 'content-type': 'application/json' }).write(bytes.subarray(0, middle));
      setImmediate(() => response.end(bytes.subarray(middle)));
    };
    const names: unknown[] = [];
    for await (const { object } of client.watch(
      resources.services,
      { resourceVersion: '5' },
      new AbortController().signal,
    )) {
      names.push((object as { metadata: { name: string; label: string } }).metadata);
    }
    assert.deepEqual(names, [
      { name: 'a', label: 'é' },
      { name: 'b', label: 'é' },
    ]);
    assert.equal(seen[0]?.url, '/api/v1/services?watch=true&resourceVersion=5');
  });

  it('records events: named, counted, combined, and limited', async () => {
    const recorder = createEventRecorder(client, { component: 'test', host: 'node-1' });
    const about = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'shop', uid: 'u' } };
    for (let i = 0; i < 3; i++) recorder.event(about, 'Normal', 'Pulled', 'same');
    await recorder.flush();
    assert.deepEqual(
      seen.map(({ method }) => method),
      ['POST', 'PATCH', 'PATCH'],
    );
    const first = seen[0]?.body as Record<string, unknown> & { metadata: { name: string; namespace: string } };
    assert.match(first.metadata.name, /^p\.[0-9a-f]{16}$/);
    assert.equal(first.metadata.namespace, 'shop');
    assert.deepEqual(first['source'], { component: 'test', host: 'node-1' });
    assert.equal(first['reportingComponent'], 'test');
    assert.equal((seen[2]?.body as { count: number }).count, 3);
    assert.equal(seen[2]?.url, `/api/v1/namespaces/shop/events/${first.metadata.name}`);

    seen.length = 0;
    for (let i = 0; i < 40; i++) recorder.event(about, 'Warning', 'BackOff', `attempt ${i}`);
    await recorder.flush();
    // 25 at once for an object, of which three are used up; from the eleventh message on they are combined.
    assert.equal(seen.length, 22);
    assert.match((seen[10]?.body as { message: string }).message, /^\(combined from similar events\): attempt/);
    assert.equal(seen.filter(({ method }) => method === 'PATCH').length, 11);

    seen.length = 0;
    recorder.event({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' } }, 'Normal', 'NodeReady', 'up');
    await recorder.flush();
    assert.equal(seen[0]?.url, '/api/v1/namespaces/default/events');
  });
});
