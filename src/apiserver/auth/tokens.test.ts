/** ServiceAccount tokens: who they are for, what they die with. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { createLocalJWKSet, jwtVerify } from 'jose';
import type { JSONWebKeySet } from 'jose';
import { startTestServer, testClient } from '../testing.ts';
import type { TestServer } from '../testing.ts';
import { readPki } from './pki.ts';
import { issuer, signToken } from './tokens.ts';

const base = '/api/v1/namespaces/default';

interface Claims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: readonly string[];
  readonly exp: number;
  readonly iat: number;
  readonly 'kubernetes.io': {
    readonly pod?: { readonly name: string };
    readonly serviceaccount: { readonly name: string };
  };
}

async function request(server: TestServer, spec: object): Promise<{ code: number; token: string; text: string }> {
  const answer = await server.client.call('POST', `${base}/serviceaccounts/robot/token`, { spec });
  const status = answer.body['status'] as { token?: string } | undefined;
  return { code: answer.code, token: status?.token ?? '', text: answer.text };
}

function claimsOf(token: string): Claims {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Claims;
}

test('a token is its ServiceAccount, and dies with the pod it is bound to', async (t) => {
  const server = await startTestServer(t);
  await server.client.call('POST', `${base}/serviceaccounts`, { metadata: { name: 'robot' } });
  const pod = await server.client.call('POST', `${base}/pods`, {
    metadata: { name: 'p' },
    spec: { serviceAccountName: 'robot', containers: [{ name: 'c', image: 'i' }] },
  });
  assert.equal(pod.code, 201, pod.text);
  const { token, code } = await request(server, {
    audiences: [],
    expirationSeconds: 3600,
    boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'p' },
  });
  assert.equal(code, 201);
  const claims = claimsOf(token);
  assert.equal(claims.sub, 'system:serviceaccount:default:robot');
  assert.equal(claims.exp - claims.iat, 3600);
  assert.equal(claims['kubernetes.io'].pod?.name, 'p');

  const robot = testClient(server.address, join(server.dir, 'pki'), null);
  t.after(() => robot.close());
  const bearer = { authorization: `Bearer ${token}` };
  const who = await robot.call('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {}, bearer);
  const { userInfo } = who.body['status'] as { userInfo: { username: string; groups: string[] } };
  assert.equal(userInfo.username, 'system:serviceaccount:default:robot');
  assert.ok(userInfo.groups.includes('system:serviceaccounts:default'));
  // An account without a role may do what everybody may: find out what there is, and who he is.
  const pods = await robot.call('GET', `${base}/pods`, undefined, bearer);
  assert.equal(pods.code, 403);
  assert.equal(
    pods.body['message'],
    'pods is forbidden: User "system:serviceaccount:default:robot" cannot list resource "pods" in API group "" in the namespace "default"',
  );
  for (const path of ['/version', '/api', '/apis', '/api/v1', '/openapi/v3']) {
    assert.equal((await robot.call('GET', path, undefined, bearer)).code, 200, path);
  }
  const rolebindings = '/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings';
  const bound = await server.client.call('POST', rolebindings, {
    metadata: { name: 'robot-views' },
    roleRef: { kind: 'ClusterRole', name: 'view' },
    subjects: [{ kind: 'ServiceAccount', name: 'robot', namespace: 'default' }],
  });
  assert.equal(bound.code, 201, bound.text);
  assert.equal((await robot.call('GET', `${base}/pods`, undefined, bearer)).code, 200);
  const [head = '', body = '', signature = ''] = token.split('.');
  const forged = [head, Buffer.from(JSON.stringify({ ...claims, sub: 'x' })).toString('base64url'), signature].join(
    '.',
  );
  const unsigned = [Buffer.from('{"alg":"none"}').toString('base64url'), body, ''].join('.');
  for (const bad of [forged, unsigned]) {
    assert.equal((await robot.call('GET', `${base}/pods`, undefined, { authorization: `Bearer ${bad}` })).code, 401);
  }
  await server.client.call('DELETE', `${base}/pods/p`, { gracePeriodSeconds: 0 });
  assert.equal((await robot.call('GET', `${base}/pods`, undefined, bearer)).code, 401);
});

test('a token that was used before ends on time all the same', async (t) => {
  const server = await startTestServer(t);
  const made = await server.client.call('POST', `${base}/serviceaccounts`, { metadata: { name: 'robot' } });
  const { uid } = made.body['metadata'] as { uid: string };
  const subject = { namespace: 'default', serviceAccount: { name: 'robot', uid } };
  const { token, expires } = await signToken(readPki(join(server.dir, 'pki')), subject, [issuer], 2);
  const robot = testClient(server.address, join(server.dir, 'pki'), null);
  t.after(() => robot.close());
  const ask = async (): Promise<number> =>
    (await robot.call('GET', '/api', undefined, { authorization: `Bearer ${token}` })).code;
  assert.deepEqual([await ask(), await ask()], [200, 200]);
  let code = 200;
  while (code === 200) code = await ask();
  assert.equal(code, 401);
  assert.ok(Date.now() / 1000 >= expires, 'not before its time');
});

test('a token for another audience is not for this server; bad requests are refused', async (t) => {
  const server = await startTestServer(t);
  await server.client.call('POST', `${base}/serviceaccounts`, { metadata: { name: 'robot' } });
  const { token } = await request(server, { audiences: ['vault'] });
  assert.deepEqual(claimsOf(token).aud, ['vault']);
  const robot = testClient(server.address, join(server.dir, 'pki'), null);
  t.after(() => robot.close());
  assert.equal((await robot.call('GET', `${base}/pods`, undefined, { authorization: `Bearer ${token}` })).code, 401);
  assert.match(
    (await request(server, { expirationSeconds: 60 })).text,
    /may not specify a duration less than 10 minutes/,
  );
  assert.equal((await request(server, { boundObjectRef: { kind: 'Pod', name: 'none' } })).code, 404);
  assert.equal((await server.client.call('POST', `${base}/serviceaccounts/none/token`, { spec: {} })).code, 404);
});

test('anybody can check a token with the two documents of OpenID discovery', async (t) => {
  const server = await startTestServer(t);
  await server.client.call('POST', `${base}/serviceaccounts`, { metadata: { name: 'robot' } });
  const { token } = await request(server, { audiences: ['vault'] });
  const configuration = await server.client.call('GET', '/.well-known/openid-configuration');
  assert.equal(configuration.headers['cache-control'], 'public, max-age=3600');
  assert.equal(configuration.body['issuer'], claimsOf(token).iss);
  const keys = await server.client.call('GET', new URL(String(configuration.body['jwks_uri'])).pathname);
  assert.equal(keys.headers['content-type'], 'application/jwk-set+json');
  const { payload } = await jwtVerify(token, createLocalJWKSet(keys.body as unknown as JSONWebKeySet), {
    issuer: configuration.body['issuer'],
    audience: 'vault',
  });
  assert.equal(payload.sub, 'system:serviceaccount:default:robot');
});
