/** Webhooks over real TLS: who is asked, with what, and what their answers do. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { ObjectMeta, Service } from '../../../api/gen/types.ts';
import type { KubeObject } from '../../../api/object.ts';
import type { Stored } from '../../../store/index.ts';
import type { TestClient } from '../../testing.ts';
import { makePki, startTestServer } from '../../testing.ts';
import { postReview } from './dial.ts';
import { crontab, crontabs } from '../../custom/fixtures.ts';

const registration = '/apis/admissionregistration.k8s.io/v1';
const services = '/api/v1/namespaces/default/services';
const configMaps = '/api/v1/namespaces/default/configmaps';
const merge = { 'content-type': 'application/merge-patch+json' };

interface Request {
  readonly uid: string;
  readonly operation: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly requestKind: { readonly version: string };
  readonly subResource?: string;
  readonly userInfo: { readonly username: string; readonly uid?: string; readonly extra?: object };
  readonly object: KubeObject | null;
  readonly oldObject: KubeObject | null;
  readonly dryRun: boolean;
}
type Respond = (request: Request, path: string) => object;

interface World {
  readonly client: TestClient;
  readonly port: number;
  readonly caBundle: string;
  readonly seen: Request[];
  /** Registers one, on `path` of the hook server. */
  readonly register: (phase: 'mutating' | 'validating', name: string, rule: object, more?: object) => Promise<void>;
}

async function start(t: TestContext, respond: Respond): Promise<World> {
  const server = await startTestServer(t);
  const { client, dir } = server;
  const pki = await makePki(join(dir, 'hook-pki'));
  const identity = await pki.issue('hook', 'CN=hook', ['127.0.0.1', 'hook.default.svc']);
  const seen: Request[] = [];
  const hook = createServer(identity, (request, response) => {
    const answer = async (): Promise<void> => {
      const path = (request.url ?? '').replace(/\?.*/, '');
      const review = (await json(request)) as { apiVersion: string; request: Request };
      seen.push(review.request);
      if (path === '/slow') return;
      if (path === '/redirect') {
        response.writeHead(302, { location: '/' }).end('secret');
        return;
      }
      const body = { ...respond(review.request, path), uid: review.request.uid };
      response.end(JSON.stringify({ apiVersion: review.apiVersion, kind: 'AdmissionReview', response: body }));
    };
    answer().catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
  t.after(() => hook.close());
  const { port } = hook.address() as AddressInfo;
  const caBundle = readFileSync(join(dir, 'hook-pki', 'ca.crt')).toString('base64');
  const register: World['register'] = async (phase, name, rule, more = {}) => {
    const kind = phase === 'mutating' ? 'MutatingWebhookConfiguration' : 'ValidatingWebhookConfiguration';
    const webhook = {
      name: `${name}.example.com`,
      clientConfig: { url: `https://127.0.0.1:${String(port)}/${name}`, caBundle },
      rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['services'], ...rule }],
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      ...more,
    };
    const answer = await client.call('POST', `${registration}/${phase}webhookconfigurations`, {
      kind,
      apiVersion: 'admissionregistration.k8s.io/v1',
      metadata: { name },
      webhooks: [webhook],
    });
    assert.equal(answer.code, 201, answer.text);
  };
  return { client, port, caBundle, seen, register };
}

const allow = { allowed: true };
const service = (name: string, spec: object = {}): Service => ({
  metadata: { name },
  spec: { ports: [{ port: 80 }], ...spec },
});
const patchOf = (operations: object): object => ({
  allowed: true,
  patchType: 'JSONPatch',
  patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
});

