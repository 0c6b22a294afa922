/**
 * API aggregation against a real extension server: HTTPS, and only for who shows the front proxy's certificate. Both it and the API server are
 * in a network namespace of this process, where the extension server has an address that a Service may have.
 */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { eventually } from '../../util/testing.ts';
import { enterNetns } from '../../kernel/index.ts';
import { makePki, startTestServer, watchReader, writeKubeconfig } from '../testing.ts';
import type { TestServer } from '../testing.ts';

const netns = `t-aggregation-${String(process.pid)}`;
const address = '10.213.77.1';
const group = 'wardle.example.com';
const root = `/apis/${group}/v1alpha1`;
const flunders = `${root}/namespaces/default/flunders`;
const apiServices = '/apis/apiregistration.k8s.io/v1/apiservices';
const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly subject: string;
}

const seen: Seen[] = [];
const flunder = { metadata: { name: 'one', namespace: 'default' }, spec: { size: 1 } };

const verbs = ['get', 'list', 'watch', 'create'];
const documents: Readonly<Record<string, object>> = {
  [root]: {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: `${group}/v1alpha1`,
    resources: [
      { name: 'flunders', singularName: 'flunder', namespaced: true, kind: 'Flunder', verbs, shortNames: ['fl'] },
      { name: 'flunders/status', singularName: '', namespaced: true, kind: 'Flunder', verbs: ['get'] },
    ],
  },
  [flunders]: { kind: 'FlunderList', apiVersion: `${group}/v1alpha1`, metadata: {}, items: [flunder] },
  '/apis/metrics.k8s.io/v1beta1': {
    kind: 'APIResourceList',
    groupVersion: 'metrics.k8s.io/v1beta1',
    resources: [{ name: 'nodes', singularName: '', namespaced: false, kind: 'NodeMetrics', verbs: ['get', 'list'] }],
  },
  '/apis/metrics.k8s.io/v1beta1/nodes': {
    kind: 'NodeMetricsList',
    apiVersion: 'metrics.k8s.io/v1beta1',
    metadata: {},
    items: [
      {
        metadata: { name: 'node-1' },
        timestamp: '2026-01-01T00:00:00Z',
        window: '10s',
        usage: { cpu: '250m', memory: '1Gi' },
      },
    ],
  },
  '/openapi/v2': {
    swagger: '2.0',
    paths: {
      [flunders]: {
        get: { responses: { '200': { schema: { $ref: '#/definitions/com.example.wardle.Flunder' } } } },
      },
      '/apis/other.example.com/v1/': { get: {} },
    },
    definitions: {
      'com.example.wardle.Flunder': {
        type: 'object',
        description: 'A flunder.',
        properties: { metadata: { $ref: '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' } },
        'x-kubernetes-group-version-kind': [{ group, kind: 'Flunder', version: 'v1alpha1' }],
      },
      'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta': { type: 'object', description: 'another' },
      unused: { type: 'object' },
    },
  },
  '/openapi/v3': { paths: { [`apis/${group}/v1alpha1`]: { serverRelativeURL: `/openapi/v3${root}?hash=ABC` } } },
  [`/openapi/v3${root}`]: { openapi: '3.0.0', info: {}, paths: {}, components: {} },
};

function serve(request: IncomingMessage, response: ServerResponse): void {
  const subject = (request.socket as TLSSocket).getPeerCertificate().subject.CN;
  const url = request.url ?? '';
  seen.push({ method: request.method ?? '', url, headers: request.headers, subject: String(subject) });
  const path = url.replace(/\?.*/, '');
  if (path === `${flunders}/redirect`)
    return void response.writeHead(302, { location: 'https://example.com/' }).end('secret');
  if (url.includes('watch=')) {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write(`${JSON.stringify({ type: 'ADDED', object: flunder })}\n`);
    return;
  }
  if (request.method === 'POST') return void request.pipe(response.writeHead(201, { 'x-kept': 'yes' }));
  const document = documents[path];
  response.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(document ?? { kind: 'Status', status: 'Failure', code: 404 }));
}

