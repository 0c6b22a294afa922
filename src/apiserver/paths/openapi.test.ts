/** The OpenAPI documents: which form is given to whom, and that both forms of v2 say the same. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { buildKinds } from '../../api/kinds/index.ts';
import { wireFields } from '../protobuf/wire.ts';
import { startTestServer } from '../testing.ts';
import { encodeSwagger } from './openapi-protobuf.ts';
import type { Json } from './openapi-schemas.ts';

const proto = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';
const old = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';

test('v2 is negotiated as upstream does, and has an ETag', async (t) => {
  const { client } = await startTestServer(t);
  const ask = async (accept: string, path = '/openapi/v2'): Promise<string> => {
    const { code, headers } = await client.call('GET', path, undefined, accept === '' ? {} : { accept });
    return `${String(code)} ${String(headers['content-type'])}`;
  };
  assert.equal(await ask(''), '200 application/json');
  assert.equal(await ask('*/*'), '200 application/json');
  assert.equal(await ask(proto), `200 ${proto}`);
  assert.equal(await ask(old), `200 ${proto}`);
  assert.equal(await ask(`application/x-unknown, ${old}, application/json`), `200 ${proto}`);
  assert.equal(await ask(`${old};q=0.5, application/json;q=0.8`), '200 application/json');
  assert.equal(await ask('text/html'), '406 application/json');
  assert.equal(await ask(proto, '/openapi/v3'), '406 application/json');
  assert.equal(await ask('application/json', '/openapi/v4'), '404 text/plain; charset=utf-8');
  const first = await client.call('GET', '/openapi/v2', undefined, { accept: old });
  const again = { accept: old, 'if-none-match': String(first.headers.etag) };
  assert.equal((await client.call('GET', '/openapi/v2', undefined, again)).code, 304);
  assert.equal(
    (await client.call('GET', '/openapi/v2', undefined, { ...again, accept: 'application/json' })).code,
    200,
  );
});

test('the protobuf form says what the JSON says', async (t) => {
  const { client } = await startTestServer(t);
  const { definitions } = (await client.call('GET', '/openapi/v2')).body as { definitions: Record<string, Json> };
  const bytes = encodeSwagger({ swagger: '2.0', info: {}, paths: {}, definitions });
  const read = new Map(messages(messages(bytes, 9)[0], 1).map((pair) => [text(pair, 1), messages(pair, 2)[0]]));
  assert.deepEqual([...read.keys()], Object.keys(definitions));
  for (const { resource } of buildKinds()) {
    const [name, definition] =
      Object.entries(definitions).find(([, schema]) => hasKind(schema, resource)) ?? assert.fail(resource.kind);
    const schema = read.get(name);
    assert.equal(text(schema, 4), definition['description']);
    const properties = messages(messages(schema, 25)[0], 1).map((pair) => text(pair, 1));
    assert.deepEqual(properties, Object.keys(definition['properties'] as object));
    const [extension] = messages(schema, 31);
    assert.equal(text(extension, 1), 'x-kubernetes-group-version-kind');
    const yaml = text(messages(extension, 2)[0], 2);
    assert.deepEqual(JSON.parse(yaml), definition['x-kubernetes-group-version-kind']);
  }
  const port = definitions['io.k8s.api.core.v1.ServicePort'] ?? {};
  assert.deepEqual(fieldsOf(read.get('io.k8s.api.core.v1.ServicePort'), 19), port['required']);
});

test('definitions: every reference has its target, values have upstream types', async (t) => {
  const { client } = await startTestServer(t);
  const { text: v2, body } = await client.call('GET', '/openapi/v2');
  const definitions = body['definitions'] as Record<string, { properties?: Record<string, Json> } & Json>;
  for (const [, name = ''] of v2.matchAll(/"#\/definitions\/([^"]+)"/g)) assert.ok(name in definitions, name);
  const ports = definitions['io.k8s.api.core.v1.ServiceSpec']?.properties?.['ports'];
  assert.equal(ports?.['x-kubernetes-patch-merge-key'], 'port');
  assert.equal(ports['x-kubernetes-patch-strategy'], 'merge');
  const intOrString = definitions['io.k8s.apimachinery.pkg.util.intstr.IntOrString'];
  assert.deepEqual([intOrString?.['type'], intOrString?.['format']], ['string', 'int-or-string']);
  const { properties } = definitions['io.k8s.api.discovery.v1.EndpointSlice'] ?? {};
  assert.deepEqual(properties?.['ports']?.['items'], { $ref: '#/definitions/io.k8s.api.discovery.v1.EndpointPort' });
});