describe('validating webhooks', () => {
  test('refusals in upstream’s words; nothing is written', async (t) => {
    const { client, register } = await start(t, ({ name }) =>
      name === 'mute'
        ? { allowed: false }
        : { allowed: false, status: { message: 'not on Mondays', code: 403, reason: 'Forbidden' } },
    );
    await register('validating', 'deny', {});
    const said = await client.call('POST', services, service('web'));
    assert.deepEqual(
      [said.code, said.body['reason'], said.body['message']],
      [403, 'Forbidden', 'admission webhook "deny.example.com" denied the request: not on Mondays'],
    );
    const mute = await client.call('POST', services, service('mute'));
    assert.deepEqual(
      [mute.code, mute.body['message']],
      [400, 'admission webhook "deny.example.com" denied the request without explanation'],
    );
    assert.equal((await client.call('GET', `${services}/web`)).code, 404);
    assert.equal((await client.call('POST', configMaps, { metadata: { name: 'other' } })).code, 201);
  });

  test('what is stored is what was seen: allocated addresses, and the true old object (CVE-2021-25735)', async (t) => {
    const { client, seen, register } = await start(t, () => allow);
    await register('validating', 'look', {});
    const made = await client.call('POST', services, service('web', { type: 'NodePort' }));
    assert.equal(made.code, 201, made.text);
    const strip = (object: unknown): unknown => {
      const { metadata, ...rest } = JSON.parse(JSON.stringify(object)) as { metadata: Record<string, unknown> };
      delete metadata['resourceVersion'];
      return { ...rest, metadata };
    };
    assert.deepEqual(strip(seen[0]?.object), strip(made.body));
    assert.equal(seen[0]?.oldObject, null);
    assert.equal(seen[0]?.userInfo.username, 'kubernetes-admin');
    const fields = [
      { sessionAffinity: 'ClientIP' },
      { externalTrafficPolicy: 'Local' },
      { internalTrafficPolicy: 'Local' },
      { selector: { a: 'b' } },
    ];
    let before = made.body;
    for (const spec of fields) {
      seen.length = 0;
      const after = await client.call('PATCH', `${services}/web`, { spec }, merge);
      assert.deepEqual(seen.at(-1)?.oldObject, before);
      assert.deepEqual(strip(seen.at(-1)?.object), strip(after.body));
      before = after.body;
    }
    seen.length = 0;
    await client.call('DELETE', `${services}/web`);
    assert.deepEqual([seen[0]?.operation, seen[0]?.object, seen[0]?.oldObject], ['DELETE', null, before]);
  });

  test('who is asked: operations, subresources, namespaces, labels; never about webhooks themselves', async (t) => {
    const { client, seen, register } = await start(t, () => allow);
    await register(
      'validating',
      'some',
      { operations: ['CREATE'], resources: ['configmaps', 'services/status'] },
      {
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'default' } },
        objectSelector: { matchExpressions: [{ key: 'skip', operator: 'DoesNotExist' }] },
      },
    );
    await register('validating', 'all', { resources: ['*/*'], apiGroups: ['admissionregistration.k8s.io'] });
    await client.call('POST', configMaps, { metadata: { name: 'a' } });
    await client.call('POST', configMaps, { metadata: { name: 'b', labels: { skip: '' } } });
    await client.call('POST', '/api/v1/namespaces/kube-system/configmaps', { metadata: { name: 'c' } });
    await client.call('PATCH', `${configMaps}/a`, { data: { x: 'y' } }, merge);
    await client.call('DELETE', `${registration}/validatingwebhookconfigurations/all`);
    assert.deepEqual(
      seen.map(({ operation, name }) => `${operation} ${String(name)}`),
      ['CREATE a'],
    );
  });

  test('a call that fails: Fail and Ignore, no redirect, no body told, time-out, wrong CA', async (t) => {
    const { client, port, register } = await start(t, () => allow);
    const at = `https://127.0.0.1:${String(port)}`;
    const check = async (name: string, more: object, text: string): Promise<void> => {
      await register('validating', name, { resources: ['configmaps'] }, more);
      const answer = await client.call('POST', configMaps, { metadata: { name: 'x' } });
      assert.equal(answer.code, 500, answer.text);
      assert.equal(
        answer.body['message'],
        `Internal error occurred: failed calling webhook "${name}.example.com": failed to call webhook: ${text}`,
      );
      await client.call('DELETE', `${registration}/validatingwebhookconfigurations/${name}`);
    };
    await check('redirect', {}, 'the server responded with the status code 302 but did not return more information');
    await check('slow', { timeoutSeconds: 1 }, `Post "${at}/slow?timeout=1s": context deadline exceeded`);
    await check(
      'refused',
      { clientConfig: { url: 'https://127.0.0.1:1/x' } },
      'Post "https://127.0.0.1:1/x?timeout=10s": dial tcp 127.0.0.1:1: connect: connection refused',
    );
    await check(
      'stranger',
      { clientConfig: { url: `${at}/x` } },
      `Post "${at}/x?timeout=10s": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
    );
    await check(
      'nowhere',
      { clientConfig: { service: { name: 'no', namespace: 'default' } } },
      'service "no" not found',
    );
    await register(
      'validating',
      'ignored',
      { resources: ['configmaps'] },
      { clientConfig: { url: 'https://127.0.0.1:1/x' }, failurePolicy: 'Ignore' },
    );
    assert.equal((await client.call('POST', configMaps, { metadata: { name: 'x' } })).code, 201);
  });

  test('through a service: to its endpoints, under its name', async (t) => {
    const { port, seen, caBundle } = await start(t, () => allow);
    const items: Readonly<Record<string, object>> = {
      '/services': { spec: { ports: [{ name: 'web', port: 443 }] } },
      // No API server lets a loopback endpoint in, so this one is not asked.
      'discovery.k8s.io/endpointslices': {
        metadata: { labels: { 'kubernetes.io/service-name': 'hook' } },
        endpoints: [{ addresses: ['192.168.255.1'], conditions: { ready: false } }, { addresses: ['127.0.0.1'] }],
        ports: [{ name: 'web', port }],
      },
    };
    const reader = {
      get: ({ resource }: { readonly resource: string }) => ({ value: items[resource] }) as Stored,
      list: (resource: string) => [{ value: items[resource] } as Stored],
    };
    const config = { service: { name: 'hook', namespace: 'default', path: '/svc' }, caBundle };
    const body = { apiVersion: 'admission.k8s.io/v1', request: { uid: 'u' } };
    const answer = await postReview(reader, config, 5, body);
    assert.deepEqual((answer as { response: object }).response, { allowed: true, uid: 'u' });
    assert.equal(seen.length, 1);
  });
});

describe('mutating webhooks', () => {
  test('by name, each after the other, with warnings; defaults and validation follow', async (t) => {
    const order: string[] = [];
    const { client, register } = await start(t, (request, path) => {
      order.push(path);
      const labels = request.object?.metadata?.labels ?? {};
      if (path === '/a')
        return { ...patchOf([{ op: 'add', path: '/metadata/labels', value: { a: '1' } }]), warnings: ['from a'] };
      return patchOf([
        { op: 'add', path: '/metadata/labels/b', value: `after ${labels['a'] ?? ''}`.replace(' ', '-') },
        { op: 'add', path: '/spec/sessionAffinity', value: 'ClientIP' },
        { op: 'replace', path: '/metadata/name', value: 'stolen' },
      ]);
    });
    await register('mutating', 'b', { operations: ['CREATE'] });
    await register('mutating', 'a', { operations: ['CREATE'] });
    const made = await client.call('POST', services, service('web'));
    assert.equal(made.code, 201, made.text);
    const { metadata, spec } = made.body as unknown as Service;
    assert.deepEqual(order, ['/a', '/b']);
    assert.deepEqual([metadata?.name, metadata?.labels], ['web', { a: '1', b: 'after-1' }]);
    assert.equal(spec?.sessionAffinityConfig?.clientIP?.timeoutSeconds, 10800);
    assert.match(String(made.headers['warning']), /from a/);
  });

  test('called again when something changed after it, if it asked for that', async (t) => {
    const order: string[] = [];
    const { client, register } = await start(t, (_request, path) => {
      order.push(path);
      return path === '/b' ? patchOf([{ op: 'add', path: '/metadata/labels', value: { b: '1' } }]) : allow;
    });
    await register('mutating', 'a', { operations: ['CREATE'] }, { reinvocationPolicy: 'IfNeeded' });
    await register('mutating', 'b', { operations: ['CREATE'] });
    await client.call('POST', services, service('web'));
    assert.deepEqual(order, ['/a', '/b', '/a']);
  });

  test('generated names, custom kinds in an equivalent version, dry run', async (t) => {
    const { client, seen, register } = await start(t, (_request, path) =>
      path === '/v'
        ? allow
        : patchOf([
            { op: 'add', path: '/spec/policy', value: 'Forbid' },
            { op: 'add', path: '/spec/junk', value: 1 },
          ]),
    );
    await client.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', crontabs());
    await register('mutating', 'm', { apiVersions: ['v1beta1'], resources: ['crontabs'] });
    await register('validating', 'v', { resources: ['crontabs'] });
    const body = { ...crontab('x'), metadata: { generateName: 'x-' } };
    const made = await client.call('POST', '/apis/stable.example.com/v1/namespaces/default/crontabs?dryRun=All', body);
    assert.equal(made.code, 201, made.text);
    const { spec, metadata } = made.body as { spec: object; metadata: { name: string } };
    assert.deepEqual(spec, { schedule: '* * * * *', replicas: 1, policy: 'Forbid' });
    assert.deepEqual(
      seen.map((request) => [
        request.kind.version,
        request.requestKind.version,
        request.object?.apiVersion,
        request.dryRun,
      ]),
      [
        ['v1beta1', 'v1', 'stable.example.com/v1beta1', true],
        ['v1', 'v1', 'stable.example.com/v1', true],
      ],
    );
    assert.equal(seen[1]?.name, metadata.name);
    assert.equal(
      (await client.call('GET', `/apis/stable.example.com/v1/namespaces/default/crontabs/${metadata.name}`)).code,
      404,
    );
  });
});

describe('webhooks and the rest of the write path', () => {
  test('apply is asked about too; what a webhook fills in is nobody’s, and its ruins of managedFields do not stand', async (t) => {
    const { client, seen, register } = await start(t, ({ object }, path) => {
      if (path !== '/m') return allow;
      const ruin =
        object?.metadata?.name === 'ruined' ? [{ op: 'remove', path: '/metadata/managedFields/0/fieldsType' }] : [];
      return patchOf([{ op: 'add', path: '/spec/policy', value: 'Forbid' }, ...ruin]);
    });
    await client.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', crontabs());
    await register('mutating', 'm', { resources: ['crontabs', 'crontabs/status'] });
    await register('validating', 'v', { resources: ['crontabs', 'crontabs/status', 'crontabs/scale'] });
    const type = { 'content-type': 'application/apply-patch+yaml' };
    const apply = (name: string, spec: object, more = ''): ReturnType<TestClient['call']> => {
      const path = `/apis/stable.example.com/v1/namespaces/default/crontabs/${name}?fieldManager=me${more}`;
      return client.call('PATCH', path, { ...crontab(name), spec: { schedule: '* * * * *', ...spec } }, type);
    };
    const made = await apply('one', {});
    assert.equal(made.code, 201, made.text);
    const { spec, metadata } = made.body as { spec: object; metadata: ObjectMeta };
    assert.deepEqual(spec, { schedule: '* * * * *', replicas: 1, policy: 'Forbid' });
    assert.deepEqual(
      metadata.managedFields?.map(({ manager, fieldsV1 }) => [manager, fieldsV1]),
      [['me', { 'f:spec': { 'f:schedule': {} } }]],
    );
    assert.deepEqual(
      seen.map(({ operation, object }) => [operation, object?.metadata?.managedFields]),
      [
        ['CREATE', metadata.managedFields],
        ['CREATE', metadata.managedFields],
      ],
    );
    seen.length = 0;
    const updated = await apply('one', { replicas: 2 }, '&force=true');
    assert.equal(updated.code, 200, updated.text);
    assert.deepEqual(
      seen.map(({ operation, oldObject }) => [operation, oldObject?.metadata?.uid]),
      [
        ['UPDATE', metadata.uid],
        ['UPDATE', metadata.uid],
      ],
    );
    seen.length = 0;
    const scaled = await client.call(
      'PATCH',
      '/apis/stable.example.com/v1/namespaces/default/crontabs/one/scale',
      { spec: { replicas: 4 } },
      merge,
    );
    assert.equal(scaled.code, 200, scaled.text);
    assert.deepEqual(
      seen.map(({ subResource }) => subResource),
      ['scale'],
    );
    const ruined = await apply('ruined', {});
    assert.equal(ruined.code, 201, ruined.text);
    const [entry] = (ruined.body as { metadata: ObjectMeta }).metadata.managedFields ?? [];
    assert.deepEqual([entry?.manager, entry?.fieldsType], ['me', 'FieldsV1']);
    assert.match(
      String(ruined.headers['warning']),
      /\.metadata\.managedFields was in an invalid state after admission; .*: missing fieldsType in managed fields entry 0/,
    );
  });

  test('a webhook makes nothing that its client may not: rights, external addresses, quotas', async (t) => {
    const rights = [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }];
    const changes: Readonly<Record<string, object>> = {
      mine: { op: 'add', path: '/rules', value: rights },
      external: { op: 'add', path: '/spec/externalIPs', value: ['198.51.100.7'] },
      port: { op: 'add', path: '/spec/type', value: 'NodePort' },
    };
    const { client, register } = await start(t, ({ name = '' }) => patchOf([changes[name]]));
    const rbac = '/apis/rbac.authorization.k8s.io/v1';
    const rules = [{ apiGroups: ['rbac.authorization.k8s.io'], resources: ['clusterroles'], verbs: ['create'] }];
    await client.call('POST', `${rbac}/clusterroles`, { metadata: { name: 'writer' }, rules });
    const subjects = [{ kind: 'User', name: 'ann', apiGroup: 'rbac.authorization.k8s.io' }];
    const roleRef = { kind: 'ClusterRole', name: 'writer', apiGroup: 'rbac.authorization.k8s.io' };
    await client.call('POST', `${rbac}/clusterrolebindings`, { metadata: { name: 'writer' }, subjects, roleRef });
    await register('mutating', 'm', { operations: ['CREATE'], resources: ['clusterroles', 'services'] });
    const role = { metadata: { name: 'mine' }, rules: [] };
    const escalated = await client.call('POST', `${rbac}/clusterroles`, role, { 'impersonate-user': 'ann' });
    assert.equal(escalated.code, 403, escalated.text);
    assert.match(escalated.text, /is attempting to grant RBAC permissions not currently held/);
    const external = await client.call('POST', services, service('external'));
    assert.equal(external.code, 403, external.text);
    assert.match(external.text, /Use of external IPs is denied by admission control/);
    const quota = { metadata: { name: 'q' }, spec: { hard: { 'services.nodeports': '0' } } };
    assert.equal((await client.call('POST', '/api/v1/namespaces/default/resourcequotas', quota)).code, 201);
    const port = await client.call('POST', services, service('port'));
    assert.equal(port.code, 403, port.text);
    assert.match(port.text, /exceeded quota: q, requested: services\.nodeports=1/);
  });

  test('exec and port-forward are asked about before the stream opens', async (t) => {
    const { client, seen, register } = await start(t, () => ({ allowed: false, status: { message: 'not here' } }));
    await register('validating', 'connect', { operations: ['CONNECT'], resources: ['pods/exec', 'pods/portforward'] });
    const upgrade = { connection: 'Upgrade', upgrade: 'SPDY/3.1' };
    for (const query of ['exec?command=ls&command=-l&stdout=true&container=c', 'portforward?ports=80']) {
      const answer = await client.call('POST', `/api/v1/namespaces/default/pods/p/${query}`, undefined, upgrade);
      assert.match(answer.text, /admission webhook \\"connect\.example\.com\\" denied the request: not here/);
    }
    const told = seen.map(({ kind, operation, subResource, object }) => [kind.kind, operation, subResource, object]);
    const version = { apiVersion: 'v1' };
    assert.deepEqual(told, [
      [
        'PodExecOptions',
        'CONNECT',
        'exec',
        { kind: 'PodExecOptions', ...version, stdout: true, container: 'c', command: ['ls', '-l'] },
      ],
      ['PodPortForwardOptions', 'CONNECT', 'portforward', { kind: 'PodPortForwardOptions', ...version, ports: [80] }],
    ]);
  });

  test('webhooks learn uid and extra of who asks', async (t) => {
    const { client, seen, register } = await start(t, () => allow);
    await register('validating', 'v', { resources: ['configmaps'] });
    const as = {
      'impersonate-user': 'ann',
      'impersonate-uid': 'u-1',
      'impersonate-group': 'system:masters',
      'impersonate-extra-team': 'blue',
    };
    const made = await client.call('POST', configMaps, { metadata: { name: 'x' } }, as);
    assert.equal(made.code, 201, made.text);
    assert.deepEqual(seen[0]?.userInfo, {
      username: 'ann',
      uid: 'u-1',
      groups: ['system:masters', 'system:authenticated'],
      extra: { team: ['blue'] },
    });
  });
});

test('configurations: defaults and refusals', async (t) => {
  const { client } = await startTestServer(t);
  const path = `${registration}/mutatingwebhookconfigurations`;
  const post = (webhook: object): ReturnType<TestClient['call']> =>
    client.call('POST', path, { metadata: { name: 'x' }, webhooks: [webhook] });
  const good = {
    name: 'a.example.com',
    clientConfig: { service: { name: 's', namespace: 'n' } },
    rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
  };
  const cases: readonly (readonly [object, string])[] = [
    [
      { name: 'a' },
      'webhooks[0].name: Invalid value: "a": should be a domain with at least three segments separated by dots',
    ],
    [
      { sideEffects: 'Some' },
      'webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"',
    ],
    [
      { timeoutSeconds: 31 },
      'webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds',
    ],
    [{ clientConfig: {} }, 'webhooks[0].clientConfig: Required value: exactly one of url or service is required'],
    [
      { clientConfig: { url: 'http://x/' } },
      `webhooks[0].clientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme; desired format: https://host[/path]`,
    ],
    [
      { matchConditions: [{ name: 'x', expression: '1' }] },
      'webhooks[0].matchConditions[0].expression: Invalid value: "1": must evaluate to bool but got int',
    ],
    [
      { admissionReviewVersions: ['v2'] },
      'webhooks[0].admissionReviewVersions: Invalid value: ["v2"]: must include at least one of v1, v1beta1',
    ],
  ];
  for (const [change, text] of cases) {
    const answer = await post({ ...good, ...change });
    assert.equal(answer.code, 422, answer.text);
    assert.ok(String(answer.body['message']).endsWith(`is invalid: ${text}`), answer.text);
  }
  const made = await post(good);
  const [webhook] = (made.body as { webhooks: object[] }).webhooks;
  assert.deepEqual(webhook, {
    ...good,
    clientConfig: { service: { name: 's', namespace: 'n', port: 443 } },
    rules: [{ ...good.rules[0], scope: '*' }],
    failurePolicy: 'Fail',
    matchPolicy: 'Equivalent',
    namespaceSelector: {},
    objectSelector: {},
    timeoutSeconds: 10,
    reinvocationPolicy: 'Never',
  });
});
