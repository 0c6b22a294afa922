/** The real kubectl as several people: client certificates, tokens, --as; roles, bindings and certificate requests as it shows them. */
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { webcrypto } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { startTestServer, writeKubeconfig } from '../testing.ts';

/** PEM. */
async function certificateRequest(name: string): Promise<string> {
  const signingAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(signingAlgorithm, true, ['sign', 'verify']);
  return (await Pkcs10CertificateRequestGenerator.create({ name, keys, signingAlgorithm })).toString('pem');
}

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

type Kubectl = (...words: string[]) => Promise<Run>;

async function people(t: TestContext): Promise<{ dir: string; as: (who: string) => Kubectl }> {
  const server = await startTestServer(t);
  await server.pki.issue('ann', 'CN=ann, O=team');
  const as =
    (who: string): Kubectl =>
    (...words) => {
      const { promise, resolve } = Promise.withResolvers<Run>();
      const args = ['--kubeconfig', writeKubeconfig(server.dir, server.address, who)];
      execFile(
        'kubectl',
        [...args, '--cache-dir', join(server.dir, 'cache'), ...words],
        { timeout: 60_000 },
        (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code ?? 1), out, err }),
      );
      return promise;
    };
  return { dir: server.dir, as };
}

async function says(run: Promise<Run>, expected: string | RegExp, code = 0): Promise<string> {
  const { code: actual, out, err } = await run;
  assert.equal(actual, code, out + err);
  if (typeof expected === 'string') assert.equal(out + err, expected);
  else assert.match(out + err, expected);
  return out;
}

test('kubectl: whoami, can-i, --as, roles and bindings', async (t) => {
  const { as } = await people(t);
  const admin = as('admin');
  const ann = as('ann');
  await says(ann('auth', 'whoami'), /Username +ann\nGroups +\[team system:authenticated\]/);
  await says(
    ann('get', 'pods'),
    'Error from server (Forbidden): pods is forbidden: User "ann" cannot list resource "pods" in API group "" in the namespace "default"\n',
    1,
  );
  await says(ann('auth', 'can-i', 'list', 'pods'), /^no\n/, 1);
  await says(
    admin('create', 'role', 'reader', '--verb=get,list', '--resource=pods,services'),
    'role.rbac.authorization.k8s.io/reader created\n',
  );
  await says(
    admin('create', 'rolebinding', 'readers', '--role=reader', '--group=team', '--serviceaccount=default:robot'),
    'rolebinding.rbac.authorization.k8s.io/readers created\n',
  );
  await says(ann('auth', 'can-i', 'list', 'pods'), 'yes\n');
  await says(ann('get', 'pods'), 'No resources found in default namespace.\n');
  await says(ann('auth', 'can-i', 'list', 'pods', '-n', 'kube-system'), /^no\n/, 1);
  await says(ann('auth', 'can-i', '--list'), /^pods +\[\] +\[\] +\[get list\]$/m);
  await says(
    admin('get', 'rolebindings', '-o', 'wide'),
    /^NAME +ROLE +AGE +USERS +GROUPS +SERVICEACCOUNTS\nreaders +Role\/reader +\d+s +team +default\/robot\n$/,
  );
  await says(admin('get', 'roles'), /^NAME +CREATED AT\nreader +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n$/);
  await says(
    admin('get', 'clusterrolebindings', 'cluster-admin', '-o', 'wide'),
    /ClusterRole\/cluster-admin .*system:masters/,
  );
  await says(
    admin('describe', 'clusterrole', 'view'),
    /endpointslices\.discovery\.k8s\.io +\[\] +\[\] +\[get list watch\]/,
  );
  await says(admin('auth', 'can-i', 'create', 'pods', '--as=ann'), /^no\n/, 1);
  await says(admin('auth', 'can-i', 'get', 'pods', '--as=someone', '--as-group=team'), 'yes\n');
  await says(admin('auth', 'can-i', 'get', '/metrics', '--as=ann'), /^no\n/, 1);
  await says(
    ann('get', 'pods', '--as=bob'),
    /users "bob" is forbidden: User "ann" cannot impersonate resource "users" in API group "" at the cluster scope\n$/,
    1,
  );
});