test('operations have upstream’s ids, actions, kinds and options', async (t) => {
  const { client } = await startTestServer(t);
  const { paths } = (await client.call('GET', '/openapi/v2')).body as { paths: Record<string, Record<string, Json>> };
  const ids: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    '/api/v1/': { get: 'getCoreV1APIResources' },
    '/api/v1/pods': { get: 'listCoreV1PodForAllNamespaces' },
    '/api/v1/watch/pods': { get: 'watchCoreV1PodListForAllNamespaces' },
    '/api/v1/namespaces/{namespace}/pods': {
      get: 'listCoreV1NamespacedPod',
      post: 'createCoreV1NamespacedPod',
      delete: 'deleteCoreV1CollectionNamespacedPod',
    },
    '/api/v1/namespaces/{namespace}/pods/{name}': {
      get: 'readCoreV1NamespacedPod',
      put: 'replaceCoreV1NamespacedPod',
      patch: 'patchCoreV1NamespacedPod',
      delete: 'deleteCoreV1NamespacedPod',
    },
    '/api/v1/namespaces/{namespace}/pods/{name}/log': { get: 'readCoreV1NamespacedPodLog' },
    '/api/v1/namespaces/{namespace}/pods/{name}/eviction': { post: 'createCoreV1NamespacedPodEviction' },
    '/api/v1/namespaces/{namespace}/pods/{name}/exec': { get: 'connectCoreV1GetNamespacedPodExec' },
    '/api/v1/nodes/{name}/proxy/{path}': { head: 'connectCoreV1HeadNodeProxyWithPath' },
    '/api/v1/namespaces/{name}/finalize': { put: 'replaceCoreV1NamespaceFinalize' },
    '/api/v1/namespaces': { get: 'listCoreV1Namespace', post: 'createCoreV1Namespace' },
    '/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale': { patch: 'patchAppsV1NamespacedDeploymentScale' },
    '/apis/rbac.authorization.k8s.io/v1/watch/clusterroles/{name}': { get: 'watchRbacAuthorizationV1ClusterRole' },
    '/apis/authorization.k8s.io/v1/subjectaccessreviews': { post: 'createAuthorizationV1SubjectAccessReview' },
  };
  for (const [path, methods] of Object.entries(ids)) {
    for (const [method, id] of Object.entries(methods)) assert.equal(paths[path]?.[method]?.['operationId'], id, path);
  }
  assert.equal(paths['/api/v1/namespaces']?.['delete'], undefined);
  const all = Object.values(paths).flatMap((path) => Object.values(path).map((operation) => operation['operationId']));
  const named = all.filter((id) => id !== undefined);
  assert.equal(new Set(named).size, named.length, 'each id once');
  const patch = paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale']?.['patch'];
  assert.deepEqual(patch?.['x-kubernetes-group-version-kind'], { group: 'autoscaling', kind: 'Scale', version: 'v1' });
  assert.deepEqual(patch['tags'], ['apps_v1']);
  const asked = (patch['parameters'] as { name: string; type?: string }[]).map(({ name, type }) => [name, type]);
  assert.deepEqual(asked, [
    ['body', undefined],
    ['dryRun', 'string'],
    ['fieldManager', 'string'],
    ['fieldValidation', 'string'],
    ['force', 'boolean'],
  ]);
  const v3 = (await client.call('GET', '/openapi/v3')).body['paths'] as Json;
  assert.ok('apis/authentication.k8s.io/v1' in v3 && 'apis/events.k8s.io/v1' in v3);
});

test('definitions say how they merge', async (t) => {
  const { client } = await startTestServer(t);
  const { body } = await client.call('GET', '/openapi/v2');
  const definitions = body['definitions'] as Record<string, { properties: Record<string, Json> } & Json>;
  const notes = (type: string, field: string): Json => {
    const property = definitions[`io.k8s.api.${type}`]?.properties[field] ?? {};
    return Object.fromEntries(Object.entries(property).filter(([key]) => key.startsWith('x-')));
  };
  assert.deepEqual(notes('core.v1.ServiceSpec', 'ports'), {
    'x-kubernetes-list-map-keys': ['port', 'protocol'],
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-patch-strategy': 'merge',
    'x-kubernetes-patch-merge-key': 'port',
  });
  assert.deepEqual(notes('core.v1.ServiceSpec', 'selector'), { 'x-kubernetes-map-type': 'atomic' });
  assert.deepEqual(notes('apps.v1.DeploymentSpec', 'strategy'), { 'x-kubernetes-patch-strategy': 'retainKeys' });
  assert.equal(notes('core.v1.PodSpec', 'volumes')['x-kubernetes-patch-strategy'], 'merge,retainKeys');
  assert.equal(definitions['io.k8s.api.core.v1.ObjectReference']?.['x-kubernetes-map-type'], 'atomic');
});

function hasKind(schema: Json, { group, version, kind }: { group: string; version: string; kind: string }): boolean {
  const kinds = schema['x-kubernetes-group-version-kind'] as { group: string; version: string; kind: string }[];
  return kinds?.some((each) => each.group === group && each.version === version && each.kind === kind);
}

function messages(from: Buffer | undefined, number: number): Buffer[] {
  const fields = from === undefined ? [] : [...wireFields(from)];
  return fields.filter((field) => field.number === number).map(({ value }) => value as Buffer);
}

function fieldsOf(from: Buffer | undefined, number: number): string[] {
  return messages(from, number).map((value) => value.toString('utf8'));
}

function text(from: Buffer | undefined, number: number): string {
  return fieldsOf(from, number)[0] ?? '';
}
