/** Who may do what: a table of users, requests and answers to the letter; nodes; giving rights away; impersonation. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { startTestServer, testClient } from '../testing.ts';
import type { Answer, TestClient, TestServer } from '../testing.ts';

const rbac = '/apis/rbac.authorization.k8s.io/v1';
const home = '/api/v1/namespaces/default';

/** As somebody, by impersonation: every answer is what he would get himself. */
type As = (method: string, path: string, body?: unknown) => Promise<Answer>;

function as({ client }: TestServer, user: string, ...groups: string[]): As {
  const headers: Record<string, string> = { 'impersonate-user': user };
  if (groups[0] !== undefined) headers['impersonate-group'] = groups[0];
  return (method, path, body) => client.call(method, path, body, headers);
}

async function made(answer: Promise<Answer>): Promise<Record<string, unknown>> {
  const { code, text, body } = await answer;
  assert.equal(code, 201, text);
  return body;
}

async function bind(
  { client }: TestServer,
  name: string,
  role: string,
  subject: object,
  namespace = '',
): Promise<void> {
  const path = namespace === '' ? `${rbac}/clusterrolebindings` : `${rbac}/namespaces/${namespace}/rolebindings`;
  await made(
    client.call('POST', path, {
      metadata: { name },
      roleRef: { kind: 'ClusterRole', name: role },
      subjects: [subject],
    }),
  );
}

const user = (name: string): object => ({ kind: 'User', name });

