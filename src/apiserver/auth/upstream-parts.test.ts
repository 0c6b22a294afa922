/** What upstream's own parts may: a kube-controller-manager with an account for each controller, a kube-scheduler, elected by lease. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { startApiServer } from '../index.ts';
import { serverOptions, startTestServer, testClient } from '../testing.ts';

const system = '/api/v1/namespaces/kube-system';
const authentication = `${system}/configmaps/extension-apiserver-authentication`;
const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases';
const account = (controller: string): string => `system:serviceaccount:kube-system:${controller}`;

/** Who, verb and path, and whether it is allowed. */
const table: readonly (readonly [user: string, method: string, path: string, allowed: boolean])[] = [
  [account('job-controller'), 'GET', '/apis/batch/v1/jobs', true],
  [account('job-controller'), 'GET', '/api/v1/secrets', false],
  [account('ttl-controller'), 'GET', '/api/v1/nodes', true],
  [account('ttl-controller'), 'GET', '/api/v1/pods', false],
  [account('resource-claim-controller'), 'GET', '/apis/resource.k8s.io/v1/resourceclaims', true],
  [account('nobody'), 'GET', '/api/v1/nodes', false],
  ['system:kube-scheduler', 'GET', '/apis/resource.k8s.io/v1/resourceslices', true],
  ['system:kube-scheduler', 'GET', leases, true],
  ['system:kube-scheduler', 'GET', authentication, true],
  ['system:kube-controller-manager', 'GET', authentication, true],
  ['system:kube-proxy', 'GET', authentication, false],
];

test('the parts of upstream have the rights that upstream gives them', async (t) => {
  const { client } = await startTestServer(t);
  for (const [user, method, path, allowed] of table) {
    const answer = await client.call(method, path, undefined, { 'impersonate-user': user });
    assert.equal(answer.code, allowed ? 200 : 403, `${user} ${method} ${path}: ${answer.text}`);
  }
});

test('how clients are known is told to those who serve extensions: mended at a start, and what others say there stays', async (t) => {
  const first = await startTestServer(t);
  const ca = readFileSync(join(first.dir, 'pki', 'ca.crt'), 'utf8');
  const { body } = await first.client.call('GET', authentication);
  const ours = {
    'client-ca-file': ca,
    'requestheader-allowed-names': '["front-proxy-client"]',
    'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
    'requestheader-group-headers': '["X-Remote-Group"]',
    'requestheader-uid-headers': '["X-Remote-Uid"]',
    'requestheader-username-headers': '["X-Remote-User"]',
  };
  const frontProxy = readFileSync(join(first.dir, 'pki', 'front-proxy-ca.crt'), 'utf8');
  assert.deepEqual(body['data'], { ...ours, 'requestheader-client-ca-file': frontProxy });
  const others = { 'requestheader-client-ca-file': 'theirs\n' };
  const changed = { ...body, data: { 'client-ca-file': 'of yesterday', ...others } };
  assert.equal((await first.client.call('PUT', authentication, changed)).code, 200);
  await first.close();
  const again = await startApiServer(serverOptions(first.dir), new AbortController().signal);
  t.after(() => again.close());
  const client = testClient(again.address, join(first.dir, 'pki'));
  t.after(() => client.close());
  const after = (await client.call('GET', authentication)).body['data'];
  assert.deepEqual(after, { ...ours, 'requestheader-client-ca-file': `theirs\n${frontProxy}` });
});