test('kubectl: create token, and what the token may', async (t) => {
  const { dir, as } = await people(t);
  const admin = as('admin');
  await says(admin('create', 'serviceaccount', 'robot'), 'serviceaccount/robot created\n');
  const token = (await says(admin('create', 'token', 'robot', '--duration=1h'), /^ey/)).trim();
  // No certificate beside it, which would go first.
  const kubeconfig = join(dir, 'token.kubeconfig');
  const { stdout } = await new Promise<{ stdout: string }>((resolve, reject) => {
    const args = ['config', 'view', '--raw', '-o', 'json', '--kubeconfig', join(dir, 'admin.kubeconfig')];
    execFile('kubectl', args, (error, out) => (error === null ? resolve({ stdout: out }) : reject(error)));
  });
  const config = JSON.parse(stdout) as { users: unknown };
  writeFileSync(kubeconfig, JSON.stringify({ ...config, users: [{ name: 'admin', user: { token } }] }));
  const robot: Kubectl = (...words) => admin('--kubeconfig', kubeconfig, ...words);
  await says(
    robot('auth', 'whoami'),
    /Username +system:serviceaccount:default:robot\n[^]*system:serviceaccounts:default/,
  );
  await says(robot('get', 'secrets'), /User "system:serviceaccount:default:robot" cannot list resource "secrets"/, 1);
  await says(
    admin('create', 'clusterrolebinding', 'robots', '--clusterrole=edit', '--serviceaccount=default:robot'),
    /created/,
  );
  await says(robot('get', 'secrets'), 'No resources found in default namespace.\n');
  await says(robot('auth', 'can-i', 'create', 'endpoints'), /^no\n/, 1);
  await says(robot('auth', 'can-i', 'update', 'services', '--subresource=status'), /^no\n/, 1);
  await says(admin('delete', 'serviceaccount', 'robot'), /deleted/);
  await says(robot('get', 'secrets'), /[Uu]nauthorized|must be logged in/, 1);
});

test('kubectl: a certificate request is asked for, approved, and shown', async (t) => {
  const { dir, as } = await people(t);
  const admin = as('admin');
  const request = await certificateRequest('CN=ann, O=team');
  const csr = (name: string): string => {
    const file = join(dir, `${name}.json`);
    const spec = {
      request: Buffer.from(request).toString('base64'),
      signerName: 'kubernetes.io/kube-apiserver-client',
      usages: ['client auth'],
      expirationSeconds: 3600,
      username: 'somebody else',
    };
    const head = { apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest' };
    writeFileSync(file, JSON.stringify({ ...head, metadata: { name }, spec }));
    return file;
  };
  await says(as('ann')('create', '-f', csr('ann')), /cannot create resource "certificatesigningrequests"/, 1);
  await says(
    admin('create', 'clusterrole', 'asker', '--verb=create,get', '--resource=certificatesigningrequests'),
    /created/,
  );
  await says(admin('create', 'clusterrolebinding', 'askers', '--clusterrole=asker', '--group=team'), /created/);
  await says(as('ann')('create', '-f', csr('ann')), /created/);
  await says(
    admin('get', 'csr'),
    /^NAME +AGE +SIGNERNAME +REQUESTOR +REQUESTEDDURATION +CONDITION\nann +\d+s +kubernetes.io\/kube-apiserver-client +ann +60m +Pending\n$/,
  );
  await says(as('ann')('certificate', 'approve', 'ann'), /[Ff]orbidden/, 1);
  await says(admin('certificate', 'approve', 'ann'), 'certificatesigningrequest.certificates.k8s.io/ann approved\n');
  await says(admin('get', 'csr', 'ann'), / Approved\n$/);
  await says(admin('certificate', 'deny', 'ann'), /mutually exclusive|already/, 1);
  await says(admin('create', '-f', csr('other')), /created/);
  await says(admin('certificate', 'deny', 'other'), /denied/);
  await says(admin('get', 'csr', 'other'), / Denied\n$/);
});