test('a table: who asks for what, and what is said', async (t) => {
  const server = await startTestServer(t);
  for (const role of ['view', 'edit', 'admin']) await bind(server, `${role}s`, role, user(role), 'default');
  await bind(server, 'broken', 'nobody-made-it', user('lost'), 'default');
  await bind(server, 'boss', 'cluster-admin', user('boss'));
  await made(
    server.client.call('POST', `${rbac}/clusterroles`, {
      metadata: { name: 'one-secret' },
      rules: [
        { verbs: ['get', 'list'], apiGroups: [''], resources: ['secrets'], resourceNames: ['mine'] },
        { verbs: ['get'], apiGroups: ['*'], resources: ['*/scale'] },
        { verbs: ['get'], nonResourceURLs: ['/metrics', '/livez/*'] },
      ],
    }),
  );
  await bind(server, 'narrow', 'one-secret', user('narrow'));
  await made(server.client.call('POST', `${home}/secrets`, { metadata: { name: 'mine' } }));
  const no = (who: string, verb: string, what: string, group = '', where = 'in the namespace "default"'): string =>
    `User "${who}" cannot ${verb} resource "${what}" in API group "${group}" ${where}`;
  const everywhere = 'at the cluster scope';
  const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
  const table: readonly [who: string, method: string, path: string, expected: number | string][] = [
    ['nobody', 'GET', '/version', 200],
    ['nobody', 'GET', '/apis/apps/v1', 200],
    ['nobody', 'GET', '/openapi/v3', 200],
    ['nobody', 'GET', '/metrics', 'forbidden: User "nobody" cannot get path "/metrics"'],
    ['nobody', 'GET', '/livez/ping', 'forbidden: User "nobody" cannot get path "/livez/ping"'],
    ['nobody', 'GET', `${home}/pods`, `pods is forbidden: ${no('nobody', 'list', 'pods')}`],
    ['nobody', 'GET', `${home}/pods/p`, `pods "p" is forbidden: ${no('nobody', 'get', 'pods')}`],
    ['nobody', 'GET', '/api/v1/pods', `pods is forbidden: ${no('nobody', 'list', 'pods', '', everywhere)}`],
    ['nobody', 'GET', '/api/v1/nodes?watch=1', `nodes is forbidden: ${no('nobody', 'watch', 'nodes', '', everywhere)}`],
    ['nobody', 'GET', home, `namespaces "default" is forbidden: ${no('nobody', 'get', 'namespaces')}`],
    [
      'nobody',
      'GET',
      '/apis/apps/v1/namespaces/default/deployments/d',
      `deployments.apps "d" is forbidden: ${no('nobody', 'get', 'deployments', 'apps')}`,
    ],
    ['nobody', 'GET', `${home}/pods/p/log`, `pods "p" is forbidden: ${no('nobody', 'get', 'pods/log')}`],
    ['nobody', 'POST', `${home}/pods/p/eviction`, `pods "p" is forbidden: ${no('nobody', 'create', 'pods/eviction')}`],
    [
      'nobody',
      'POST',
      `${home}/pods/p/exec?command=id`,
      `pods "p" is forbidden: ${no('nobody', 'create', 'pods/exec')}`,
    ],
    ['nobody', 'DELETE', `${home}/pods`, `pods is forbidden: ${no('nobody', 'deletecollection', 'pods')}`],
    ['nobody', 'GET', `${home}/widgets`, `widgets is forbidden: ${no('nobody', 'list', 'widgets')}`],
    [
      'lost',
      'GET',
      `${home}/pods`,
      `pods is forbidden: ${no('lost', 'list', 'pods')}: RBAC: clusterrole.rbac.authorization.k8s.io "nobody-made-it" not found`,
    ],
    ['system:anonymous', 'GET', '/healthz', 200],
    ['system:anonymous', 'GET', '/api', 'forbidden: User "system:anonymous" cannot get path "/api"'],
    ['view', 'GET', `${home}/services`, 200],
    ['view', 'GET', home, 200],
    ['view', 'GET', slices, 200],
    [
      'view',
      'GET',
      '/api/v1/namespaces',
      `namespaces is forbidden: ${no('view', 'list', 'namespaces', '', everywhere)}`,
    ],
    ['view', 'GET', `${home}/secrets`, `secrets is forbidden: ${no('view', 'list', 'secrets')}`],
    ['view', 'POST', `${home}/configmaps`, `configmaps is forbidden: ${no('view', 'create', 'configmaps')}`],
    [
      'view',
      'GET',
      '/api/v1/namespaces/kube-system/pods',
      `pods is forbidden: ${no('view', 'list', 'pods', '', 'in the namespace "kube-system"')}`,
    ],
    ['edit', 'GET', `${home}/secrets`, 200],
    ['edit', 'DELETE', `${home}/configmaps/none`, 404],
    ['edit', 'GET', `${home}/endpoints`, 200],
    ['edit', 'POST', `${home}/endpoints`, `endpoints is forbidden: ${no('edit', 'create', 'endpoints')}`],
    [
      'edit',
      'DELETE',
      slices,
      `endpointslices.discovery.k8s.io is forbidden: ${no('edit', 'deletecollection', 'endpointslices', 'discovery.k8s.io')}`,
    ],
    [
      'edit',
      'PUT',
      `${home}/services/kubernetes/status`,
      `services "kubernetes" is forbidden: ${no('edit', 'update', 'services/status')}`,
    ],
    [
      'edit',
      'POST',
      `${rbac}/namespaces/default/roles`,
      `roles.rbac.authorization.k8s.io is forbidden: ${no('edit', 'create', 'roles', 'rbac.authorization.k8s.io')}`,
    ],
    ['admin', 'GET', `${rbac}/namespaces/default/roles`, 200],
    ['admin', 'POST', `${home}/endpoints`, `endpoints is forbidden: ${no('admin', 'create', 'endpoints')}`],
    [
      'admin',
      'PUT',
      `${slices}/kubernetes`,
      `endpointslices.discovery.k8s.io "kubernetes" is forbidden: ${no('admin', 'update', 'endpointslices', 'discovery.k8s.io')}`,
    ],
    [
      'admin',
      'PATCH',
      `${home}/services/kubernetes/status`,
      `services "kubernetes" is forbidden: ${no('admin', 'patch', 'services/status')}`,
    ],
    ['narrow', 'GET', `${home}/secrets/mine`, 200],
    ['narrow', 'GET', `${home}/secrets?fieldSelector=metadata.name%3Dmine`, 200],
    ['narrow', 'GET', `${home}/secrets/other`, `secrets "other" is forbidden: ${no('narrow', 'get', 'secrets')}`],
    ['narrow', 'GET', `${home}/secrets`, `secrets is forbidden: ${no('narrow', 'list', 'secrets')}`],
    ['narrow', 'GET', '/apis/apps/v1/namespaces/default/deployments/d/scale', 404],
    ['narrow', 'GET', '/livez/ping', 200],
    ['boss', 'GET', '/metrics', 200],
    ['boss', 'GET', '/api/v1/secrets', 200],
  ];
  for (const [who, method, path, expected] of table) {
    const answer = await as(server, who)(method, path);
    const what = `${who} ${method} ${path}`;
    if (typeof expected === 'number') assert.equal(answer.code, expected, `${what}: ${answer.text}`);
    else {
      assert.equal(answer.body['message'], expected, what);
      assert.deepEqual([answer.code, answer.body['reason']], [403, 'Forbidden'], what);
    }
  }
  await server.client.call('DELETE', `${rbac}/namespaces/default/rolebindings/views`);
  assert.equal((await as(server, 'view')('GET', `${home}/services`)).code, 403, 'taken away at once');
});

