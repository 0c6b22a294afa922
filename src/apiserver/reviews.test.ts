/** The review kinds, asked by those who authenticate and authorize their own clients. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { startTestServer } from './testing.ts';

const authorization = '/apis/authorization.k8s.io/v1';

test('access reviews: for others, in one namespace, badly asked', async (t) => {
  const { client } = await startTestServer(t);
  const ask = async (path: string, spec: object, more: object = {}): Promise<[number, Record<string, unknown>]> => {
    const answer = await client.call('POST', `${authorization}/${path}`, { spec, ...more });
    return [answer.code, (answer.code === 201 ? answer.body['status'] : answer.body) as Record<string, unknown>];
  };
  const pods = { resourceAttributes: { verb: 'list', resource: 'pods', namespace: 'default' } };
  const [, masters] = await ask('subjectaccessreviews', { user: 'x', groups: ['system:masters'], ...pods });
  assert.deepEqual(masters, { allowed: true });
  const [, controller] = await ask('subjectaccessreviews', { user: 'system:kube-controller-manager', ...pods });
  assert.equal(
    controller['reason'],
    'RBAC: allowed by ClusterRoleBinding "system:kube-controller-manager" of ClusterRole "system:kube-controller-manager" to User "system:kube-controller-manager"',
  );
  assert.deepEqual((await ask('subjectaccessreviews', { user: 'x', ...pods }))[1], { allowed: false });
  const path = { nonResourceAttributes: { verb: 'get', path: '/healthz' } };
  const [, healthy] = await ask('subjectaccessreviews', {
    user: 'system:anonymous',
    groups: ['system:unauthenticated'],
    ...path,
  });
  assert.equal(healthy['allowed'], true);
  const local = 'namespaces/default/localsubjectaccessreviews';
  assert.deepEqual((await ask(local, { user: 'x', ...pods }))[1], { allowed: false });
  const elsewhere = { resourceAttributes: { verb: 'list', resource: 'pods', namespace: 'kube-system' } };
  const [code, wrong] = await ask(local, { user: 'x', ...elsewhere });
  assert.equal(code, 422);
  assert.match(
    String(wrong['message']),
    /spec\.resourceAttributes\.namespace: Invalid value: "kube-system": must match metadata\.namespace/,
  );
  assert.match(
    String((await ask('subjectaccessreviews', pods))[1]['message']),
    /spec\.user: Invalid value: "": at least one of user or group must be specified/,
  );
  assert.match(
    String((await ask('selfsubjectaccessreviews', {}))[1]['message']),
    /exactly one of nonResourceAttributes or resourceAttributes must be specified/,
  );
  assert.match(
    String((await ask('selfsubjectaccessreviews', { ...pods, ...path }))[1]['message']),
    /cannot be specified in combination with resourceAttributes/,
  );
  assert.equal((await ask('localsubjectaccessreviews', { user: 'x', ...pods }))[0], 404);
});

test('token reviews: whose, for whom, and no longer', async (t) => {
  const { client } = await startTestServer(t);
  const home = '/api/v1/namespaces/default';
  await client.call('POST', `${home}/serviceaccounts`, { metadata: { name: 'robot' } });
  const asked = await client.call('POST', `${home}/serviceaccounts/robot/token`, {
    spec: { audiences: ['vault', 'db'] },
  });
  const { token } = asked.body['status'] as { token: string };
  const review = async (spec: object): Promise<Record<string, unknown>> => {
    const answer = await client.call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { spec });
    assert.equal(answer.code, 201, answer.text);
    return answer.body['status'] as Record<string, unknown>;
  };
  const known = await review({ token, audiences: ['vault', 'other'] });
  assert.equal(known['authenticated'], true);
  assert.deepEqual(known['audiences'], ['vault']);
  assert.equal((known['user'] as { username: string }).username, 'system:serviceaccount:default:robot');
  assert.equal((await review({ token }))['authenticated'], undefined, 'not for the API server');
  assert.equal((await review({ token: 'nonsense', audiences: ['vault'] }))['error'], 'invalid bearer token');
  await client.call('DELETE', `${home}/serviceaccounts/robot`);
  assert.equal((await review({ token, audiences: ['vault'] }))['authenticated'], undefined);
});