describe('aggregation', () => {
  let server: TestServer;
  let kubeconfig = '';
  let caBundle = '';
  const ends: (() => unknown)[] = [];

  before(async () => {
    execFileSync('ip', ['netns', 'add', netns]);
    execFileSync('ip', ['-n', netns, 'link', 'set', 'lo', 'up']);
    execFileSync('ip', ['-n', netns, 'address', 'add', `${address}/32`, 'dev', 'lo']);
    ends.push(() => execFileSync('ip', ['netns', 'delete', netns]));
    enterNetns(`/run/netns/${netns}`);
    server = await startTestServer({ after: (end: () => unknown) => ends.push(end) } as unknown as TestContext);
    kubeconfig = writeKubeconfig(server.dir, server.address);
    mkdirSync(join(server.dir, 'extension'));
    const pki = await makePki(join(server.dir, 'extension'));
    const identity = await pki.issue('extension', 'CN=extension', ['extension.default.svc']);
    caBundle = readFileSync(join(server.dir, 'extension', 'ca.crt')).toString('base64');
    const ca = readFileSync(join(server.dir, 'pki', 'front-proxy-ca.crt'));
    const extension = createServer({ ...identity, ca, requestCert: true, rejectUnauthorized: true }, serve);
    extension.on('upgrade', (request, socket, head) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: echo\r\n\r\n');
      socket.write(`${String(request.headers['x-remote-user'])}:`);
      if (head.length > 0) socket.write(head);
      socket.pipe(socket);
    });
    await new Promise<void>((resolve) => extension.listen(0, resolve));
    ends.push(() => {
      extension.closeAllConnections();
      extension.close();
    });
    const { port } = extension.address() as AddressInfo;
    const { client } = server;
    await client.call('POST', '/api/v1/namespaces/default/services', {
      metadata: { name: 'extension' },
      spec: { ports: [{ name: 'https', port: 443 }] },
    });
    const slice = await client.call('POST', slices, {
      metadata: { name: 'extension', labels: { 'kubernetes.io/service-name': 'extension' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: [address] }],
      ports: [{ name: 'https', port }],
    });
    assert.equal(slice.code, 201, slice.text);
    await register(group, 'v1alpha1');
    await register('metrics.k8s.io', 'v1beta1');
    await condition(`v1alpha1.${group}`, 'Passed');
    await condition('v1beta1.metrics.k8s.io', 'Passed');
  });
  after(async () => {
    for (const end of ends.reverse()) await end();
  });

  async function register(of: string, version: string, more: object = {}, service = 'extension'): Promise<void> {
    const made = await server.client.call('POST', apiServices, {
      metadata: { name: `${version}.${of}` },
      spec: {
        group: of,
        version,
        groupPriorityMinimum: 2000,
        versionPriority: 200,
        caBundle,
        service: { namespace: 'default', name: service },
        ...more,
      },
    });
    assert.equal(made.code, 201, made.text);
    assert.deepEqual(made.body['status'], {});
  }

  interface Condition {
    readonly status: string;
    readonly reason: string;
    readonly message: string;
  }

  async function condition(name: string, reason: string): Promise<Condition> {
    let found: Condition | undefined;
    await eventually(`${name} is ${reason}`, async () => {
      const { body } = await server.client.call('GET', `${apiServices}/${name}`);
      found = (body['status'] as { readonly conditions?: readonly Condition[] }).conditions?.[0];
      return found?.reason === reason;
    });
    assert.ok(found);
    return found;
  }

  const kubectl = async (...args: readonly string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)('kubectl', [
      '--kubeconfig',
      kubeconfig,
      '--cache-dir',
      join(server.dir, 'cache'),
      ...args,
    ]);
    return stdout;
  };

  test('requests go to the service with the front proxy’s certificate, and who the user is', async () => {
    const { client } = server;
    const rbac = '/apis/rbac.authorization.k8s.io/v1';
    await client.call('POST', `${rbac}/clusterroles`, {
      metadata: { name: 'flunders' },
      rules: [{ apiGroups: [group], resources: ['flunders'], verbs: ['list', 'create'] }],
    });
    await client.call('POST', `${rbac}/clusterrolebindings`, {
      metadata: { name: 'flunders' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'flunders' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'zoe' }],
    });
    const as = {
      'impersonate-user': 'zoe',
      'impersonate-group': 'team',
      'impersonate-extra-example.com%2fwhy': 'because',
      'x-remote-user': 'root',
      'x-remote-group': 'system:masters',
    };
    seen.length = 0;
    const listed = await client.call('GET', `${flunders}?limit=5`, undefined, as);
    assert.equal(listed.code, 200, listed.text);
    assert.equal(listed.body['kind'], 'FlunderList');
    const [request] = seen;
    assert.deepEqual([request?.subject, request?.url], ['front-proxy-client', `${flunders}?limit=5`]);
    const { headers = {} } = request ?? {};
    assert.equal(headers['x-remote-user'], 'zoe');
    assert.equal(headers['x-remote-group'], 'team, system:authenticated');
    assert.equal(headers['x-remote-extra-example.com%2fwhy'], 'because');
    assert.deepEqual([headers.authorization, headers['impersonate-user']], [undefined, undefined]);
    const made = await client.call('POST', flunders, { hello: 'you' }, as);
    assert.deepEqual([made.code, made.headers['x-kept'], made.body], [201, 'yes', { hello: 'you' }]);
    // Who may not is told so here.
    assert.equal((await client.call('GET', `${flunders}/one`, undefined, as)).code, 403);
    const away = await client.call('GET', `${flunders}/redirect`);
    assert.deepEqual(
      [away.code, away.text],
      [502, 'the backend attempted to redirect this request, which is not permitted'],
    );
  });

  test('watches and upgrades pass through', async () => {
    const stream = await server.client.open(`${flunders}?watch=true`);
    const [event] = await watchReader(stream).take(1);
    assert.equal(event?.type, 'ADDED');
    stream.destroy();
    const port = Number(server.address.slice(server.address.lastIndexOf(':') + 1));
    const pki = (name: string): Buffer => readFileSync(join(server.dir, 'pki', name));
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const request = httpsRequest({
      ...{ host: '127.0.0.1', port, path: `${flunders}/one/attach`, agent: false },
      ...{ ca: pki('ca.crt'), cert: pki('admin.crt'), key: pki('admin.key') },
      headers: { connection: 'Upgrade', upgrade: 'echo' },
    });
    request.once('error', reject);
    request.once('upgrade', (_answer, socket, head) => {
      let text = head.toString();
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (!text.includes('ping')) return;
        resolve(text);
        socket.destroy();
      });
      socket.write('ping');
    });
    request.end();
    assert.equal(await promise, 'kubernetes-admin:ping');
  });

  test('discovery and OpenAPI have what it publishes', async () => {
    const { client } = server;
    const { groups } = (await client.call('GET', '/apis')).body as unknown as {
      readonly groups: readonly { readonly name: string }[];
    };
    const names = groups.map(({ name }) => name);
    assert.equal(names.indexOf('apiregistration.k8s.io'), 0);
    assert.deepEqual(names.slice(-2), ['metrics.k8s.io', group]);
    const one = await client.call('GET', `/apis/${group}`);
    assert.deepEqual(one.body['preferredVersion'], { groupVersion: `${group}/v1alpha1`, version: 'v1alpha1' });
    assert.deepEqual((await client.call('GET', root)).body['groupVersion'], `${group}/v1alpha1`);
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
    const all = await client.call('GET', '/apis', undefined, { accept });
    interface Item {
      readonly metadata: { readonly name: string };
      readonly versions: readonly object[];
    }
    const item = (all.body['items'] as readonly Item[]).find(({ metadata }) => metadata.name === group);
    const kind = { group, version: 'v1alpha1', kind: 'Flunder' };
    assert.deepEqual(item?.versions, [
      {
        version: 'v1alpha1',
        resources: [
          {
            resource: 'flunders',
            responseKind: kind,
            scope: 'Namespaced',
            singularResource: 'flunder',
            verbs,
            shortNames: ['fl'],
            subresources: [{ subresource: 'status', responseKind: kind, verbs: ['get'] }],
          },
        ],
        freshness: 'Current',
      },
    ]);
    const v2 = await client.call('GET', '/openapi/v2');
    const { paths, definitions } = v2.body as unknown as Record<'paths' | 'definitions', Record<string, object>>;
    assert.ok(paths[flunders] !== undefined && paths['/apis/other.example.com/v1/'] === undefined);
    assert.equal(definitions['unused'], undefined);
    assert.match(JSON.stringify(definitions['com.example.wardle.Flunder']), /meta\.v1\.ObjectMeta_v2"/);
    assert.ok(paths['/api/v1/pods'] !== undefined);
    const index = (await client.call('GET', '/openapi/v3')).body['paths'] as Record<string, object>;
    assert.deepEqual(index[`apis/${group}/v1alpha1`], { serverRelativeURL: `/openapi/v3${root}?hash=ABC` });
    assert.ok(index['api/v1'] !== undefined);
    const v3 = await client.call('GET', `/openapi/v3${root}?hash=ABC`);
    assert.deepEqual(v3.body, documents[`/openapi/v3${root}`]);
  });

  test('kubectl: api-resources, get, top, apiservices', async () => {
    assert.match(
      await kubectl('api-resources', '--api-group', group),
      /^flunders +fl +wardle\.example\.com\/v1alpha1 +true +Flunder$/m,
    );
    assert.match(await kubectl('get', 'fl', '-o', 'name'), /flunder.wardle.example.com\/one/);
    assert.match(await kubectl('explain', 'flunder', '--output', 'plaintext-openapiv2'), /A flunder\./);
    await server.client.call('POST', '/api/v1/nodes', {
      metadata: { name: 'node-1' },
      status: { allocatable: { cpu: '1', memory: '2Gi' } },
    });
    assert.match(await kubectl('top', 'nodes'), /^node-1 +250m +25% +1024Mi +50%/m);
    const services = await kubectl('get', 'apiservices');
    assert.match(services, /^NAME +SERVICE +AVAILABLE +AGE$/m);
    assert.match(services, /^v1alpha1\.wardle\.example\.com +default\/extension +True +\d+s$/m);
    assert.match(services, /^v1\.apps +Local +True +\d+s$/m);
  });

  test('a server that is not there is said to be so, and 503', async () => {
    const { client } = server;
    await register('gone.example.com', 'v1', {}, 'nobody');
    const none = await condition('v1.gone.example.com', 'ServiceNotFound');
    assert.deepEqual([none.status, none.message], ['False', 'service/nobody in "default" is not present']);
    const gone = await client.call('GET', '/apis/gone.example.com/v1/things');
    assert.deepEqual(
      [gone.code, gone.text, gone.headers['content-type']],
      [503, 'service unavailable\n', 'text/plain; charset=utf-8'],
    );
    await client.call('POST', '/api/v1/namespaces/default/services', {
      metadata: { name: 'nobody' },
      spec: { ports: [{ port: 444 }] },
    });
    assert.equal(
      (await condition('v1.gone.example.com', 'ServicePortError')).message,
      'service/nobody in "default" is not listening on port 443',
    );
    await client.call(
      'PATCH',
      '/api/v1/namespaces/default/services/nobody',
      { spec: { ports: [{ port: 443 }] } },
      { 'content-type': 'application/merge-patch+json' },
    );
    await condition('v1.gone.example.com', 'EndpointsNotFound');
    const slice = {
      metadata: { name: 'nobody', labels: { 'kubernetes.io/service-name': 'nobody' } },
      addressType: 'IPv4',
    };
    await client.call('POST', slices, { ...slice, endpoints: [], ports: [{ port: 9 }] });
    assert.match(
      (await condition('v1.gone.example.com', 'MissingEndpoints')).message,
      /have no addresses with port name ""$/,
    );
    await client.call('PUT', `${slices}/nobody`, {
      ...slice,
      endpoints: [{ addresses: [address] }],
      ports: [{ port: 9 }],
    });
    const refused = await condition('v1.gone.example.com', 'FailedDiscoveryCheck');
    const url = `https://${address}:9/apis/gone.example.com/v1`;
    assert.equal(
      refused.message,
      `failing or missing response from ${url}: Get "${url}": dial tcp ${address}:9: connect: connection refused`,
    );
    // A group that does not answer is in discovery all the same, and keeps nothing else from it.
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
    const all = await client.call('GET', '/apis', undefined, { accept });
    assert.match(all.text, /"versions":\[\{"version":"v1","freshness":"Stale"\}\]/);
    assert.equal((await client.call('DELETE', `${apiServices}/v1.gone.example.com`)).code, 200);
    assert.equal((await client.call('GET', '/apis/gone.example.com/v1/things')).code, 404);
  });

  test('one whose certificate is not vouched for is not spoken to, unless that is wished', async () => {
    await register('wrong.example.com', 'v1', {
      caBundle: readFileSync(join(server.dir, 'pki', 'ca.crt')).toString('base64'),
    });
    const wrong = await condition('v1.wrong.example.com', 'FailedDiscoveryCheck');
    assert.match(wrong.message, /tls: failed to verify certificate: x509: certificate signed by unknown authority$/);
    const { client } = server;
    await client.call('DELETE', `${apiServices}/v1.wrong.example.com`);
    await register('any.example.com', 'v1', { caBundle: undefined, insecureSkipTLSVerify: true });
    assert.match((await condition('v1.any.example.com', 'FailedDiscoveryCheck')).message, /: bad status from .*: 404$/);
    await client.call('DELETE', `${apiServices}/v1.any.example.com`);
  });
});