test('nobody gives away what he has not got', async (t) => {
  const server = await startTestServer(t);
  await bind(server, 'ann', 'admin', user('ann'), 'default');
  const ann = as(server, 'ann');
  const roles = `${rbac}/namespaces/default/roles`;
  const bindings = `${rbac}/namespaces/default/rolebindings`;
  const role = (verbs: string[], resource: string): object => ({
    metadata: { name: 'r' },
    rules: [{ verbs, apiGroups: [''], resources: [resource] }],
  });
  const refused = await ann('POST', roles, role(['get', 'update'], 'endpoints'));
  assert.equal(
    refused.body['message'],
    'roles.rbac.authorization.k8s.io "r" is forbidden: user "ann" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["endpoints"], Verbs:["update"]}',
  );
  await made(ann('POST', roles, role(['get'], 'pods')));
  const patched = await server.client.call(
    'PATCH',
    `${roles}/r`,
    [{ op: 'replace', path: '/rules/0/resources', value: ['nodes'] }],
    {
      ...{ 'impersonate-user': 'ann', 'content-type': 'application/json-patch+json' },
    },
  );
  assert.match(String(patched.body['message']), /attempting to grant RBAC permissions not currently held/);
  const give = (name: string, to: string): Promise<Answer> =>
    ann('POST', bindings, { metadata: { name }, roleRef: { kind: 'ClusterRole', name: to }, subjects: [user('bob')] });
  await made(give('fine', 'view'));
  assert.match(
    String((await give('more', 'cluster-admin')).body['message']),
    /not currently held:\n\{APIGroups:\["\*"\]/,
  );
  assert.equal(
    (await give('none', 'ghost')).body['message'],
    'clusterroles.rbac.authorization.k8s.io "ghost" not found',
  );
  // The verb `bind` is enough.
  await made(
    server.client.call('POST', `${rbac}/clusterroles`, {
      metadata: { name: 'may-bind' },
      rules: [
        {
          verbs: ['bind'],
          apiGroups: ['rbac.authorization.k8s.io'],
          resources: ['clusterroles'],
          resourceNames: ['cluster-admin'],
        },
      ],
    }),
  );
  await bind(server, 'binder', 'may-bind', user('ann'));
  await made(give('more', 'cluster-admin'));
  const changed = await server.client.call('PUT', `${bindings}/fine`, {
    metadata: { name: 'fine' },
    roleRef: { kind: 'ClusterRole', name: 'edit' },
    subjects: [],
  });
  assert.equal(changed.code, 422);
  assert.equal(
    changed.body['message'],
    'RoleBinding.rbac.authorization.k8s.io "fine" is invalid: roleRef: Invalid value: {"APIGroup":"rbac.authorization.k8s.io","Kind":"ClusterRole","Name":"edit"}: cannot change roleRef',
  );
});

test('impersonation needs its own permission', async (t) => {
  const server = await startTestServer(t);
  await server.pki.issue('ann', 'CN=ann, O=team, O=others');
  const ann = testClient(server.address, join(server.dir, 'pki'), 'ann');
  t.after(() => ann.close());
  const who = async (headers: Record<string, string>): Promise<Answer> =>
    ann.call('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {}, headers);
  const self = (await who({})).body['status'] as { userInfo: object };
  assert.deepEqual(self.userInfo, { username: 'ann', groups: ['team', 'others', 'system:authenticated'] });
  assert.equal(
    (await who({ 'impersonate-user': 'bob' })).body['message'],
    'users "bob" is forbidden: User "ann" cannot impersonate resource "users" in API group "" at the cluster scope',
  );
  assert.equal(
    (await who({ 'impersonate-user': 'system:serviceaccount:default:robot' })).body['message'],
    'serviceaccounts "robot" is forbidden: User "ann" cannot impersonate resource "serviceaccounts" in API group "" in the namespace "default"',
  );
  assert.equal((await who({ 'impersonate-group': 'x' })).code, 400);
  await made(
    server.client.call('POST', `${rbac}/clusterroles`, {
      metadata: { name: 'as-bob' },
      rules: [
        { verbs: ['impersonate'], apiGroups: [''], resources: ['users'], resourceNames: ['bob'] },
        { verbs: ['impersonate'], apiGroups: [''], resources: ['groups'], resourceNames: ['team'] },
      ],
    }),
  );
  await bind(server, 'as-bob', 'as-bob', { kind: 'Group', name: 'team' });
  const bob = (await who({ 'impersonate-user': 'bob', 'impersonate-group': 'team' })).body['status'] as {
    userInfo: object;
  };
  assert.deepEqual(bob.userInfo, { username: 'bob', groups: ['team', 'system:authenticated'] });
  assert.match(
    (await who({ 'impersonate-user': 'bob', 'impersonate-group': 'system:masters' })).text,
    /groups \\"system:masters\\"/,
  );
  assert.equal((await who({ 'impersonate-user': 'bob', 'impersonate-uid': '1' })).code, 403);
  assert.equal((await who({ 'impersonate-user': 'bob', 'impersonate-extra-scopes': 'all' })).code, 403);
});

async function nodeServer(t: TestContext): Promise<{ server: TestServer; node: TestClient; uid: string }> {
  const server = await startTestServer(t);
  await server.pki.issue('n1', 'CN=system:node:n1, O=system:nodes');
  const node = testClient(server.address, join(server.dir, 'pki'), 'n1');
  t.after(() => node.close());
  const own = await made(node.call('POST', '/api/v1/nodes', { metadata: { name: 'n1' } }));
  await made(server.client.call('POST', '/api/v1/nodes', { metadata: { name: 'n2' } }));
  const { uid } = own['metadata'] as { uid: string };
  for (const name of ['a', 'b']) {
    await made(server.client.call('POST', `${home}/secrets`, { metadata: { name } }));
    await made(server.client.call('POST', `${home}/serviceaccounts`, { metadata: { name } }));
    const spec = {
      nodeName: name === 'a' ? 'n1' : 'n2',
      serviceAccountName: name,
      containers: [{ name: 'c', image: 'i', envFrom: [{ secretRef: { name } }] }],
    };
    await made(server.client.call('POST', `${home}/pods`, { metadata: { name }, spec }));
  }
  return { server, node, uid };
}

test("a node's credential: its own objects, and what its pods refer to", async (t) => {
  const { server, node, uid } = await nodeServer(t);
  const forbidden = (what: string, cannot: string, why: string): string =>
    `${what} is forbidden: User "system:node:n1" cannot ${cannot}${why === '' ? '' : `: ${why}`}`;
  const inDefault = 'in API group "" in the namespace "default"';
  const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
  const merge = { 'content-type': 'application/merge-patch+json' };
  const podUid = (await server.client.call('GET', `${home}/pods/a`)).body['metadata'] as { uid: string };
  const token = (ref?: object): object => ({ spec: { audiences: [], ...(ref ? { boundObjectRef: ref } : {}) } });
  const no = "no relationship found between node 'n1' and this object";
  const cases: readonly [method: string, path: string, body: unknown, expected: number | string][] = [
    ['GET', '/api/v1/nodes/n1', undefined, 200],
    [
      'GET',
      '/api/v1/nodes',
      undefined,
      forbidden(
        'nodes',
        'list resource "nodes" in API group "" at the cluster scope',
        "node 'n1' cannot read all nodes, only its own Node object",
      ),
    ],
    [
      'GET',
      '/api/v1/nodes/n2',
      undefined,
      forbidden(
        'nodes "n2"',
        'get resource "nodes" in API group "" at the cluster scope',
        "node 'n1' cannot read 'n2', only its own Node object",
      ),
    ],
    [
      'POST',
      '/api/v1/nodes',
      { metadata: { name: 'n3' } },
      'nodes "n3" is forbidden: node "n1" is not allowed to modify node "n3"',
    ],
    [
      'PATCH',
      '/api/v1/nodes/n2/status',
      { status: {} },
      'nodes "n2" is forbidden: node "n1" is not allowed to modify node "n2"',
    ],
    [
      'PATCH',
      '/api/v1/nodes/n1',
      { metadata: { labels: { 'node-role.kubernetes.io/control-plane': '' } } },
      'nodes "n1" is forbidden: is not allowed to modify labels: node-role.kubernetes.io/control-plane',
    ],
    ['PATCH', '/api/v1/nodes/n1', { metadata: { labels: { 'topology.kubernetes.io/zone': 'z' } } }, 200],
    [
      'PATCH',
      '/api/v1/nodes/n1',
      { spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } },
      'nodes "n1" is forbidden: node "n1" is not allowed to modify taints',
    ],
    [
      'DELETE',
      '/api/v1/nodes/n1',
      undefined,
      forbidden('nodes "n1"', 'delete resource "nodes" in API group "" at the cluster scope', ''),
    ],
    ['GET', `${home}/pods?fieldSelector=spec.nodeName%3Dn1`, undefined, 200],
    [
      'GET',
      `${home}/pods`,
      undefined,
      forbidden(
        'pods',
        `list resource "pods" ${inDefault}`,
        'can only list/watch pods with spec.nodeName field selector',
      ),
    ],
    ['GET', `${home}/pods/a`, undefined, 200],
    ['GET', `${home}/pods/b`, undefined, forbidden('pods "b"', `get resource "pods" ${inDefault}`, no)],
    ['PATCH', `${home}/pods/a/status`, { status: { phase: 'Running' } }, 200],
    [
      'PATCH',
      `${home}/pods/b/status`,
      { status: { phase: 'Running' } },
      'pods "b" is forbidden: node "n1" can only update pod status for pods with spec.nodeName set to itself',
    ],
    [
      'PATCH',
      `${home}/pods/a`,
      { metadata: { labels: { x: 'y' } } },
      forbidden('pods "a"', `patch resource "pods" ${inDefault}`, ''),
    ],
    [
      'DELETE',
      `${home}/pods/b`,
      undefined,
      'pods "b" is forbidden: node "n1" can only delete pods with spec.nodeName set to itself',
    ],
    [
      'POST',
      `${home}/pods/b/eviction`,
      { metadata: { name: 'b' } },
      'pods "b" is forbidden: node n1 can only evict pods with spec.nodeName set to itself',
    ],
    [
      'POST',
      `${home}/pods`,
      { metadata: { name: 'x' }, spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }] } },
      'pods "x" is forbidden: pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods',
    ],
    ['GET', `${home}/secrets/a`, undefined, 200],
    ['GET', `${home}/secrets/b`, undefined, forbidden('secrets "b"', `get resource "secrets" ${inDefault}`, no)],
    [
      'GET',
      `${home}/secrets`,
      undefined,
      forbidden('secrets', `list resource "secrets" ${inDefault}`, 'No Object name found'),
    ],
    [
      'DELETE',
      `${home}/secrets/a`,
      undefined,
      forbidden('secrets "a"', `delete resource "secrets" ${inDefault}`, 'can only read resources of this type'),
    ],
    [
      'POST',
      `${home}/serviceaccounts/a/token`,
      token({ apiVersion: 'v1', kind: 'Pod', name: 'a', uid: podUid.uid }),
      201,
    ],
    [
      'POST',
      `${home}/serviceaccounts/a/token`,
      token(),
      'serviceaccounts "a" is forbidden: node requested token not bound to a pod',
    ],
    [
      'POST',
      `${home}/serviceaccounts/a/token`,
      token({ apiVersion: 'v1', kind: 'Pod', name: 'b', uid: 'x' }),
      'serviceaccounts "a" is forbidden: the UID in the bound object reference (x) does not match the UID in record. The object might have been deleted and then recreated',
    ],
    [
      'POST',
      `${home}/serviceaccounts/b/token`,
      token(),
      forbidden('serviceaccounts "b"', `create resource "serviceaccounts/token" ${inDefault}`, no),
    ],
    ['POST', leases, { metadata: { name: 'n1' } }, 201],
    [
      'POST',
      leases,
      { metadata: { name: 'n2' } },
      'leases.coordination.k8s.io "n2" is forbidden: can only access node lease with the same name as the requesting node',
    ],
    [
      'GET',
      `${leases}/n2`,
      undefined,
      forbidden(
        'leases.coordination.k8s.io "n2"',
        'get resource "leases" in API group "coordination.k8s.io" in the namespace "kube-node-lease"',
        'can only access node lease with the same name as the requesting node',
      ),
    ],
    ['GET', '/api/v1/services', undefined, 200],
    ['POST', `${home}/services`, {}, forbidden('services', `create resource "services" ${inDefault}`, '')],
    [
      'GET',
      `${rbac}/clusterroles`,
      undefined,
      forbidden(
        'clusterroles.rbac.authorization.k8s.io',
        'list resource "clusterroles" in API group "rbac.authorization.k8s.io" at the cluster scope',
        '',
      ),
    ],
  ];
  for (const [method, path, body, expected] of cases) {
    const answer = await node.call(method, path, body, method === 'PATCH' ? merge : {});
    const what = `${method} ${path}`;
    if (typeof expected === 'number') assert.equal(answer.code, expected, `${what}: ${answer.text}`);
    else assert.equal(answer.body['message'], expected, what);
  }
  const mirror = {
    metadata: {
      name: 'mirror-n1',
      annotations: { 'kubernetes.io/config.mirror': 'x' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'n1', uid, controller: true }],
    },
    spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }] },
  };
  await made(node.call('POST', `${home}/pods`, mirror));
});
